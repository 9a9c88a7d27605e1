"""Opening the SQLite file of a store: its schema, its settings, and errors that say what to do."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embodied_mem.backends.where_sql import NUMBER_COLUMNS, TEXT_COLUMNS
from embodied_mem.errors import StoreError

APPLICATION_ID = 0x454D454D  # "EMEM" in the header of the file, so that `file` and we know it
SCHEMA_VERSION = 1
MIN_SQLITE = (3, 38, 0)  # the first with the JSON operators built in

_FILTER_COLUMNS = (*TEXT_COLUMNS.values(), *NUMBER_COLUMNS.values())

# AUTOINCREMENT: the sequence number of a committed entry is never given to another one.
# A filter column without a type keeps integers and floats apart, as the payload does.
_SCHEMA = f"""
CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    entry_kind TEXT NOT NULL,
    digest BLOB NOT NULL,
    payload TEXT NOT NULL,
    texts TEXT NOT NULL,
    {", ".join(_FILTER_COLUMNS)}
);
CREATE INDEX entries_by_filter ON entries (entry_kind, sequence, {", ".join(_FILTER_COLUMNS)});
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY,
    field TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    metric TEXT NOT NULL
);
CREATE TABLE vectors (
    sequence INTEGER NOT NULL REFERENCES entries (sequence),
    field TEXT NOT NULL,
    space_id INTEGER NOT NULL REFERENCES spaces (id),
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX vectors_by_entry ON vectors (sequence, field);
CREATE INDEX vectors_by_field ON vectors (field, sequence);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""


def connect(path: Path, *, read_only: bool, fsync: bool, busy_timeout_s: float) -> sqlite3.Connection:
    """An open connection in autocommit mode, with the schema in place.

    Raises:
        StoreError: The file cannot be opened, is damaged, belongs to another program or a newer version.
    """
    if sqlite3.sqlite_version_info < MIN_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; use a Python built with 3.38 or newer")
    _prepare_folder(path, read_only=read_only)
    with store_errors(path):
        uri = f"{path.as_uri()}?mode={'ro' if read_only else 'rwc'}"
        db = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, timeout=busy_timeout_s
        )
        try:
            if not _is_ours(db, path, read_only=read_only):
                _create(db, busy_timeout_s)
            if not read_only:
                db.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
        except BaseException:
            db.close()
            raise
        return db


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Errors of SQLite inside become a `StoreError` that names the file and the way out."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorname", "") or ""
        advice = next((text for prefix, text in _ADVICE.items() if code.startswith(prefix)), "")
        raise StoreError(f"{path}: {error}{'; ' if advice else ''}{advice}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:  # SQLite does not check what is in a page
        raise StoreError(f"{path}: {error}; {_ADVICE['SQLITE_CORRUPT']}") from error


_ADVICE = {
    "SQLITE_NOTADB": "this is no memory store; give another path or move the file away",
    "SQLITE_CORRUPT": "the file is damaged; restore a copy, or save what can be read (sqlite3 FILE .recover)",
    "SQLITE_BUSY": "another process has held the store for too long; let it finish or raise busy_timeout_s",
    # A reader shares memory with writers through a file in the folder. SQLite could be told that nobody
    # writes (`immutable`), but no reader can know that, and it would read garbage where it is wrong.
    "SQLITE_READONLY_DIRECTORY": "the folder cannot be written, which even reading needs; change its "
    "permissions or copy the store to a folder of your own",
    "SQLITE_READONLY": "the file cannot be written; open it with read_only=True or change its permissions",
    "SQLITE_CANTOPEN": "check that the folder exists and that you may read and write it, which even reading "
    "needs; on a read-only disk, copy the store to a folder of your own",
    "SQLITE_FULL": "the disk is full; free some space and write again, nothing of this write was kept",
    "SQLITE_IOERR": "the disk refused; look at quotas and limits; a store needs a local disk and not a "
    "network folder",
}


def _prepare_folder(path: Path, *, read_only: bool) -> None:
    if read_only:
        if not path.is_file():
            raise StoreError(
                f"{path} does not exist, so there is nothing to read; open it without read_only first"
            )
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the folder {path.parent}: {error.strerror}; give another path"
        ) from error


def _is_ours(db: sqlite3.Connection, path: Path, *, read_only: bool) -> bool:
    """Whether the schema is there; a new file has none yet.

    Raises:
        StoreError: The file belongs to another program or to a newer version of this one.
    """
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if application == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{path} has schema {version}, written by a newer version; this one reads {SCHEMA_VERSION}. "
                "Upgrade embodied-mem to open it."
            )
        return True
    is_empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if read_only or not is_empty or application:
        raise StoreError(f"{path} is a database but no memory store; give another path or move the file away")
    return False


def _create(db: sqlite3.Connection, busy_timeout_s: float) -> None:
    _use_wal(db, busy_timeout_s)
    db.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have made it between our look and our lock.
        if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            for statement in _SCHEMA.split(";\n"):
                if statement.strip():
                    db.execute(statement)
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _use_wal(db: sqlite3.Connection, busy_timeout_s: float) -> None:
    """Write-ahead logging; the switch is refused at once while another process makes it, so try again."""
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
