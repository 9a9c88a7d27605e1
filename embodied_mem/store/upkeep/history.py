"""The history of one experience in this store, in the order of the log and derived from it.

It lists the recording, uses by later experiences, feedback, archiving, restoring, withdrawal and purge. It
omits new vectors (`reembed`), which leave the content unchanged, and the store from which an experience came.
After a merge, `recorded` has the time of the merge; an import keeps all times, and lacks withdrawn entries.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.view import is_in
from embodied_mem.records.log import EntryKind, Span
from embodied_mem.store.upkeep.archiving import sequences_of, unknown_experience, visible_spans
from embodied_mem.store.upkeep.purged import purges_of


class ChangeKind(enum.StrEnum):
    """What can happen to an experience."""

    RECORDED = "recorded"
    USED = "used"  # a later experience lists it in `recalled`
    FEEDBACK = "feedback"
    ARCHIVED = "archived"
    RESTORED = "restored"
    WITHDRAWN = "withdrawn"
    PURGED = "purged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that happened to an experience.

    Attributes:
        sequence: Sequence number of the entry.
        kind: What happened.
        at_s: Seconds since the Unix epoch; None if unknown. For `recorded` and `used`: when this store or,
            after an import, the exported store received the experience or its user. For other kinds: the time
            in their entry, which a merge keeps.
        reason: Details in words: why it was archived, whether it helped.
        by: The id of the experience that used it; empty for other kinds.
        is_withdrawn: Whether the change itself was withdrawn later and no longer counts.
    """

    sequence: int
    kind: ChangeKind
    at_s: float | None
    reason: str = ""
    by: str = ""
    is_withdrawn: bool = False


_ABOUT = {
    EntryKind.FEEDBACK: ChangeKind.FEEDBACK,
    EntryKind.ARCHIVE: ChangeKind.ARCHIVED,
    EntryKind.RESTORE: ChangeKind.RESTORED,
}


def history(backend: SqliteBackend, experience_id: str) -> list[Change]:
    """The changes of an experience, in the order of the log; reads the whole log to find uses.

    For a purged experience, these are the purge and the uses by experiences that still list it.

    Raises:
        UnknownName: No experience with this id was ever recorded here.
    """
    spans = visible_spans(backend)
    own = sequences_of(backend, [experience_id]).get(experience_id)
    purges = [
        Change(sequence=sequence, kind=ChangeKind.PURGED, at_s=at_s)
        for sequence, at_s in purges_of(backend, experience_id)
    ]
    if own is None and not purges:
        raise unknown_experience(backend, experience_id)
    changes = [*purges, *_uses(backend, experience_id, spans), *_about(backend, experience_id, spans)]
    if own is not None:
        changes += _own(backend, own, spans)
    return sorted(changes, key=lambda change: change.sequence)


def _own(backend: SqliteBackend, own: int, spans: tuple[Span, ...]) -> Iterator[Change]:
    """The recording of an experience, and the withdrawal that hid it."""
    at_s = backend.recorded_at(own)
    is_withdrawn = not is_in(own, spans)
    yield Change(sequence=own, kind=ChangeKind.RECORDED, at_s=at_s, is_withdrawn=is_withdrawn)
    withdrawals = LogValues(backend).after(own, (EntryKind.WITHDRAWAL,), ("after", "at_s"))
    for sequence, _, values in withdrawals:
        after = int(cast("Any", values["after"]))
        if after < own:
            reason = f"everything after {after} was withdrawn"
            yield Change(
                sequence=sequence, kind=ChangeKind.WITHDRAWN, at_s=_time(values["at_s"]), reason=reason
            )
            return


def _about(backend: SqliteBackend, experience_id: str, spans: tuple[Span, ...]) -> Iterator[Change]:
    for logged in backend.entries_about(experience_id):
        payload = logged.entry.payload
        reason = str(payload.get("reason") or "")
        if logged.entry.kind == EntryKind.FEEDBACK:
            reason = "it helped" if payload["helped"] else "it did not help"
        yield Change(
            sequence=logged.sequence,
            kind=_ABOUT[EntryKind(logged.entry.kind)],
            at_s=_time(payload.get("at_s")),
            reason=reason,
            is_withdrawn=not is_in(logged.sequence, spans),
        )


def _uses(backend: SqliteBackend, experience_id: str, spans: tuple[Span, ...]) -> Iterator[Change]:
    for sequence, _, values in LogValues(backend).after(0, (EntryKind.EXPERIENCE,), ("id", "recalled")):
        if experience_id in cast("list[str]", values["recalled"] or ()):
            yield Change(
                sequence=sequence,
                kind=ChangeKind.USED,
                at_s=backend.recorded_at(sequence),
                by=str(values["id"]),
                is_withdrawn=not is_in(sequence, spans),
            )


def _time(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
