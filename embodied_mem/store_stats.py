"""`StoreStats`: how much a store holds, and with what it is kept."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embodied_mem.backends.disk import ATTACHMENTS, FILE_NAME
from embodied_mem.backends.schema import SCHEMA_VERSION
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.log import EntryKind, Search, Span
from embodied_mem.spaces import Space


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """What a store holds.

    Attributes:
        path: The folder.
        n_experiences: Experiences that are not withdrawn, archived ones among them.
        n_withdrawn: Experiences that are kept and hidden.
        n_archived: Experiences that are recalled only when asked for.
        n_feedback: Feedback that counts.
        n_attachments: Files beside the log that are whole.
        n_pending: Entries that were recorded and are not yet committed.
        last_sequence: The newest sequence number of the log; 0 while it is empty.
        spaces: The space of each field that has vectors.
        size_bytes: Size of the log on disk.
        attachments_bytes: What they take together, as counted against a quota.
        index: What the index says of itself, by kind of entry; empty before the first recall.
        origin: Where a branch comes from: the `path` of its store, the `sequence` of the last entry that was
            copied, and when, `at_s`; None for any other store.
        schema_version: Version of the tables.
        sqlite_version: Version of SQLite that reads them.
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
    """What the store holds, counted now.

    Args:
        backend: The log.
        path: Its store's folder.
        spans: The part of the log that is not withdrawn.
        n_archived: Experiences in it that are archived.
    """
    from embodied_mem.transfer.branch import origin_of  # like the next, loaded when it is asked for
    from embodied_mem.upkeep.attachments import AttachmentStore

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
