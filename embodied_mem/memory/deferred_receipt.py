"""The receipt of an experience that waits for a group commit."""

from collections.abc import Callable
from typing import Any

from embodied_mem.records.experience import Receipt
from embodied_mem.records.log import Appended, Deferred


class DeferredReceipt(Receipt):
    """A receipt whose sequence number is known after the commit.

    Args:
        experience_id: Id of the experience.
        deferred: Future result of its entry.
        flush: Commits all queued entries; see `CanDefer.flush`.
    """

    __slots__ = ("_deferred", "_flush")
    _deferred: Deferred
    _flush: Callable[..., None]

    def __init__(self, experience_id: str, deferred: Deferred, flush: Callable[..., None]) -> None:
        object.__setattr__(self, "experience_id", experience_id)
        object.__setattr__(self, "_deferred", deferred)
        object.__setattr__(self, "_flush", flush)

    def __eq__(self, other: object) -> bool:
        """Compare by identity, because the values change at the commit."""
        return self is other

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as a plain `Receipt` with the current values."""
        return Receipt, (self.experience_id, self.sequence, self.is_duplicate)

    @property
    def sequence(self) -> int | None:
        """Sequence number, from 1; None before the commit."""
        appended = self._appended()
        return None if appended is None else appended.sequence

    @property
    def is_duplicate(self) -> bool:
        """Whether the same id and content were already stored; False before the commit."""
        appended = self._appended()
        return appended is not None and appended.is_duplicate

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Commit all queued entries; return once the record is as durable as the store's options promise.

        Args:
            timeout_s: Seconds to wait for the write lock of other processes; see `Receipt.wait`.

        Raises:
            ConflictingId: Another process stored other content under this id before the commit.
            StoreError: The store could not be written within the timeout; the record stays queued.
        """
        if self._deferred.appended is None and self._deferred.error is None:
            self._flush(timeout_s=timeout_s)
        if self._deferred.error is not None:
            raise self._deferred.error
        return self.sequence

    def _appended(self) -> Appended | None:
        return self._deferred.appended
