"""An embedder that only looks up: peers ask it for vectors that were made before the clock started."""

from collections.abc import Sequence

from benchmarks.workload import BenchRecord, embed
from embodied_mem.records.spaces import Vector, Vectors


class ReadyVectors:
    """Texts and their vectors."""

    def __init__(self) -> None:
        self._rows: dict[str, Vector] = {}

    def ready(self, records: Sequence[BenchRecord], vectors: Vectors) -> None:
        """Have the vectors of many records at hand."""
        self._rows.update((record.text, vector) for record, vector in zip(records, vectors, strict=True))

    def ready_one(self, text: str, vector: Vector) -> None:
        """Have the vector of one text at hand, and of no other."""
        self._rows = {text: vector}

    def forget_ready(self) -> None:
        """Let go of the vectors, so that they do not count as the store's memory."""
        self._rows = {}

    def vector_of(self, text: str) -> list[float]:
        """(384,) as a list, the form peers ask for."""
        row = self._rows.get(text)
        values: list[float] = (embed(text) if row is None else row).tolist()
        return values

    def vectors_of(self, texts: Sequence[str]) -> list[list[float]]:
        """The same for many texts."""
        return [self.vector_of(text) for text in texts]
