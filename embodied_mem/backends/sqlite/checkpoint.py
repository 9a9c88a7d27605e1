"""Bringing SQLite's write-ahead log back into the database file, one process at a time."""

import logging
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embodied_mem import failpoints
from embodied_mem.backends.sqlite.disk import log_of
from embodied_mem.backends.sqlite.file import set_patience
from embodied_mem.errors import StoreError

logger = logging.getLogger(__name__)

ENTRIES_BETWEEN = 250  # about 6 MB of log where each is a commit of its own; 1,000 made pauses of 30 ms
LONG_LOG_BYTES = 8 * 2**20  # what those entries take, and a third more
PATIENCE_MS = 50  # for readers; whoever writes next tries again


class Checkpointer:
    """Checkpoints after so many entries and at the end, under a lock of its own between processes.

    SQLite before 3.51.3 can damage a file when one connection checkpoints while another does too or starts
    the log anew (https://sqlite.org/wal.html#walresetbug). So its automatic checkpoints are off, one process
    checkpoints at a time, and it keeps writers out meanwhile. Without such a lock, on Windows, SQLite's own
    way is kept.

    Args:
        path: The database file; the lock is an empty file beside it.
        busy_timeout_s: How long the connection waits for others at other times.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        self._path = path
        self._lock_path = path.with_name(f"{path.name}-checkpoint-lock")
        self._busy_timeout_s = busy_timeout_s
        self._n_entries = 0

    def begin(self) -> None:
        """Note that a connection was opened; the log may be long already, as others were killed."""
        if self._is_long():
            self._n_entries = ENTRIES_BETWEEN

    def appended(self, db: sqlite3.Connection, n_entries: int) -> None:
        """Note that entries were committed or removed; checkpoint if it is time and nobody else does."""
        self._n_entries += n_entries
        if self._n_entries >= ENTRIES_BETWEEN:
            self._try_checkpoint(db, patience_s=0.0)

    def end(self, db: sqlite3.Connection) -> None:
        """Checkpoint what this handle has written, before its connection is closed.

        SQLite does so only for the last connection, and not if that one only reads: beside a reader that
        stays, handles that write little would never checkpoint, and the log would grow from one to the next.
        """
        if self._n_entries or self._is_long():
            self._try_checkpoint(db, patience_s=PATIENCE_MS / 1000)

    def compact(self, db: sqlite3.Connection) -> None:
        """Write the file anew without what was deleted, and leave an empty log.

        Raises:
            StoreError: Another process reads or checkpoints for longer than the busy timeout.
        """
        with self._lock(self._busy_timeout_s) as is_ours:
            if not is_ours:
                raise StoreError(f"another process holds {self._lock_path} for too long; let it finish")
            for step in ("checkpoint", "vacuum", "checkpoint"):
                failpoints.reach(f"compaction:{step}")
                if step == "vacuum":
                    db.execute("VACUUM")
                elif not self._checkpoint(db, "TRUNCATE", patience_s=self._busy_timeout_s):
                    raise StoreError(
                        f"{self._lock_path} is ours but another process reads an older state of the store; "
                        "let it finish, then compact again"
                    )
        self._n_entries = 0
        failpoints.reach("compaction:done")

    def _is_long(self) -> bool:
        """Whether the log has grown beyond what is usual; all of it may have gone into the file since."""
        try:
            return log_of(self._path).stat().st_size > LONG_LOG_BYTES
        except OSError:  # there is none
            return False

    def _try_checkpoint(self, db: sqlite3.Connection, *, patience_s: float) -> None:
        """A failure is logged and not raised, because the entries are safe all the same."""
        if sys.platform == "win32":
            return
        try:
            with self._lock(patience_s) as is_ours:
                # RESTART keeps the log's blocks, so that later commits need not make the file longer. It
                # holds the writers' lock for the while; PASSIVE would not.
                is_done = is_ours and self._checkpoint(db, "RESTART")
                self._n_entries = 0 if is_done else ENTRIES_BETWEEN - ENTRIES_BETWEEN // 10
        except (OSError, sqlite3.Error) as error:
            logger.warning("no checkpoint of %s: %s", self._lock_path, error)

    def _checkpoint(
        self, db: sqlite3.Connection, mode: str, *, patience_s: float = PATIENCE_MS / 1000
    ) -> bool:
        """Whether the whole log went into the file; a reader that takes long prevents it."""
        failpoints.reach("checkpoint:before")
        set_patience(db, patience_s)
        try:
            is_busy, _, _ = db.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        finally:
            set_patience(db, self._busy_timeout_s)
        failpoints.reach("checkpoint:after")
        return not is_busy

    @contextmanager
    def _lock(self, patience_s: float) -> Iterator[bool]:
        """Whether the lock between processes is ours, once it was waited for; on Windows SQLite's suffice."""
        deadline_s = time.monotonic() + patience_s
        while sys.platform != "win32":
            with _try_lock(self._lock_path) as is_ours:
                if is_ours or time.monotonic() >= deadline_s:
                    yield is_ours
                    return
            time.sleep(0.01)
        yield True


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
