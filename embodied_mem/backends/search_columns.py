"""What a search compares against, in memory and caught up from the log: texts and vectors by field.

A cache and no more: rebuilt after reopening, and asked only for sequence numbers that SQL has filtered.
"""

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from embodied_mem.lexical import LexicalIndex, Mask
from embodied_mem.log import Span
from embodied_mem.spaces import Metric, Space, Vector
from embodied_mem.synonyms import Synonyms

Sequences = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class TextColumn:
    """The texts of one field of one kind of entry, by sequence number."""

    def __init__(self, synonyms: Synonyms) -> None:
        self._index = LexicalIndex(synonyms)
        self._sequences = array("q")

    def add(self, sequence: int, text: str) -> None:
        """Append a text; sequence numbers only grow."""
        self._sequences.append(sequence)
        self._index.add(text)

    def similarities(self, text: str, candidates: Sequences, spans: Sequence[Span]) -> Floats:
        """(n,) in [0, 1], one for each candidate; 0 for those without a text.

        Word rarity is counted over what the spans show, so that a search of the past gives what it gave then.
        """
        sequences = np.frombuffer(self._sequences, np.int64)
        return aligned(self._index.similarities(text, _visible(sequences, spans)), sequences, candidates)


class VectorColumn:
    """The vectors of one field, by sequence number."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.last_sequence = 0
        self._sequences = array("q")
        self._rows = np.zeros((16, space.dimension), dtype=np.float32)

    def add(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Append vectors as stored; sequence numbers only grow."""
        for sequence, data in rows:
            if len(self._sequences) == len(self._rows):
                self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
            self._rows[len(self._sequences)] = self._comparable(np.frombuffer(data, np.float32))
            self._sequences.append(sequence)
            self.last_sequence = sequence

    def similarities(self, vector: Vector, candidates: Sequences) -> Floats:
        """(n,) one for each candidate by the metric of the space; 0 for those without a vector."""
        sequences = np.frombuffer(self._sequences, np.int64)
        rows = self._rows[: len(sequences)]
        return aligned(self._compare(rows, self._comparable(vector)), sequences, candidates)

    def _comparable(self, vector: Vector) -> Vector:
        """Unit length for the cosine, by float64, where no square overflows."""
        if self.space.metric is not Metric.COSINE:
            return vector
        wide = vector.astype(np.float64)
        norm = float(np.linalg.norm(wide))
        return (wide / norm).astype(np.float32) if norm > 0 else np.zeros_like(vector)

    def _compare(self, rows: npt.NDArray[np.float32], query: Vector) -> Floats:
        if self.space.metric is Metric.EUCLIDEAN:
            difference = rows.astype(np.float64) - query
            distance = np.sqrt(np.einsum("ij,ij->i", difference, difference) / len(query))
            result: Floats = 1.0 / (1.0 + distance)
            return result
        # Not a matrix product: its last bits depend on where a row stands, and equal vectors must tie.
        cosine: Floats = np.einsum("ij,j->i", rows, query).astype(np.float64).round(6)
        return cosine


def aligned(values: Floats, sequences: Sequences, candidates: Sequences) -> Floats:
    """The values of the candidates, 0 for those that have none; both lists of sequence numbers ascend."""
    if len(sequences) == len(candidates) and np.array_equal(sequences, candidates):
        return values
    if not len(sequences):
        return np.zeros(len(candidates))
    at = np.minimum(np.searchsorted(sequences, candidates), len(sequences) - 1)
    return np.where(sequences[at] == candidates, values[at], 0.0)


def _visible(sequences: Sequences, spans: Sequence[Span]) -> Mask | None:
    """Which of them lie in a span; None if all do."""
    mask = np.zeros(len(sequences), dtype=np.bool_)
    for span in spans:
        mask |= (sequences >= span.first) & (
            sequences <= (np.iinfo(np.int64).max if span.last is None else span.last)
        )
    return None if mask.all() else mask
