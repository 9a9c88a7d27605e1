"""Memory for LangChain: retriever, vector store, agent middleware, tools, and embedders in both directions.

Each name is loaded when it is first used, because agents take a second to import and a retriever does not.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embodied_mem.integrations.langchain.agent_run import AgentRun
    from embodied_mem.integrations.langchain.embeddings import EmbedderEmbeddings, LangChainEmbedder
    from embodied_mem.integrations.langchain.middleware import ExperienceMiddleware
    from embodied_mem.integrations.langchain.retriever import ExperienceRetriever
    from embodied_mem.integrations.langchain.tools import experience_tools, recall_tool, record_tool
    from embodied_mem.integrations.langchain.vector_store import ExperienceVectorStore

_HOMES = {
    "AgentRun": "agent_run",
    "EmbedderEmbeddings": "embeddings",
    "ExperienceMiddleware": "middleware",
    "ExperienceRetriever": "retriever",
    "ExperienceVectorStore": "vector_store",
    "LangChainEmbedder": "embeddings",
    "experience_tools": "tools",
    "recall_tool": "tools",
    "record_tool": "tools",
}

__all__ = [
    "AgentRun",
    "EmbedderEmbeddings",
    "ExperienceMiddleware",
    "ExperienceRetriever",
    "ExperienceVectorStore",
    "LangChainEmbedder",
    "experience_tools",
    "recall_tool",
    "record_tool",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
