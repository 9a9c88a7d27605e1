"""What LangGraph's two stores share: items in a namespace per agent."""

from collections.abc import Sequence
from typing import Any

from benchmarks.peers.ready_vectors import ReadyVectors
from benchmarks.workload import TOP_K, BenchQuery, BenchRecord
from embodied_mem.optional import require
from embodied_mem.records.spaces import Vector, Vectors

LOADED_AT_ONCE = 500


class LangGraphItems(ReadyVectors):
    """Puts and searches items of a LangGraph `BaseStore`, which a subclass makes as `_store`."""

    _store: Any

    def load(self, records: Sequence[BenchRecord], vectors: Vectors) -> None:
        """Put in batches."""
        put = require("langgraph.store.base", extra="bench").PutOp
        self.ready(records, vectors)
        for first in range(0, len(records), LOADED_AT_ONCE):
            batch = records[first : first + LOADED_AT_ONCE]
            self._store.batch([put(_namespace(each.agent), _key(each), _value(each)) for each in batch])
        self.forget_ready()

    def add(self, record: BenchRecord, vector: Vector) -> None:
        """Put one item."""
        self.ready_one(record.text, vector)
        self._store.put(_namespace(record.agent), _key(record), _value(record))

    def search(self, query: BenchQuery, vector: Vector, *, by_agent: bool, by_task: bool) -> list[int]:
        """Search the namespace, with the task as filter."""
        self.ready_one(query.text, vector)
        found = self._store.search(
            _namespace(query.agent) if by_agent else ("exp",),
            query=query.text,
            filter={"task": query.task} if by_task else None,
            limit=TOP_K,
        )
        return [item.value["step"] for item in found]


def _namespace(agent: str) -> tuple[str, str]:
    return "exp", agent


def _key(record: BenchRecord) -> str:
    return f"k{record.step}"


def _value(record: BenchRecord) -> dict[str, Any]:
    return {
        "text": record.text,
        "agent": record.agent,
        "task": record.task,
        "outcome": record.outcome,
        "step": record.step,
    }
