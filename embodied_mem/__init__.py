"""Experience memory for embodied agents.

Importing this loads next to nothing; everything is loaded when its name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embodied_mem.agent import Agent, Limits
    from embodied_mem.embedders import HashedEmbedder
    from embodied_mem.errors import EmbodiedMemError
    from embodied_mem.experience_memory import ExperienceMemory
    from embodied_mem.filters import where
    from embodied_mem.index import IndexOptions
    from embodied_mem.json_values import clean_text
    from embodied_mem.queries import Query
    from embodied_mem.ranking import RankingWeights
    from embodied_mem.recollection import Recollection
    from embodied_mem.records import (
        Attachment,
        Experience,
        Kind,
        Origin,
        Outcome,
        Recalled,
        Receipt,
        Scope,
        SkillCall,
        Status,
        Task,
    )
    from embodied_mem.spaces import FieldVector, Metric, Space
    from embodied_mem.store import MemoryStore
    from embodied_mem.synonyms import Synonyms
    from embodied_mem.upkeep import Retention
    from embodied_mem.wrappers import record_experience

_HOMES = {
    "Agent": "agent",
    "Attachment": "records",
    "EmbodiedMemError": "errors",
    "Experience": "records",
    "ExperienceMemory": "experience_memory",
    "FieldVector": "spaces",
    "HashedEmbedder": "embedders",
    "IndexOptions": "index",
    "Kind": "records",
    "Limits": "agent",
    "MemoryStore": "store",
    "Metric": "spaces",
    "Origin": "records",
    "Outcome": "records",
    "Query": "queries",
    "RankingWeights": "ranking",
    "Recalled": "records",
    "Receipt": "records",
    "Recollection": "recollection",
    "Retention": "upkeep",
    "Scope": "records",
    "SkillCall": "records",
    "Space": "spaces",
    "Status": "records",
    "Synonyms": "synonyms",
    "Task": "records",
    "clean_text": "json_values",
    "record_experience": "wrappers",
    "where": "filters",
}

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "Attachment",
    "EmbodiedMemError",
    "Experience",
    "ExperienceMemory",
    "FieldVector",
    "HashedEmbedder",
    "IndexOptions",
    "Kind",
    "Limits",
    "MemoryStore",
    "Metric",
    "Origin",
    "Outcome",
    "Query",
    "RankingWeights",
    "Recalled",
    "Receipt",
    "Recollection",
    "Retention",
    "Scope",
    "SkillCall",
    "Space",
    "Status",
    "Synonyms",
    "Task",
    "__version__",
    "clean_text",
    "record_experience",
    "where",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
