"""What a back end may be able to do beyond its contract; each is asked for where it saves work.

`SqliteBackend` has all of them. A back end without one is asked through `Backend` alone.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from embodied_mem.json_values import JsonValue
from embodied_mem.log import Deferred, Entry


@runtime_checkable
class CanDefer(Protocol):
    """A log that can let entries wait and commit several at once."""

    @property
    def commit_every(self) -> int:
        """How many entries are committed together; 1 defers nothing."""
        ...

    def defer(self, entry: Entry) -> Deferred:
        """Take an entry that is durable only after a `flush`, or once enough others wait with it.

        Raises:
            ConflictingId: The id is taken by different content.
            UnknownSpace: A vector's space differs from the one its field has.
        """
        ...

    def flush(self, *, timeout_s: float | None = None) -> None:
        """Commit what waits; what could not be committed keeps waiting, and the error is raised.

        Args:
            timeout_s: How long to wait for other processes that write, in seconds; None leaves it to the log.
        """
        ...


@runtime_checkable
class HasLastSequence(Protocol):
    """A log that knows its newest sequence number without a search."""

    def last_sequence(self) -> int:
        """The newest sequence number; 0 while the log is empty."""
        ...


@runtime_checkable
class HasValues(Protocol):
    """A back end that can read single values of its entries."""

    def values_since(
        self, sequence: int, *, kinds: Sequence[str], paths: Sequence[str]
    ) -> Iterable[tuple[int, str, Sequence[JsonValue]]]:
        """Entries of these kinds after a sequence number, oldest first.

        Each as its sequence number, its kind and the values at the paths of its payload; None where absent.
        """
        ...

    def sequences_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Sequence numbers by id; ids of no entry are left out."""
        ...


@runtime_checkable
class HasGeneration(Protocol):
    """A back end whose entries may be purged."""

    def generation(self) -> int:
        """A number that changes whenever something was taken out of the log or rewritten."""
        ...


@runtime_checkable
class HasTimes(Protocol):
    """A back end that knows when its entries were written."""

    def sequence_at(self, time_s: float) -> int:
        """The newest sequence number written until a time in seconds since the Unix epoch; 0 before all."""
        ...


@runtime_checkable
class HasReading(Protocol):
    """A back end of which several things can be read as of one moment."""

    def reading(self) -> AbstractContextManager[object]:
        """Whatever the same thread reads inside belongs together; it may not write."""
        ...


@runtime_checkable
class CountsVectors(Protocol):
    """A back end that knows how many experiences have no vector."""

    def n_without_vector(self, field: str) -> int:
        """At least so many experiences have no vector of a field by which a search has just looked."""
        ...
