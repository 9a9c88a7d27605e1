"""`LogReader`: all that an index reads of a log."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.records.log import Head
from embodied_mem.records.spaces import Space, Vectors

Sequences: TypeAlias = npt.NDArray[np.int64]
Cells: TypeAlias = tuple[Sequence[str | float | None], Sequence[str | None]]  # plain values and JSON texts


class LogReader(Protocol):
    """Reads of one log, all of the same moment."""

    def head(self) -> Head:
        """Where the log stands."""
        ...

    def kinds_after(self, sequence: int) -> Iterator[tuple[str, Sequences]]:
        """Kinds of entries with ascending sequence numbers after this one.

        A kind may come several times, in the order of writing.
        """
        ...

    def values_of(
        self, kind: str, paths: Sequence[str], first: int, last: int
    ) -> Iterator[tuple[Sequence[int], list[Cells]]]:
        """Batches of sequence numbers, first to last included, each with a column of cells for every path.

        A cell is a plain value, or else the JSON text of the value in the payload; both are None where the
        path is absent.
        """
        ...

    def texts_of(self, kind: str, after: int, last: int) -> Iterator[tuple[list[int], list[dict[str, str]]]]:
        """Batches of sequence numbers, after one up to another, each with its texts by field."""
        ...

    def spaces(self) -> Mapping[str, tuple[int, Space]]:
        """The space of each field that has vectors, with a number that changes when the space does."""
        ...

    def vector_batches(
        self, field: str, dimension: int, after: int, last: int
    ) -> Iterator[tuple[Sequences, Vectors]]:
        """Batches of sequence numbers (m,) and vectors (m, d) of a field, oldest first."""
        ...

    def vectors_at(self, field: str, dimension: int, sequences: Sequences) -> Vectors:
        """(m, d) the vectors of a field of those of these entries that have one, in this order."""
        ...

    def digest_at(self, sequence: int) -> str:
        """The hash of an entry as hexadecimal digits; empty if there is no such entry."""
        ...

    def sync(self) -> None:
        """Wait until the log is on the disk, so that nothing derived from it outlives it."""
        ...
