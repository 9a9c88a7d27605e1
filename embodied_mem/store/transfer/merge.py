"""Merge several stores into one, for example those of the workers of an experiment."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from embodied_mem import failpoints
from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import (
    ATTACHMENTS,
    link_or_copy,
    make_folder,
    sync_file,
    sync_folder,
    touch,
)
from embodied_mem.errors import ConflictingId, UnknownSpace
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.memory.views.view import is_in
from embodied_mem.records.log import Appended, Entry, EntryKind, Logged
from embodied_mem.store.transfer.entries import LOCAL_KINDS, all_entries
from embodied_mem.store.upkeep.attached import attached_digests, attachment_file
from embodied_mem.store.upkeep.purged import purges
from embodied_mem.store.upkeep.soundness import check_sound

logger = logging.getLogger(__name__)

BATCH = 256  # entries per commit; a kill keeps whole batches, and a second merge adds the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeReport:
    """What a merge did.

    Attributes:
        n_added: Entries added.
        n_known: Entries that this store already held with the same content.
        n_withdrawn: Entries not copied because they are withdrawn in the other store.
        n_left: Feedback, archive and restore entries not copied because their experience was not.
        conflicts: Ids with different content in the two stores; this store keeps its own.
        purged: Ids not copied because they were purged here.
        hidden: Ids that this store already held, withdrawn, and that stay withdrawn.
        missing_attachments: Digests of files that the other store names and does not hold.
    """

    n_added: int = 0
    n_known: int = 0
    n_withdrawn: int = 0
    n_left: int = 0
    conflicts: tuple[str, ...] = ()
    purged: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    missing_attachments: tuple[str, ...] = ()


def merge(into: SqliteBackend, folder: Path, other: SqliteBackend, other_folder: Path) -> MergeReport:
    """Add the entries of another store; repeating it, also after a kill, adds only missing entries.

    Entries are added in the other store's order, so merging several stores in a fixed order always gives the
    same log. Each counts as recorded at the merge, when this store received it: `as_of_s` returns what this
    store knew, and the times in its log never decrease. Withdrawn entries are not copied: a withdrawal names
    sequence numbers, which differ here.

    Args:
        into: The log that grows.
        folder: The folder of its store, which receives the attachments.
        other: The log that is read.
        other_folder: The folder of its store.

    Raises:
        StoreError: Entries of the other store are damaged; nothing was added.
        UnknownSpace: A field of the other store has vectors of another space; nothing was added.
    """
    check_spaces(into, folder, other, other_folder)
    check_sound(other)
    merging = _Merging(into, folder, other_folder)
    to_add = merging.entries_to_add(other)
    while batch := list(islice(to_add, BATCH)):
        failpoints.reach("merge:batch-read")
        merging.add(batch)
        failpoints.reach("merge:batch-added")
    into.flush()
    failpoints.reach("merge:done")
    report = merging.report()
    logger.info("merged %s into %s: %d added, %d known", other_folder, folder, report.n_added, report.n_known)
    return report


def check_spaces(into: SqliteBackend, folder: Path, other: SqliteBackend, other_folder: Path) -> None:
    """Reject stores whose vectors cannot be compared.

    Raises:
        UnknownSpace: A field has vectors of two spaces; the message names both and the next step.
    """
    held = into.spaces()
    for name, given in other.spaces().items():
        if held.get(name, given) != given:
            raise UnknownSpace(
                f"field {name!r} holds vectors of {held[name]} in {folder} and of {given} in {other_folder}; "
                f"nothing of the latter was added. Re-embed one first: embodied-mem memory reembed "
                f"{other_folder} --embedder NAME --field {name}"
            )


@dataclass(slots=True)
class _Merging:
    """A running merge."""

    into: SqliteBackend
    folder: Path
    other_folder: Path
    n_added: int = 0
    n_known: int = 0
    n_withdrawn: int = 0
    n_left: int = 0
    conflicts: list[str] = field(default_factory=list)
    purged: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    known: dict[int, str] = field(default_factory=dict)  # sequence -> id of an experience held before
    skipped: set[str] = field(default_factory=set)  # ids of experiences that are not copied

    def entries_to_add(self, other: SqliteBackend) -> Iterator[Logged]:
        """Entries of the other store to add."""
        views = LogViews(other)
        views.catch_up()
        last = other.last_sequence()
        generation, purged_here = -1, []
        spans = views.visible(last)
        for logged in all_entries(other):
            if logged.sequence > last:
                return
            if logged.entry.kind in LOCAL_KINDS:
                continue
            if generation != (generation := self.into.generation()):  # a purge ran meanwhile
                purged_here = [purge.ids for purge in purges(self.into)]
            is_withdrawn = not is_in(logged.sequence, spans)
            self.n_withdrawn += is_withdrawn
            is_purged = any(logged.entry.id in ids for ids in purged_here)
            if is_purged and not is_withdrawn:
                self.purged.append(logged.entry.id)
            if not is_withdrawn and not is_purged:
                yield logged
            elif logged.entry.kind == EntryKind.EXPERIENCE:
                self.skipped.add(logged.entry.id)

    def add(self, batch: Sequence[Logged]) -> None:
        """Append a batch; files first, so that no entry ever names a missing file."""
        entries = [logged.entry for logged in batch]
        self._copy_attachments(entries)
        # Their hashes were verified, so they are as the other store validated them.
        coming = [replace(entry, is_checked=True) for entry in entries if not self._is_skipped(entry)]
        try:
            appended = self.into.append(coming)
        except ConflictingId:
            for entry in coming:
                self._add_one(entry)
        else:
            self._count(coming, appended)

    def report(self) -> MergeReport:
        """The report of the finished merge."""
        views = LogViews(self.into)
        views.catch_up()
        spans = views.visible(None)
        return MergeReport(
            n_added=self.n_added,
            n_known=self.n_known,
            n_withdrawn=self.n_withdrawn,
            n_left=self.n_left,
            conflicts=tuple(self.conflicts),
            purged=tuple(self.purged),
            hidden=tuple(name for sequence, name in self.known.items() if not is_in(sequence, spans)),
            missing_attachments=tuple(sorted(self.missing)),
        )

    def _add_one(self, entry: Entry) -> None:
        if self._is_skipped(entry):
            return
        try:
            appended = self.into.append([entry])
        except ConflictingId:
            self.conflicts.append(entry.id)
            self.skipped.add(entry.id)
        else:
            self._count([entry], appended)

    def _is_skipped(self, entry: Entry) -> bool:
        """Whether an entry is about an experience that is not copied; its id may mean another one here."""
        is_skipped = entry.kind != EntryKind.EXPERIENCE and entry.payload.get("experience_id") in self.skipped
        self.n_left += is_skipped
        return is_skipped

    def _count(self, entries: Sequence[Entry], appended: Sequence[Appended]) -> None:
        for entry, place in zip(entries, appended, strict=True):
            self.n_added += not place.is_duplicate
            self.n_known += place.is_duplicate
            if place.is_duplicate and entry.kind == EntryKind.EXPERIENCE:
                self.known[place.sequence] = entry.id

    def _copy_attachments(self, entries: Sequence[Entry]) -> None:
        for digest in attached_digests(entries):
            source = attachment_file(self.other_folder / ATTACHMENTS, digest)
            target = attachment_file(self.folder / ATTACHMENTS, digest)
            if touch(target):
                continue
            if not source.is_file():
                self.missing.add(digest)
                continue
            make_folder(target.parent)
            link_or_copy(source, target)
            touch(target)  # a link has the time of its source
            sync_file(target)  # before any entry that names it, or a power cut could keep only the entry
            sync_folder(target.parent)
