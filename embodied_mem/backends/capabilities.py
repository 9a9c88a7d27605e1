"""Optional capabilities of a back end; callers use one where it saves work, and `Backend` alone otherwise.

`SqliteBackend` has all of them and `InMemoryBackend` none.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import Deferred, Entry, Head, Search
from embodied_mem.records.spaces import Vectors


@runtime_checkable
class CanDefer(Protocol):
    """A log with group commit."""

    @property
    def commit_every(self) -> int:
        """Number of entries per commit; 1 defers nothing."""
        ...

    def defer(self, entry: Entry) -> Deferred:
        """Queue an entry; it is durable after `flush`, or once `commit_every` entries are queued.

        Raises:
            ConflictingId: The id belongs to different content.
            StoreError: A commit was due and failed; this entry is not queued, those queued before it are.
            UnknownSpace: A vector's space differs from its field's space.
        """
        ...

    def flush(self, *, timeout_s: float | None = None) -> None:
        """Commit the queued entries; on an error, entries that were not committed stay queued.

        Args:
            timeout_s: Seconds to wait for the write lock of other processes; None: the log's own timeout.
        """
        ...


@runtime_checkable
class HasHead(Protocol):
    """A log that returns its head without a search, and whose entries may be purged."""

    def head(self) -> Head:
        """Return the newest sequence number, and a generation that each deletion or rewrite changes."""
        ...


@runtime_checkable
class HasValues(Protocol):
    """A back end that can read single values of its entries without whole payloads."""

    def values_since(
        self, sequence: int, *, kinds: Sequence[str], paths: Sequence[str]
    ) -> Iterable[tuple[int, str, Sequence[JsonValue]]]:
        """Iterate over the entries of these kinds after a sequence number, oldest first.

        Each as (sequence number, kind, values at the payload paths); None for a missing value.
        """
        ...

    def sequences_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Return sequence numbers by id; unknown ids are omitted."""
        ...


@runtime_checkable
class HasTimes(Protocol):
    """A back end that stores the write time of its entries."""

    def sequence_at(self, time_s: float) -> int:
        """Return the newest sequence number written by a time in seconds since the Unix epoch; 0 if none."""
        ...


@runtime_checkable
class HasReading(Protocol):
    """A back end with read transactions."""

    def reading(self) -> AbstractContextManager[Head]:
        """Open a read transaction and give the log's head; all reads of this thread inside see one state."""
        ...


@runtime_checkable
class CanSearchMany(Protocol):
    """A back end that searches for a batch of vectors in much less time than one by one."""

    def search_many(
        self, search: Search, vectors: Vectors
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return what a search finds for many vectors, each in place of the vector of its first leg.

        Args:
            search: A search for one kind of entry: a vector without a minimum, then priors.
            vectors: (n, d) float32, finite, of the space of the first leg.

        Returns:
            (n, m) sequence numbers and (n, m) totals, best first; m is the smaller of k and the number of
            candidates.

        Raises:
            InvalidQuery: The search is inconsistent.
            UnknownSpace: The space of the vectors differs from their field's space.
        """
        ...


@runtime_checkable
class CountsVectors(Protocol):
    """A back end that counts the experiences without a vector."""

    def n_without_vector(self, field: str) -> int:
        """Return a lower bound of the experiences without a vector of a field that was just searched."""
        ...
