"""Opening a store's SQLite file: schema, settings, and SQLite errors translated with advice."""

import errno
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embodied_mem.backends.sqlite.disk import ATTACHMENTS, FILE_NAME, INDEX, make_folder
from embodied_mem.backends.sqlite.migrations import migrate
from embodied_mem.backends.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION, STATEMENTS
from embodied_mem.errors import StoreError

MAX_IDLE_LOG_BYTES = 32 * 2**20  # size to which a fully checkpointed write-ahead log is truncated
MIN_SQLITE = (3, 38, 0)  # the first version with built-in JSON operators


def connect(
    path: Path, *, read_only: bool, fsync: bool, busy_timeout_s: float, now_s: float
) -> sqlite3.Connection:
    """Return an open connection in autocommit mode, with an up-to-date schema.

    Args:
        path: The file.
        read_only: Open an existing file without ever writing to it.
        fsync: Whether a commit waits for the disk.
        busy_timeout_s: Seconds to wait for other processes.
        now_s: The current time in seconds since the Unix epoch.

    Raises:
        StoreError: The file cannot be opened, is damaged, belongs to another program or a newer version.
    """
    if sqlite3.sqlite_version_info < MIN_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; use a Python built with 3.38 or newer")
    _prepare_folder(path, read_only=read_only)
    _reject_emptied(path)
    with store_errors(path):
        uri = f"{path.as_uri()}?mode={'ro' if read_only else 'rwc'}"
        db = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, timeout=busy_timeout_s
        )
        try:
            db.execute("PRAGMA mmap_size = 0")  # SIGBUS kills this process if another shortens a mapped file
            if not read_only:
                _prepare_writing(db, fsync=fsync)
            version = _schema_of(db, path, read_only=read_only)
            if version == 0:
                _create(db, busy_timeout_s)
            elif version < SCHEMA_VERSION:
                _migrate(db, path, version, read_only=read_only, now_s=now_s)
        except BaseException:
            db.close()
            raise
        return db


def set_patience(db: sqlite3.Connection, timeout_s: float) -> None:
    """Set the seconds that a connection waits for locks of other processes."""
    db.execute(f"PRAGMA busy_timeout = {round(1000 * timeout_s)}")


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Raise SQLite, disk and decoding errors as a `StoreError` that names the file and the next step."""
    try:
        yield
    except Exception as error:
        translated = as_store_error(error, path)
        if translated is None:
            raise
        raise translated from error


def as_store_error(error: BaseException, path: Path, *, kept: str = "") -> StoreError | None:
    """Translate an error of SQLite, the disk or damaged content, with the error as its cause.

    Args:
        error: The error.
        path: The file.
        kept: What became of queued entries that could not be committed; empty: there were none, so that
            nothing of the write was kept.

    Returns:
        None for any other error.
    """
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "") or ""
        code = next((prefix for prefix in _ADVICE if name.startswith(prefix)), "")
    elif isinstance(error, json.JSONDecodeError | UnicodeDecodeError):  # SQLite has no page checksums
        code = "SQLITE_CORRUPT"
    elif isinstance(error, OSError):
        code = _ERRNO_ADVICE.get(error.errno or 0, "SQLITE_IOERR")
    else:
        return None
    if code == "SQLITE_FULL" and not kept:
        kept = "nothing of this write was kept"
    said = (str(path), str(error))
    translated = StoreError("; ".join(filter(None, (": ".join(said), _ADVICE.get(code), kept))))
    translated.__cause__ = error
    return translated


def is_lost(error: BaseException) -> bool:
    """Whether the connection that raised this error stays unusable even after the cause is gone."""
    name = getattr(error.__cause__, "sqlite_errorname", "") or ""
    return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_READONLY"))


_ADVICE = {
    "SQLITE_NOTADB": "this is not a memory store; give another path or move the file away",
    "SQLITE_CORRUPT": "the file is damaged; restore a copy, or save what can be read: "
    "embodied-mem memory check --repair FOLDER",
    "SQLITE_BUSY": "another process has held the store for too long; let it finish, or open with a larger "
    "busy_timeout_s",
    # Readers share memory with writers through a file in the folder. SQLite's `immutable` option avoids it,
    # but reads garbage if a process writes after all, which no reader can rule out.
    "SQLITE_READONLY_DIRECTORY": "the folder cannot be written, which even reading needs; change its "
    "permissions or copy the store to a folder of your own",
    "SQLITE_READONLY": "the file cannot be written; open it with read_only=True or change its permissions",
    "SQLITE_CANTOPEN": "check that the folder exists, that its disk is not full, and that you may read and "
    "write it, which even reading needs; on a read-only disk, copy the store to a folder of your own",
    "SQLITE_FULL": "the disk is full; free some space and write again",
    "SQLITE_IOERR": "reading or writing the disk failed; check free space, quotas and limits; a store needs "
    "a local disk, not a network folder",
}


_ERRNO_ADVICE = {
    errno.ENOSPC: "SQLITE_FULL",
    errno.EDQUOT: "SQLITE_FULL",
    errno.EROFS: "SQLITE_READONLY_DIRECTORY",
    errno.EACCES: "SQLITE_READONLY_DIRECTORY",
    errno.EPERM: "SQLITE_READONLY_DIRECTORY",
}


def _prepare_writing(db: sqlite3.Connection, *, fsync: bool) -> None:
    """Apply the settings that must precede the first write, which may be a migration."""
    if sys.platform != "win32":
        db.execute("PRAGMA wal_autocheckpoint = 0")  # `Checkpointer` checkpoints under a lock
    db.execute(f"PRAGMA journal_size_limit = {MAX_IDLE_LOG_BYTES}")
    db.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")


def _prepare_folder(path: Path, *, read_only: bool) -> None:
    if read_only:
        if not path.is_file():
            raise StoreError(
                f"{path} does not exist, so there is nothing to read; open it without read_only first"
            )
        return
    try:
        make_folder(path.parent)
    except OSError as error:
        raise StoreError(
            f"cannot make the folder {path.parent}: {error.strerror}; give another path"
        ) from error


def _reject_emptied(path: Path) -> None:
    """Reject an empty store file beside folders that are created only after the log."""
    if path.name != FILE_NAME or not path.is_file() or path.stat().st_size:
        return
    left = [name for name in (INDEX, ATTACHMENTS) if (path.parent / name).exists()]
    if left:
        raise StoreError(
            f"{path} has 0 bytes, but {path.parent / left[0]} shows that there was a store; "
            f"{_ADVICE['SQLITE_CORRUPT']}, or move the folder away to start with an empty store"
        )


def _schema_of(db: sqlite3.Connection, path: Path, *, read_only: bool) -> int:
    """Return the schema version of the file; 0 for a new file without tables.

    Raises:
        StoreError: The file belongs to another program or to a newer version of this one.
    """
    db.execute("BEGIN")  # one snapshot, or a store being created looks like another program's file
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    is_empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    db.execute("COMMIT")
    if application == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{path} has schema {version}, written by a newer version; this one reads {SCHEMA_VERSION}. "
                "Upgrade embodied-mem to open it."
            )
        return version
    if read_only or not is_empty or application:
        raise StoreError(
            f"{path} is a database but not a memory store; give another path or move the file away"
        )
    return 0


def _migrate(db: sqlite3.Connection, path: Path, version: int, *, read_only: bool, now_s: float) -> None:
    if read_only:
        raise StoreError(
            f"{path} has schema {version} and this version reads {SCHEMA_VERSION}; open it once without "
            "read_only, which migrates it in place, or migrate a copy"
        )
    migrate(db, now_s=now_s)


def _create(db: sqlite3.Connection, busy_timeout_s: float) -> None:
    _use_wal(db, busy_timeout_s)
    db.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have created the tables before we got the lock.
        if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            for statement in STATEMENTS:
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite rolls back automatically if the disk is full
            db.execute("ROLLBACK")
        raise


def _use_wal(db: sqlite3.Connection, busy_timeout_s: float) -> None:
    """Switch to write-ahead logging; retry, as SQLite does not wait while another process switches."""
    deadline_s = time.monotonic() + busy_timeout_s
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.01)
        else:
            return
