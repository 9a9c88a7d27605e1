"""Iterate over a log in the order of writing, without withdrawn entries, up to a sequence number."""

from collections.abc import Iterator

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.contracts import Backend
from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.memory.views.view import is_in
from embodied_mem.records.log import EntryKind, Logged

PAGE = 256  # entries read at once
LOCAL_KINDS = (EntryKind.WITHDRAWAL, EntryKind.PURGE)  # not copied: they name sequence numbers


def all_entries(backend: Backend, *, after: int = 0) -> Iterator[Logged]:
    """Every entry after a sequence number, oldest first, including entries written meanwhile."""
    sequence = after
    while page := backend.changes_since(sequence, limit=PAGE):
        yield from page
        sequence = page[-1].sequence


def visible_entries(backend: SqliteBackend, *, as_of: int | None = None) -> Iterator[Logged]:
    """Entries of every kind that are not withdrawn, oldest first, without entries written meanwhile.

    Args:
        backend: The log.
        as_of: The last sequence number to include; None takes the newest.
    """
    last = backend.last_sequence() if as_of is None else as_of
    views = LogViews(backend)
    views.catch_up()
    spans = views.visible(last)
    for logged in all_entries(backend):
        if logged.sequence > last:
            return
        if is_in(logged.sequence, spans):
            yield logged


def checked_sequence(backend: SqliteBackend, sequence: int | None) -> int:
    """Return the sequence number, or the newest for None.

    Raises:
        InvalidQuery: It is not an integer of at least 0, or has not been written yet.
    """
    newest = backend.last_sequence()
    if sequence is None:
        return newest
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 <= sequence <= newest:
        raise InvalidQuery(
            f"sequence is {sequence!r}; expected an integer from 0 to {newest}, the newest of the log"
        )
    return sequence
