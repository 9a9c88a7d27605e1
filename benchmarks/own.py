"""Our own store as a subject, through public calls only."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.workload import DIMENSION, TOP_K, BenchQuery, BenchRecord
from embodied_mem.index.index_options import IndexOptions
from embodied_mem.records import Experience, Outcome, Recalled, Scope, Status, Task
from embodied_mem.records.filters import EVERYTHING, Where, where
from embodied_mem.records.spaces import FieldVector, Space, Vector, Vectors
from embodied_mem.store import MemoryStore

SPACE = Space(name="bag-of-words", version="1", dimension=DIMENSION)
FIELD = "text"
LOADED_AT_ONCE = 1_000  # records a transaction, while loading


def make_experience(record: BenchRecord, vector: Vector) -> Experience:
    """The record as an experience."""
    return Experience(
        task=Task(record.task, kind=record.task),
        state=record.text,
        outcome=Outcome(status=Status(record.outcome)),
        scope=Scope(agent=record.agent),
        metadata={"step": record.step},
        id=f"k{record.step}",
        vectors=(field_vector(vector),),
    )


def field_vector(vector: Vector) -> FieldVector:
    """The vector in the benchmark's space."""
    return FieldVector(field=FIELD, space=SPACE, values=vector)


def where_of(query: BenchQuery, *, by_agent: bool, by_task: bool) -> Where:
    """The filter of a query."""
    if not by_agent:
        return EVERYTHING
    if not by_task:
        return where(scope__agent=query.agent)
    return where(scope__agent=query.agent, task__kind=query.task)


class OwnStore:
    """A `MemoryStore` whose every write waits for the disk, with its vectors kept as they are at every size.

    Args:
        folder: Of the store.
    """

    index = IndexOptions(compression="never")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open()

    def load(self, records: Sequence[BenchRecord], vectors: Vectors) -> None:
        """Record everything, a thousand a transaction."""
        self._store.close()
        with MemoryStore.open(self._folder, commit_every=LOADED_AT_ONCE) as store:
            memory = store.memory(embedder=None)
            for record, vector in zip(records, vectors, strict=True):
                memory.record(make_experience(record, vector))
        self._open()

    def add(self, record: BenchRecord, vector: Vector) -> None:
        """Record one experience; it is on the disk when this returns."""
        self._memory.record(make_experience(record, vector))

    def search(self, query: BenchQuery, vector: Vector, *, by_agent: bool, by_task: bool) -> list[int]:
        """Recall by vector."""
        allowed = where_of(query, by_agent=by_agent, by_task=by_task)
        found = self._memory.recall(vectors=(field_vector(vector),), where=allowed, k=TOP_K)
        return _steps(found)

    def search_text(self, query: BenchQuery) -> list[int]:
        """Recall by words."""
        return _steps(self._memory.recall(query.text, k=TOP_K))

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _open(self) -> None:
        self._store = MemoryStore.open(self._folder, fsync=True, index=self.index)
        self._memory = self._store.memory(embedder=None)


class CompressedStore(OwnStore):
    """`OwnStore` with compressed vectors at every size."""

    index = IndexOptions(compression="always")


def _steps(found: Sequence[Recalled]) -> list[int]:
    return [int(recalled.experience.metadata["step"]) for recalled in found]  # type: ignore[arg-type]
