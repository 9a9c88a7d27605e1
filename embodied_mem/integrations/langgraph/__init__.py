"""The memory as a store of LangGraph: values by namespace and key, found again by words, vectors and filters.

Needs `langgraph-checkpoint`, which an installed `langchain` brings: `pip install 'embodied-mem[langgraph]'`.
"""

from embodied_mem.optional import require

require("langgraph.store.base", extra="langgraph")

from embodied_mem.integrations.langgraph.store import ExperienceStore  # noqa: E402 - after the check above

__all__ = ["ExperienceStore"]
