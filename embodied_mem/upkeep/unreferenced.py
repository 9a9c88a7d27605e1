"""Removing files that no experience names, such as those of a process that died before it recorded any."""

import logging
import time
from pathlib import Path

from embodied_mem import failpoints
from embodied_mem.argument_checks import check_number
from embodied_mem.backends.disk import ATTACHMENTS, sync_log
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import InvalidQuery
from embodied_mem.upkeep.attached import named_digests
from embodied_mem.upkeep.attachments import AttachmentStore
from embodied_mem.upkeep.purge import alone, finish_begun

logger = logging.getLogger(__name__)

GRACE_S = 86_400.0  # between putting a file and recording who names it, whatever happens meanwhile


def unreferenced(
    backend: SqliteBackend, path: Path, *, older_than_s: float = GRACE_S, now_s: float | None = None
) -> list[str]:
    """Digests of the files that no experience names and nobody has put for a while, sorted.

    Args:
        backend: The log.
        path: The store's folder.
        older_than_s: How long ago they were put the last time, >= 0, in seconds.
        now_s: Seconds since the Unix epoch; None is the time of the system, which the times of files are.

    Raises:
        InvalidQuery: `older_than_s` is no number of at least 0.
    """
    files = AttachmentStore(path / ATTACHMENTS)
    young = files.put_since(_limit_s(older_than_s, now_s))
    return files.unreferenced(named_digests(backend) | young)


def remove_unreferenced(
    backend: SqliteBackend, path: Path, *, older_than_s: float = GRACE_S, now_s: float | None = None
) -> list[str]:
    """Delete these files for good, and give their digests.

    A file that is put again meanwhile stays. One that was put longer ago than `older_than_s` and is recorded
    only now, by a process that has kept it so long, may go.

    Raises:
        InvalidQuery: `older_than_s` is no number of at least 0.
        StoreError: The store is read-only, or its folder cannot be written.
    """
    limit_s = _limit_s(older_than_s, now_s)
    files = AttachmentStore(path / ATTACHMENTS, read_only=backend.read_only)
    with alone(path):
        backend.flush()
        finish_begun(backend, path)  # which knows which of the files that are set aside have to go
        sync_log(backend.path)  # or a power cut could bring back an entry that names one of them
        files.set_aside(files.unreferenced(named_digests(backend) | files.put_since(limit_s)))
        failpoints.reach("purge:unreferenced-aside")
        gone = files.settle(named_digests(backend) | files.put_since(limit_s))
    logger.info("removed %d files of %s that no experience names", len(gone), path)
    return gone


def settle_aside(backend: SqliteBackend, path: Path) -> None:
    """Bring back what an interrupted removal set aside and experiences name or may yet; delete the rest."""
    files = AttachmentStore(path / ATTACHMENTS)
    with alone(path):
        finish_begun(backend, path)
        files.settle(named_digests(backend) | files.put_since(_limit_s(GRACE_S, None)))


def _limit_s(older_than_s: float, now_s: float | None) -> float:
    check_number("older_than_s", older_than_s)
    if older_than_s < 0:
        raise InvalidQuery(f"older_than_s is {older_than_s}; expected at least 0")
    return (time.time() if now_s is None else now_s) - older_than_s
