"""LangGraph's SqliteStore: sqlite-vec in a SQLite file with its rollback journal."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.langgraph_items import LangGraphItems
from benchmarks.workload import DIMENSION
from embodied_mem.optional import require


class LangGraphSqlite(LangGraphItems):
    """A `SqliteStore` in a folder.

    Args:
        folder: Where its file lies.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        # SqliteStore reads only the older key `text_fields` (langgraph #8808); without it the whole JSON
        # value is embedded and recall falls to 0.84.
        index = {
            "dims": DIMENSION,
            "embed": self._embed,
            "fields": ["text"],
            "text_fields": ["text"],
        }
        self._connection = _loadable_sqlite().connect(
            str(folder / "store.db"), check_same_thread=False, isolation_level=None
        )
        self._store = require("langgraph.store.sqlite", extra="bench").SqliteStore(
            self._connection, index=index
        )
        self._store.setup()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        return self.vectors_of(texts)


def _loadable_sqlite() -> Any:
    """A sqlite3 that can load sqlite-vec; many builds of Python leave that out."""
    if hasattr(sqlite3.Connection, "enable_load_extension"):
        return sqlite3
    return require("pysqlite3", extra="bench")
