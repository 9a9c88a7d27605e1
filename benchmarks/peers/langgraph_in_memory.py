"""LangGraph's InMemoryStore: vectors in Python lists, nothing on disk."""

from pathlib import Path

from benchmarks.peers.langgraph_items import LangGraphItems
from benchmarks.workload import DIMENSION
from embodied_mem.optional import require


class LangGraphInMemory(LangGraphItems):
    """An `InMemoryStore`.

    Args:
        folder: Not used.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        index = {"dims": DIMENSION, "embed": self.vectors_of, "fields": ["text"]}
        self._store = require("langgraph.store.memory", extra="bench").InMemoryStore(index=index)

    def close(self) -> None:
        """Nothing to let go of."""
