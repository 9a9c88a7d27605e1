"""Archiving: an archived experience stays in the log with its history and is not recalled until restored."""

import difflib
from collections.abc import Iterable

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.errors import InvalidQuery, UnknownName
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.view import Follower, is_in
from embodied_mem.memory.views.withdrawals import Withdrawals
from embodied_mem.records.log import EntryKind, Search, Span, entry_about

N_NEAREST = 1000  # newest experiences whose ids are compared with an unknown id


def archive(backend: SqliteBackend, ids: Iterable[str], *, reason: str = "", at_s: float) -> list[str]:
    """Archive experiences: they stay in the log and are not recalled.

    Args:
        backend: The log, which gets one entry for each experience.
        ids: The experiences; those already archived are skipped.
        reason: The reason in words; part of their history.
        at_s: Time of archiving, seconds since the Unix epoch.

    Returns:
        The ids that were not archived before, in the order given.

    Raises:
        UnknownName: No experience has one of the ids, or it was withdrawn; nothing was archived.
    """
    return _change(backend, ids, EntryKind.ARCHIVE, reason=reason, at_s=at_s)


def restore(backend: SqliteBackend, ids: Iterable[str], *, reason: str = "", at_s: float) -> list[str]:
    """Make archived experiences recallable again; the reverse of `archive`.

    Returns:
        The ids that were archived before, in the order given.

    Raises:
        UnknownName: No experience has one of the ids, or it was withdrawn; nothing was restored.
    """
    return _change(backend, ids, EntryKind.RESTORE, reason=reason, at_s=at_s)


def archived_ids(backend: SqliteBackend) -> list[str]:
    """The ids of archived experiences, in the order of archiving."""
    spans = visible_spans(backend)
    archived: dict[str, None] = {}
    kinds = (EntryKind.ARCHIVE, EntryKind.RESTORE)
    for sequence, kind, values in LogValues(backend).after(0, kinds, ("experience_id",)):
        if is_in(sequence, spans):
            experience_id = str(values["experience_id"])
            archived.pop(experience_id, None)
            if kind == EntryKind.ARCHIVE:
                archived[experience_id] = None
    return list(archived)


def visible_spans(backend: SqliteBackend) -> tuple[Span, ...]:
    """The parts of the log that no withdrawal hides."""
    withdrawals = Withdrawals()
    Follower(LogValues(backend), [withdrawals]).catch_up()
    return withdrawals.visible(None)


def check_ids(ids: Iterable[str]) -> list[str]:
    """Return the ids without duplicates.

    Raises:
        InvalidQuery: `ids` is a single str, whose letters would be taken for ids, or is not iterable.
    """
    if isinstance(ids, str):
        raise InvalidQuery(f"ids is the text {ids[:200]!r}; expected a list of ids")
    if not isinstance(ids, Iterable):
        raise InvalidQuery(f"ids is {ids!r}; expected a list of ids")
    return list(dict.fromkeys(ids))


def sequences_of(backend: SqliteBackend, ids: Iterable[str]) -> dict[str, int]:
    """Sequence numbers of the experiences with these ids; unknown ids are left out."""
    return LogValues(backend).sequences_of([each for each in ids if isinstance(each, str)])


def unknown_experience(backend: SqliteBackend, experience_id: object) -> UnknownName:
    """Build the error for an unknown id; it names the nearest ids among the newest experiences."""
    newest = backend.search(Search(k=N_NEAREST)).sequences
    known = [logged.entry.id for logged in backend.get(newest) if logged is not None]
    close = difflib.get_close_matches(str(experience_id)[:200], known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "give the id of a recorded one."
    return UnknownName(f"No experience has id {str(experience_id)[:200]!r}, or it was withdrawn; {hint}")


def _change(
    backend: SqliteBackend, ids: Iterable[str], kind: EntryKind, *, reason: str, at_s: float
) -> list[str]:
    asked = check_ids(ids)
    spans = visible_spans(backend)
    sequences = sequences_of(backend, asked)
    for each in asked:
        if not is_in(sequences.get(each, 0), spans):
            raise unknown_experience(backend, each)
    archived = set(archived_ids(backend))
    changed = [each for each in asked if (each in archived) is (kind == EntryKind.RESTORE)]
    backend.append([entry_about(kind, each, reason=reason, at_s=at_s) for each in changed])
    return changed
