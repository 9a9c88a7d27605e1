"""Remove experiences permanently: from the log, its freed pages, the index and the attachments.

A purge first logs what it will remove (as hashes), then removes it, then logs that it is done. A purge that
was killed in between is finished by the next purge, by `memory check --repair`, or by `finish_purges`.
"""

import logging
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from embodied_mem import failpoints
from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import ATTACHMENTS, FILE_NAME, INDEX, sync_folder, sync_log
from embodied_mem.errors import InvalidQuery
from embodied_mem.index import part_files as snapshot
from embodied_mem.memory.views.log_values import EVERY_HIT, LogValues, texts_in
from embodied_mem.records.filters import FIELDS, And, Not, Or, Where, excludes_nothing, split_path
from embodied_mem.records.json_values import JsonObject, JsonValue
from embodied_mem.records.log import ABOUT_ONE, EntryKind, Search
from embodied_mem.store.upkeep.archiving import check_ids, sequences_of, unknown_experience
from embodied_mem.store.upkeep.attached import digests_in
from embodied_mem.store.upkeep.attachments import AttachmentStore
from embodied_mem.store.upkeep.purged import IdHashes, Purge, purges
from embodied_mem.store.upkeep.staged_vectors import staged_files

logger = logging.getLogger(__name__)

RUN_FOLDERS = "run folders with their logs of model calls, trackers and reports of experiments"
UNREACHED = (
    "exports, branches, snapshots on disk, and stores into which this one was merged",
    "the stores from which this one was branched, merged or imported",
    "backups of the folder, and blocks that the file system has freed but not overwritten",
    "the memory of other processes that have read it, until they read the store again",
    "records that other processes had not committed yet, or write from memory afterwards",
    RUN_FOLDERS,
    "other experiences whose texts describe it in other words",
)

_LOG_FILES = frozenset(FILE_NAME + end for end in ("", "-wal", "-shm", "-checkpoint-lock"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeReport:
    """What a purge removed, and what it could not reach.

    Attributes:
        purged: The requested ids that were removed.
        derived: The ids of experiences removed with them, because they cite one in their `sources`, directly
            or through others.
        n_entries_about: Number of feedback, archive and restore entries removed with them.
        attachments: The digests of the removed files, which nothing else refers to.
        mentioned_by: The ids of remaining experiences that list a purged id, and only the id, in `recalled`.
        other_files: Files in the store's folder that may hold a copy, for example files that a repair kept.
        unreached: Places that the purge cannot reach, in words; the caller must handle them.
        is_dry_run: Whether nothing was removed and the report says what a purge would do now.
    """

    purged: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    n_entries_about: int = 0
    attachments: tuple[str, ...] = ()
    mentioned_by: tuple[str, ...] = ()
    other_files: tuple[Path, ...] = ()
    unreached: tuple[str, ...] = UNREACHED
    is_dry_run: bool = False


def purge(backend: SqliteBackend, path: Path, selector: Where | Iterable[str], *, at_s: float) -> PurgeReport:
    """Remove experiences permanently, with everything derived from them.

    Withdrawn and archived experiences are removed as well. An entry in the log keeps the time, the number
    removed, the paths of the filter, and salted hashes of the ids.

    Args:
        backend: The log.
        path: The store's folder.
        selector: A filter (scope, person, place, time range ...), or ids. Ids purged before are skipped.
        at_s: Time of the purge, seconds since the Unix epoch.

    Raises:
        StoreError: The store is read-only, or another process reads it for too long. In the second case the
            rows are removed, and `finish_purges` overwrites their pages later.
        InvalidQuery: The filter has no condition that could exclude an experience
            (`filters.excludes_nothing`), or the selector is neither a filter nor ids; nothing was removed.
        UnknownName: No experience has one of the ids; nothing was removed.
    """
    with alone(path):
        backend.flush()
        finish_begun(backend, path)
        return _purge(backend, path, selector, at_s=at_s)


def _purge(
    backend: SqliteBackend, path: Path, selector: Where | Iterable[str], *, at_s: float
) -> PurgeReport:
    ids, derived, begun = _chosen(backend, selector, at_s=at_s)
    if not begun.n:
        return PurgeReport(other_files=_other_files(path))
    [appended] = backend.append([begun.entry("begun")])
    backend.flush()
    failpoints.reach("purge:begun")
    report = _carry_out(backend, path, replace(begun, sequence=appended.sequence))
    logger.info("purged %d experiences and %d derived ones from %s", len(ids), len(derived), path)
    return replace(report, purged=tuple(ids), derived=tuple(derived))


def preview(backend: SqliteBackend, path: Path, selector: Where | Iterable[str]) -> PurgeReport:
    """Report what a purge would remove now, and what it could not reach; write nothing.

    Args:
        backend: The log, which may be open for reading only.
        path: The store's folder.
        selector: As for `purge`.

    Raises:
        InvalidQuery: The filter has no condition that could exclude an experience, or the selector is neither
            a filter nor ids.
        UnknownName: No experience has one of the ids.
    """
    with backend.reading():
        ids, derived, chosen = _chosen(backend, selector, at_s=0.0)
        rows = _rows_of(backend, replace(chosen, sequence=backend.last_sequence() + 1))
    files = AttachmentStore(path / ATTACHMENTS)
    return PurgeReport(
        purged=tuple(ids),
        derived=tuple(derived),
        n_entries_about=rows.n_about,
        attachments=tuple(sorted(each for each in rows.digests - rows.kept_digests if each in files)),
        mentioned_by=tuple(rows.mentioned_by),
        other_files=_other_files(path),
        is_dry_run=True,
    )


def _chosen(
    backend: SqliteBackend, selector: Where | Iterable[str], *, at_s: float
) -> tuple[list[str], list[str], Purge]:
    """The requested ids, the ids derived from them, and the purge of both, which is not begun yet."""
    ids, document = selected(backend, selector)
    derived = _derived_from(backend, ids)
    gone = [*ids, *derived]
    hashes = IdHashes.of(gone)
    purge = Purge(sequence=0, is_done=False, selector=document, n=len(gone), at_s=float(at_s), ids=hashes)
    return ids, derived, purge


def unfinished_purges(backend: SqliteBackend) -> list[Purge]:
    """Purges that were begun and not finished, oldest first."""
    return [purge for purge in purges(backend) if not purge.is_done]


def finish_purges(backend: SqliteBackend, path: Path) -> int:
    """Finish interrupted purges; return how many there were.

    Raises:
        StoreError: The store is read-only, or another process reads it for too long.
    """
    with alone(path):
        return finish_begun(backend, path)


def finish_begun(backend: SqliteBackend, path: Path) -> int:
    """Like `finish_purges`; the caller must hold the lock of `alone`."""
    unfinished = unfinished_purges(backend)
    for each in unfinished:
        _carry_out(backend, path, each)
    return len(unfinished)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Lock the store's folder, so that one removal runs and the others wait. No effect on Windows."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    folder = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@dataclass(slots=True)
class _Rows:
    """The rows that a purge removes, and what the remaining rows need."""

    doomed: list[int] = field(default_factory=list)
    n_about: int = 0
    digests: set[str] = field(default_factory=set)  # attachments of the removed rows
    new_ids: set[str] = field(default_factory=set)  # purged ids that were recorded again since
    kept_digests: set[str] = field(default_factory=set)
    mentioned_by: list[str] = field(default_factory=list)


def _carry_out(backend: SqliteBackend, path: Path, begun: Purge) -> PurgeReport:
    """Run a purge. Every step may be repeated, so a killed purge restarts here."""
    files = AttachmentStore(path / ATTACHMENTS)
    rows = _rows_of(backend, begun)
    sync_log(backend.path)  # or a power cut could lose the purge's log entry after files were removed
    # Files before rows: only the rows say which files are theirs.
    files.set_aside(rows.digests - rows.kept_digests)
    failpoints.reach("purge:attachments-aside")
    n_about = rows.n_about
    _remove_rows(backend, path, rows.doomed)
    while (rows := _rows_of(backend, begun)).doomed:  # feedback that other processes added meanwhile
        n_about += rows.n_about
        _remove_rows(backend, path, rows.doomed)
    attachments = files.settle(rows.kept_digests)  # an experience recorded meanwhile may need one
    failpoints.reach("purge:attachments-removed")
    backend.append([begun.entry("done")])
    backend.flush()
    failpoints.reach("purge:done")
    return PurgeReport(
        n_entries_about=n_about,
        attachments=tuple(attachments),
        mentioned_by=tuple(rows.mentioned_by),
        other_files=_other_files(path),
    )


def _remove_rows(backend: SqliteBackend, path: Path, doomed: Iterable[int]) -> None:
    """Remove rows from the log, the index and the pages of the file."""
    backend.delete(doomed)
    _remove_caches(path)
    failpoints.reach("purge:index-removed")
    backend.compact()
    failpoints.reach("purge:compacted")
    # Again: another process may have saved an index of the old state. The compaction waited for all readers
    # of that state, so none is left.
    _remove_caches(path)


def _rows_of(backend: SqliteBackend, begun: Purge) -> _Rows:
    """Collect the rows of a purge; an id recorded again after it began is another experience."""
    rows, ids = _Rows(), begun.ids
    paths = ("id", "experience_id", "recalled", "attachments")
    for sequence, kind, values in LogValues(backend).after(0, (EntryKind.EXPERIENCE, *ABOUT_ONE), paths):
        if kind != EntryKind.EXPERIENCE:
            if values["experience_id"] in ids and values["experience_id"] not in rows.new_ids:
                rows.doomed.append(sequence)
                rows.n_about += 1
        elif values["id"] in ids and sequence < begun.sequence:
            rows.doomed.append(sequence)
            rows.digests |= set(digests_in(values["attachments"]))
        else:
            rows.kept_digests |= set(digests_in(values["attachments"]))
            rows.new_ids |= {str(values["id"])} if values["id"] in ids else set()
            if any(each in ids for each in texts_in(values["recalled"])):
                rows.mentioned_by.append(str(values["id"]))
    return rows


def selected(backend: SqliteBackend, selector: Where | Iterable[str]) -> tuple[list[str], JsonObject]:
    """The ids to purge, and the selector without its values, which may themselves be data to purge.

    Raises:
        InvalidQuery: The filter has no condition that could exclude an experience, or the selector is neither
            a filter nor ids.
        UnknownName: No experience has one of the ids, and none that was purged had it.
    """
    if isinstance(selector, Where):
        if excludes_nothing(selector):  # such as one whose values were all left out, by mistake
            raise InvalidQuery(
                "the filter has no condition, so all would be purged; give one, such as "
                "where(scope__person='Ada'), or delete the folder to remove all"
            )
        found = backend.search(Search(kind=EntryKind.EXPERIENCE, where=selector, k=EVERY_HIT)).sequences
        chosen = set(found)
        rows = LogValues(backend).after(0, (EntryKind.EXPERIENCE,), ("id",))
        ids = [str(values["id"]) for sequence, _, values in rows if sequence in chosen]
        paths: list[JsonValue] = [*sorted(_paths_of(selector))]
        return ids, {"paths": paths}
    asked = check_ids(selector)
    known = sequences_of(backend, asked)
    before = purges(backend) if len(known) < len(asked) else []
    for each in asked:
        if each not in known and not any(each in purge.ids for purge in before):
            raise unknown_experience(backend, each)
    ids = [each for each in asked if each in known]
    return ids, {"ids": len(ids)}


def _derived_from(backend: SqliteBackend, ids: Iterable[str]) -> list[str]:
    """The ids of all experiences that cite one of these, directly or through others, in the order of writing.

    Includes experiences that cite other sources as well: a lesson from ten episodes may repeat what the
    purged one said.
    """
    asked_for = set(ids)
    place: dict[str, int] = {}
    citing = defaultdict(list)  # after a merge, a source may come after the entry that cites it
    for sequence, _, values in LogValues(backend).after(0, (EntryKind.EXPERIENCE,), ("id", "sources")):
        place[str(values["id"])] = sequence
        for source in texts_in(values["sources"]):
            citing[source].append(str(values["id"]))
    gone, to_follow = set(asked_for), list(asked_for)
    while to_follow:
        new = set(citing[to_follow.pop()]) - gone
        gone |= new
        to_follow += new
    return sorted(gone - asked_for, key=place.__getitem__)


def _paths_of(where: Where) -> set[str]:
    if isinstance(where, And | Or):
        return set().union(*map(_paths_of, where.parts))
    if isinstance(where, Not):
        return _paths_of(where.part)
    names = split_path(where.path)
    n_known = 1 if FIELDS[names[0]] is None else 2  # names in free JSON may be data to purge
    return {".".join(names[:n_known])}


def _remove_caches(path: Path) -> None:
    """Delete index snapshots and unfinished re-embeddings, which hold texts and vectors; both are rebuilt."""
    snapshot.remove_all(path / INDEX)
    for file in staged_files(path):
        file.unlink(missing_ok=True)
    sync_folder(path)


def _other_files(path: Path) -> tuple[Path, ...]:
    """Files in the folder other than the log, attachments and the index."""
    ours = {path / name for name in _LOG_FILES}
    attachments = AttachmentStore(path / ATTACHMENTS)
    ours |= {attachments.path_of(digest) for digest in attachments}
    files = (file for file in path.rglob("*") if file.is_file() and path / INDEX not in file.parents)
    return tuple(sorted(file for file in files if file not in ours))
