"""Experience memory for embodied agents.

Importing this loads next to nothing; everything is loaded when its name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from embodied_mem.moved import install as _forward_moved_modules

if TYPE_CHECKING:
    from embodied_mem.agent import Agent, Limits
    from embodied_mem.embedders import HashedEmbedder
    from embodied_mem.errors import EmbodiedMemError
    from embodied_mem.index import IndexOptions
    from embodied_mem.memory.experience_memory import ExperienceMemory
    from embodied_mem.memory.scoring import RankingWeights
    from embodied_mem.recording import record_experience
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
    from embodied_mem.records.filters import where
    from embodied_mem.records.json_values import clean_text
    from embodied_mem.records.queries import Query
    from embodied_mem.records.recollection import Recollection
    from embodied_mem.records.spaces import FieldVector, Metric, Space
    from embodied_mem.store import MemoryStore
    from embodied_mem.store.upkeep import Retention
    from embodied_mem.text.synonyms import Synonyms

_HOMES = {
    "Agent": "agent",
    "Attachment": "records",
    "EmbodiedMemError": "errors",
    "Experience": "records",
    "ExperienceMemory": "memory.experience_memory",
    "FieldVector": "records.spaces",
    "HashedEmbedder": "embedders",
    "IndexOptions": "index",
    "Kind": "records",
    "Limits": "agent",
    "MemoryStore": "store",
    "Metric": "records.spaces",
    "Origin": "records",
    "Outcome": "records",
    "Query": "records.queries",
    "RankingWeights": "memory.scoring",
    "Recalled": "records",
    "Receipt": "records",
    "Recollection": "records.recollection",
    "Retention": "store.upkeep",
    "Scope": "records",
    "SkillCall": "records",
    "Space": "records.spaces",
    "Status": "records",
    "Synonyms": "text.synonyms",
    "Task": "records",
    "clean_text": "records.json_values",
    "record_experience": "recording",
    "where": "records.filters",
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

_forward_moved_modules()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
