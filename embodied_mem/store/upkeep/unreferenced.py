"""Remove files that no experience names, for example of a process that died before recording."""

import logging
import time
from pathlib import Path

from embodied_mem import failpoints
from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import ATTACHMENTS, sync_log
from embodied_mem.errors import InvalidQuery
from embodied_mem.records.argument_checks import check_number
from embodied_mem.store.upkeep.attached import named_digests
from embodied_mem.store.upkeep.attachments import AttachmentStore
from embodied_mem.store.upkeep.purge import alone, finish_begun

logger = logging.getLogger(__name__)

GRACE_S = 86_400.0  # the longest time from putting a file to recording an experience that names it


def unreferenced(
    backend: SqliteBackend, path: Path, *, older_than_s: float = GRACE_S, now_s: float | None = None
) -> list[str]:
    """Digests of the files that no experience names and that are old enough, sorted.

    Args:
        backend: The log.
        path: The store's folder.
        older_than_s: Minimum time since the last put, in seconds, >= 0.
        now_s: Seconds since the Unix epoch; None is the system time, by which files are dated.

    Raises:
        InvalidQuery: `older_than_s` is not a number of at least 0.
    """
    files = AttachmentStore(path / ATTACHMENTS)
    young = files.put_since(_limit_s(older_than_s, now_s))
    return files.unreferenced(named_digests(backend) | young)


def remove_unreferenced(
    backend: SqliteBackend, path: Path, *, older_than_s: float = GRACE_S, now_s: float | None = None
) -> list[str]:
    """Delete unreferenced files permanently; return their digests.

    A file that is put again meanwhile stays. A file last put more than `older_than_s` ago may be deleted even
    if a process records an experience that names it at this moment.

    Raises:
        InvalidQuery: `older_than_s` is not a number of at least 0.
        StoreError: The store is read-only, or its folder cannot be written.
    """
    limit_s = _limit_s(older_than_s, now_s)
    files = AttachmentStore(path / ATTACHMENTS, read_only=backend.read_only)
    with alone(path):
        backend.flush()
        finish_begun(backend, path)  # which settles the files that an interrupted purge set aside
        sync_log(backend.path)  # or a power cut could restore an entry that names one of them
        files.set_aside(files.unreferenced(named_digests(backend) | files.put_since(limit_s)))
        failpoints.reach("purge:unreferenced-aside")
        gone = files.settle(named_digests(backend) | files.put_since(limit_s))
    logger.info("removed %d unreferenced files of %s", len(gone), path)
    return gone


def settle_aside(backend: SqliteBackend, path: Path) -> None:
    """Restore the files set aside that experiences name, or may name yet; delete the others."""
    files = AttachmentStore(path / ATTACHMENTS)
    with alone(path):
        finish_begun(backend, path)
        files.settle(named_digests(backend) | files.put_since(_limit_s(GRACE_S, None)))


def _limit_s(older_than_s: float, now_s: float | None) -> float:
    check_number("older_than_s", older_than_s)
    if older_than_s < 0:
        raise InvalidQuery(f"older_than_s is {older_than_s}; expected at least 0")
    return (time.time() if now_s is None else now_s) - older_than_s
