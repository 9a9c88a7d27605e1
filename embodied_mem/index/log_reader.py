"""`LogReader`: the reads that an index needs from a log."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.records.log import Head
from embodied_mem.records.spaces import Space, Vectors

Sequences: TypeAlias = npt.NDArray[np.int64]
Cells: TypeAlias = tuple[Sequence[str | float | None], Sequence[str | None]]  # plain values and JSON texts


class LogReader(Protocol):
    """Reads of one state of a log."""

    def head(self) -> Head:
        """Return the head of the log."""
        ...

    def kinds_after(self, sequence: int) -> Iterator[tuple[str, Sequences]]:
        """Iterate over batches of (entry kind, ascending sequence numbers) after a sequence number.

        A kind may have several batches, in the order of writing.
        """
        ...

    def values_of(
        self, kind: str, paths: Sequence[str], first: int, last: int
    ) -> Iterator[tuple[Sequence[int], list[Cells]]]:
        """Iterate over batches of sequence numbers (first to last inclusive) with cells for every path.

        A cell has a plain value or the JSON text of the payload's value; both are None if the path is absent.
        """
        ...

    def texts_of(self, kind: str, after: int, last: int) -> Iterator[tuple[list[int], list[dict[str, str]]]]:
        """Iterate over batches of (sequence numbers, texts by field), after `after` and up to `last`."""
        ...

    def spaces(self) -> Mapping[str, tuple[int, Space]]:
        """Return (id, space) of each field that has vectors; a new space has a new id."""
        ...

    def vector_batches(
        self, field: str, dimension: int, after: int, last: int
    ) -> Iterator[tuple[Sequences, Vectors]]:
        """Iterate over batches of sequence numbers (m,) and vectors (m, d) of a field, oldest first."""
        ...

    def vectors_at(self, field: str, dimension: int, sequences: Sequences) -> Vectors:
        """Return the vectors (m, d) of a field in the given order; entries without one are skipped."""
        ...

    def digest_at(self, sequence: int) -> str:
        """Return the hash of an entry in hexadecimal; empty if there is no such entry."""
        ...

    def sync(self) -> None:
        """Sync the log to disk, so that no derived file outlives the entries it was built from."""
        ...
