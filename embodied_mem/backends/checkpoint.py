"""Bringing SQLite's write-ahead log back into the database file, one process at a time."""

import logging
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

ENTRIES_BETWEEN = 1_000  # about 40 MB of log where each is a commit of its own
PATIENCE_MS = 50  # for readers; whoever writes next tries again


class Checkpointer:
    """Checkpoints after so many entries, under a lock of its own between processes.

    SQLite before 3.51.3 can damage a file when one connection checkpoints while another does too or starts
    the log anew (https://sqlite.org/wal.html#walresetbug). So its automatic checkpoints are off, one process
    checkpoints at a time, and it keeps writers out meanwhile. Without such a lock, on Windows, SQLite's own
    way is kept.

    Args:
        path: The database file; the lock is an empty file beside it.
        busy_timeout_s: How long the connection waits for others at other times.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        self._lock_path = path.with_name(f"{path.name}-checkpoint-lock")
        self._busy_timeout_ms = round(1000 * busy_timeout_s)
        self._n_entries = 0

    def begin(self, db: sqlite3.Connection) -> None:
        """Take over from SQLite."""
        if sys.platform != "win32":
            db.execute("PRAGMA wal_autocheckpoint = 0")

    def appended(self, db: sqlite3.Connection, n_entries: int) -> None:
        """Note that entries were committed; checkpoint if it is time and nobody else does.

        A failure is logged and not raised, because the entries are safe all the same.
        """
        self._n_entries += n_entries
        if self._n_entries < ENTRIES_BETWEEN or sys.platform == "win32":
            return
        try:
            with _try_lock(self._lock_path) as is_ours:
                if is_ours and self._checkpoint(db):
                    self._n_entries = 0
        except (OSError, sqlite3.Error) as error:
            logger.warning("no checkpoint of %s: %s", self._lock_path, error)

    def _checkpoint(self, db: sqlite3.Connection) -> bool:
        """Whether the whole log went into the file; a reader that takes long prevents it."""
        db.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            # TRUNCATE holds the writers' lock for the while; PASSIVE would not.
            is_busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            db.execute(f"PRAGMA busy_timeout = {self._busy_timeout_ms}")
        return not is_busy


@contextmanager
def _try_lock(path: Path) -> Iterator[bool]:
    """Whether the lock is ours; it goes with the process that holds it, however that ends."""
    import fcntl

    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(file)
