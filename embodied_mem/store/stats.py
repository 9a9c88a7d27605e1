"""`StoreStats`: how much a store holds, and its versions."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import ATTACHMENTS, FILE_NAME
from embodied_mem.backends.sqlite.schema import SCHEMA_VERSION
from embodied_mem.records.log import EntryKind, Search, Span
from embodied_mem.records.spaces import Space


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """What a store holds.

    Attributes:
        path: The folder.
        n_experiences: Experiences that are not withdrawn, archived ones included.
        n_withdrawn: Withdrawn experiences, which stay in the log.
        n_archived: Archived experiences, which are recalled only on request.
        n_feedback: Feedback entries that are not withdrawn.
        n_attachments: Attachment files, without unfinished ones.
        n_pending: Entries that were recorded and are not yet committed.
        last_sequence: The newest sequence number of the log; 0 while it is empty.
        spaces: The space of each field that has vectors.
        size_bytes: Size of the log on disk.
        attachments_bytes: Total size of the attachments, as counted against a quota.
        index: Report of the index, by kind of entry; empty before the first recall.
        origin: Origin of a branch: the `path` of the copied store, the `sequence` of the last copied entry,
            and the time `at_s`; None for any other store.
        schema_version: Version of the tables.
        sqlite_version: Version of the SQLite library in use.
    """

    path: Path
    n_experiences: int
    n_withdrawn: int
    n_archived: int = 0
    n_feedback: int
    n_attachments: int = 0
    n_pending: int = 0
    last_sequence: int
    spaces: Mapping[str, Space]
    size_bytes: int
    attachments_bytes: int = 0
    index: Mapping[str, object]
    origin: Mapping[str, object] | None = None
    schema_version: int
    sqlite_version: str


def stats_of(backend: SqliteBackend, path: Path, *, spans: tuple[Span, ...], n_archived: int) -> StoreStats:
    """Count what a store holds.

    Args:
        backend: The log.
        path: The store's folder.
        spans: The part of the log that is not withdrawn.
        n_archived: Number of archived experiences in `spans`.
    """
    from embodied_mem.store.transfer.branch import origin_of  # imported on first use, like the next
    from embodied_mem.store.upkeep.attachments import AttachmentStore

    everything = _count(backend, EntryKind.EXPERIENCE, (Span(),))
    visible = _count(backend, EntryKind.EXPERIENCE, spans)
    attachments = AttachmentStore(path / ATTACHMENTS)
    return StoreStats(
        path=path,
        n_experiences=visible,
        n_withdrawn=everything - visible,
        n_archived=n_archived,
        n_feedback=_count(backend, EntryKind.FEEDBACK, spans),
        n_attachments=len(list(attachments)),
        n_pending=backend.pending,
        last_sequence=backend.last_sequence(),
        spaces=backend.spaces(),
        size_bytes=sum(file.stat().st_size for file in path.glob(f"{FILE_NAME}*")),
        attachments_bytes=attachments.size_bytes(),
        index=backend.index_report(),
        origin=origin_of(path),
        schema_version=SCHEMA_VERSION,
        sqlite_version=sqlite3.sqlite_version,
    )


def _count(backend: SqliteBackend, kind: EntryKind, spans: tuple[Span, ...]) -> int:
    return backend.search(Search(kind=kind, spans=spans, k=0)).n_candidates
