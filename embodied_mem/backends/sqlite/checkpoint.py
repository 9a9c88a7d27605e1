"""Checkpoints: copy SQLite's write-ahead log into the database file, one process at a time."""

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

ENTRIES_BETWEEN = 250  # about 6 MB of log at one commit an entry; 1,000 caused pauses of 30 ms
LONG_LOG_BYTES = 8 * 2**20  # a third more than those entries take
PATIENCE_MS = 50  # wait for readers; the next writer tries again


class Checkpointer:
    """Checkpoints every 250 entries and at close, under a lock file shared by all processes.

    SQLite before 3.51.3 can damage a file when one connection checkpoints while another checkpoints or
    resets the log (https://sqlite.org/wal.html#walresetbug). So automatic checkpoints are off, one process
    checkpoints at a time, and writers are blocked meanwhile. Windows has no such lock and keeps SQLite's
    automatic checkpoints.

    Args:
        path: The database file; the lock is an empty file beside it.
        busy_timeout_s: The connection's usual busy timeout, restored after each checkpoint.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        self._path = path
        self._lock_path = path.with_name(f"{path.name}-checkpoint-lock")
        self._busy_timeout_s = busy_timeout_s
        self._n_entries = 0

    def begin(self) -> None:
        """Register an opened connection; killed processes may have left a long log."""
        if self._is_long():
            self._n_entries = ENTRIES_BETWEEN

    def appended(self, db: sqlite3.Connection, n_entries: int) -> None:
        """Count committed or removed entries; checkpoint if due and no other process is doing so."""
        self._n_entries += n_entries
        if self._n_entries >= ENTRIES_BETWEEN:
            self._try_checkpoint(db, patience_s=0.0)

    def end(self, db: sqlite3.Connection) -> None:
        """Checkpoint this handle's writes before its connection closes.

        SQLite does so only when the last connection closes, and not if it is read-only. While a reader stays
        open, short-lived writers would never checkpoint and the log would keep growing.
        """
        if self._n_entries or self._is_long():
            self._try_checkpoint(db, patience_s=PATIENCE_MS / 1000)

    def compact(self, db: sqlite3.Connection) -> None:
        """Rewrite the file without deleted entries, and leave an empty write-ahead log.

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
                        f"cannot compact {self._path}: another process reads an older state of the store; "
                        "let it finish, then compact again"
                    )
        self._n_entries = 0
        failpoints.reach("compaction:done")

    def _is_long(self) -> bool:
        """Whether the log file exceeds 8 MB; its content may be checkpointed already."""
        try:
            return log_of(self._path).stat().st_size > LONG_LOG_BYTES
        except OSError:  # no write-ahead log
            return False

    def _try_checkpoint(self, db: sqlite3.Connection, *, patience_s: float) -> None:
        """Checkpoint if the lock is free; failures are logged only, as the entries are safe in the log."""
        if sys.platform == "win32":
            return
        try:
            with self._lock(patience_s) as is_ours:
                # RESTART keeps the log's disk blocks, so later commits need not grow the file. It holds the
                # write lock meanwhile; PASSIVE would not.
                is_done = is_ours and self._checkpoint(db, "RESTART")
                self._n_entries = 0 if is_done else ENTRIES_BETWEEN - ENTRIES_BETWEEN // 10
        except (OSError, sqlite3.Error) as error:
            logger.warning("no checkpoint of %s: %s", self._lock_path, error)

    def _checkpoint(
        self, db: sqlite3.Connection, mode: str, *, patience_s: float = PATIENCE_MS / 1000
    ) -> bool:
        """Checkpoint; return whether the whole log was copied, which a long read prevents."""
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
        """Wait for the lock between processes; yield whether it was acquired (always True on Windows)."""
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
    """Try the lock once; yield whether it was acquired. It is released when its process ends or is killed."""
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
