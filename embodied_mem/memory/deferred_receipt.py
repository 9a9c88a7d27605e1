"""The receipt of an experience that waits to be committed together with others."""

from collections.abc import Callable
from typing import Any

from embodied_mem.records.experience import Receipt
from embodied_mem.records.log import Appended, Deferred


class DeferredReceipt(Receipt):
    """A receipt whose sequence number is known once its experience was committed.

    Args:
        experience_id: The id under which it will be kept.
        deferred: What becomes of it.
        flush: Commits it, together with all that waits, as `CanDefer.flush` does.
    """

    __slots__ = ("_deferred", "_flush")
    _deferred: Deferred
    _flush: Callable[..., None]

    def __init__(self, experience_id: str, deferred: Deferred, flush: Callable[..., None]) -> None:
        object.__setattr__(self, "experience_id", experience_id)
        object.__setattr__(self, "_deferred", deferred)
        object.__setattr__(self, "_flush", flush)

    def __eq__(self, other: object) -> bool:
        """Only itself: what it says changes when it is committed."""
        return self is other

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is a plain receipt that says what is known now: what waits is not copied."""
        return Receipt, (self.experience_id, self.sequence, self.is_duplicate)

    @property
    def sequence(self) -> int | None:
        """Its place in the log, from 1; None until it was committed."""
        appended = self._appended()
        return None if appended is None else appended.sequence

    @property
    def is_duplicate(self) -> bool:
        """Whether the same id and content had been stored before; not known until it was committed."""
        appended = self._appended()
        return appended is not None and appended.is_duplicate

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Commit it with all that waits, and return once it is as durable as the store's options say.

        Args:
            timeout_s: How long to wait for other processes; see `Receipt.wait`.

        Raises:
            ConflictingId: Another process took the id with other content before this one was committed.
            StoreError: The store could not be written in that time; the experience keeps waiting.
        """
        if self._deferred.appended is None and self._deferred.error is None:
            self._flush(timeout_s=timeout_s)
        if self._deferred.error is not None:
            raise self._deferred.error
        return self.sequence

    def _appended(self) -> Appended | None:
        return self._deferred.appended
