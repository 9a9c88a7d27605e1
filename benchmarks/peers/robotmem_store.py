"""robotmem: SQLite with full-text search. Its vectors need a model, so it is measured by words."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.workload import TOP_K, BenchQuery, BenchRecord
from embodied_mem.errors import StoreError
from embodied_mem.optional import require
from embodied_mem.records.spaces import Vector, Vectors

MAX_CHARS = 300  # it refuses a longer text


class RobotmemStore:
    """A `RobotMemory` in a folder, with a collection per agent.

    Args:
        folder: Where its database lies.
    """

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "memory.db")
        sdk = require("robotmem.sdk", extra="bench")
        self._memory = sdk.RobotMemory(db_path=self._path, embed_backend="none")

    def load(self, records: Sequence[BenchRecord], vectors: Vectors) -> None:
        """Insert with its own function for one row.

        `batch_learn` looks for near duplicates of each text first, which takes longer the more there are:
        10 ms a record at 10,000 records, and hours for 100,000.
        """
        database = require("robotmem.db_cog", extra="bench").CogDatabase(self._config())
        insert = require("robotmem.ops.memories", extra="bench").insert_memory
        for record in records:
            if not insert(database.conn, _memory(record)):
                raise StoreError(f"robotmem did not take record {record.step}")
        database.close()

    def add(self, record: BenchRecord, vector: Vector) -> None:
        """Learn one text."""
        self._learn(record)

    def search(self, query: BenchQuery, vector: Vector, *, by_agent: bool, by_task: bool) -> list[int]:
        """Recall by words in the agent's collection; the task is its `context_filter`."""
        found = self._memory.recall(
            query.text,
            n=TOP_K,
            collection=query.agent,
            context_filter={"task.name": query.task} if by_task else None,
        )
        return [each["params"]["step"] for each in found]

    def close(self) -> None:
        """Close the database."""
        self._memory.close()

    def _learn(self, record: BenchRecord) -> None:
        memory = _memory(record)
        said = self._memory.learn(memory["content"], context=_context(record), collection=record.agent)
        if said["status"] != "created":
            raise StoreError(f"robotmem answered {said} to record {record.step}; expected it to be created")

    def _config(self) -> Any:
        return require("robotmem.config", extra="bench").Config(db_path=self._path)


def _memory(record: BenchRecord) -> dict[str, Any]:
    """The row that `learn` makes of a record."""
    text = record.text[:MAX_CHARS]
    return {
        "collection": record.agent,
        "type": "fact",
        "content": text,
        "human_summary": text[:200],
        "context": json.dumps({"source": "learn_tool", **_context(record)}),
        "source": "sdk",
    }


def _context(record: BenchRecord) -> dict[str, Any]:
    return {"task": {"name": record.task, "outcome": record.outcome}, "params": {"step": record.step}}
