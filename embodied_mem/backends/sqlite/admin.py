"""Administration of the log's tables: delete, copy, rehash, look up times, report settings."""

import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from embodied_mem.backends.sqlite.disk import sync_file, sync_folder
from embodied_mem.backends.sqlite.read import read_vectors
from embodied_mem.backends.sqlite.rows import digest_of, read_spaces
from embodied_mem.backends.sqlite.schema import MAX_VECTORS, SCHEMA_VERSION, VECTORS_BITS
from embodied_mem.errors import StoreError
from embodied_mem.records.json_values import JsonObject

PAGE = 256  # entries hashed together


def generation(db: sqlite3.Connection) -> int:
    """Return the generation, which increases whenever stored entries change, so that caches are reread."""
    return int(db.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()[0])


def count_generation(db: sqlite3.Connection) -> None:
    """Increment the generation, inside the transaction that makes the change."""
    db.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")


def delete(db: sqlite3.Connection, sequences: Sequence[int]) -> None:
    """Delete entries and their vectors; their sequence numbers are never reused.

    Args:
        db: A connection inside an immediate transaction.
        sequences: The sequence numbers to delete; unknown ones are ignored.
    """
    wanted = json.dumps(sorted(sequences))
    newest = db.execute("SELECT coalesce(max(sequence), 0) FROM entries").fetchone()[0]
    db.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'last_deleted'", (newest,))
    for sequence in sorted(sequences):
        low = sequence << VECTORS_BITS
        db.execute("DELETE FROM vectors WHERE key BETWEEN ? AND ?", (low, low + MAX_VECTORS - 1))
    for table in ("contents", "entries"):
        db.execute(f"DELETE FROM {table} WHERE sequence IN (SELECT value FROM json_each(?))", (wanted,))
    count_generation(db)


def sequence_at(db: sqlite3.Connection, time_s: float) -> int:
    """Return the newest sequence number recorded at or before a time; times in the log never decrease."""
    low, high = 0, db.execute("SELECT coalesce(max(sequence), 0) FROM entries").fetchone()[0]
    while low < high:  # entries up to `low` are early enough, entries after `high` too late
        middle = (low + high + 1) // 2
        at = db.execute(
            "SELECT recorded_at_s FROM entries WHERE sequence <= ? ORDER BY sequence DESC LIMIT 1", (middle,)
        ).fetchone()
        if at is None or at[0] <= time_s:
            low = middle
        else:
            high = middle - 1
    return _at_most(db, low)


def hash_anew(db: sqlite3.Connection, sequences: Sequence[int]) -> None:
    """Recompute the hash of entries whose vectors were replaced, inside a transaction."""
    spaces = read_spaces(db)
    for start in range(0, len(sequences), PAGE):
        page = sequences[start : start + PAGE]
        vectors = read_vectors(db, page, spaces)
        rows = db.execute(
            "SELECT sequence, entry_kind, payload, texts FROM entries JOIN contents USING (sequence) "
            "WHERE sequence IN (SELECT value FROM json_each(?))",
            (json.dumps(page),),
        ).fetchall()
        digests = [
            (digest_of(kind, payload, texts, vectors.get(sequence, ())), sequence)
            for sequence, kind, payload, texts in rows
        ]
        db.executemany("UPDATE entries SET digest = ? WHERE sequence = ?", digests)


def copy_to(db: sqlite3.Connection, path: Path) -> None:
    """Copy the log into a new file, which gets its name once it is complete and synced to disk.

    The copy uses SQLite's backup: closing a second handle of the file would drop SQLite's locks on it
    (https://sqlite.org/howtocorrupt.html, section 2.2).

    Raises:
        StoreError: The path exists.
    """
    if path.exists():
        raise StoreError(f"{path} is there already; give the path of a new file")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        target = sqlite3.connect(temporary)
        try:
            target.execute("PRAGMA synchronous = OFF")  # synced once, below
            db.backup(target)
        finally:
            target.close()
        sync_file(temporary)
        temporary.rename(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def settings(db: sqlite3.Connection) -> JsonObject:
    """Return SQLite's version, the schema versions and the settings that durability depends on."""
    names = ("journal_mode", "synchronous", "wal_autocheckpoint", "mmap_size", "page_size", "user_version")
    values = {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in names}
    return {
        "sqlite": sqlite3.sqlite_version,
        "is_wal_reset_mended": sqlite3.sqlite_version_info >= (3, 51, 3),
        "newest_schema": SCHEMA_VERSION,
        "schema": values.pop("user_version"),
        **values,
        "generation": generation(db),
    }


def _at_most(db: sqlite3.Connection, sequence: int) -> int:
    found = db.execute("SELECT max(sequence) FROM entries WHERE sequence <= ?", (sequence,)).fetchone()[0]
    return int(found or 0)
