"""What a store's administration asks of the tables: deleting, copying, checking, replacing vectors."""

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from embodied_mem.backends.schema import MAX_VECTORS, SCHEMA_VERSION, VECTORS_BITS
from embodied_mem.backends.sqlite_read import damaged, read_vectors
from embodied_mem.backends.sqlite_rows import digest_of, read_spaces, write_space
from embodied_mem.errors import StoreError
from embodied_mem.json_values import JsonObject
from embodied_mem.spaces import FieldVector, Space, Vector

PAGE = 256  # entries looked at together

_BUMP = "UPDATE meta SET value = value + 1 WHERE name = 'generation'"


def generation(db: sqlite3.Connection) -> int:
    """A number that goes up whenever something already written changes, so that caches are read anew."""
    return int(db.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()[0])


def delete(db: sqlite3.Connection, sequences: Sequence[int]) -> None:
    """Remove entries and their vectors; their sequence numbers are never given again.

    Args:
        db: A connection inside an immediate transaction.
        sequences: Which; those that are not there are ignored.
    """
    wanted = json.dumps(sorted(sequences))
    newest = db.execute("SELECT coalesce(max(sequence), 0) FROM entries").fetchone()[0]
    db.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'last_deleted'", (newest,))
    for sequence in sorted(sequences):
        low = sequence << VECTORS_BITS
        db.execute("DELETE FROM vectors WHERE key BETWEEN ? AND ?", (low, low + MAX_VECTORS - 1))
    for table in ("contents", "entries"):
        db.execute(f"DELETE FROM {table} WHERE sequence IN (SELECT value FROM json_each(?))", (wanted,))
    db.execute(_BUMP)


def all_damaged(db: sqlite3.Connection) -> list[int]:
    """Sequence numbers of entries whose content does not give the hash kept with it."""
    last = db.execute("SELECT coalesce(max(sequence), 0) FROM entries").fetchone()[0]
    found: list[int] = []
    for first in range(1, last + 1, PAGE):
        found += damaged(db, first, first + PAGE - 1)
    return found


def sequence_at(db: sqlite3.Connection, time_s: float) -> int:
    """The newest sequence number recorded at or before a time; times in the log never go down."""
    low, high = 0, db.execute("SELECT coalesce(max(sequence), 0) FROM entries").fetchone()[0]
    while low < high:  # entries up to low are early enough, those after high are not
        middle = (low + high + 1) // 2
        at = db.execute(
            "SELECT recorded_at_s FROM entries WHERE sequence <= ? ORDER BY sequence DESC LIMIT 1", (middle,)
        ).fetchone()
        if at is None or at[0] <= time_s:
            low = middle
        else:
            high = middle - 1
    return _at_most(db, low)


def replace_vectors(
    db: sqlite3.Connection, field: str, space: Space, rows: Iterable[tuple[int, Vector]]
) -> None:
    """Give a field another space and other vectors, all at once; hashes of its entries follow.

    Args:
        db: A connection inside an immediate transaction.
        field: Which field; entries that have no vector of it get one at the end of theirs.
        space: The new space.
        rows: Sequence number and (d,) vector of each entry; an entry that is left out loses its vector.

    Raises:
        InvalidRecord: A vector does not fit the space.
        StoreError: There is no such entry.
    """
    held = read_spaces(db).get(field)
    new_id = write_space(db, f"{field}\n", space)
    touched = set()
    for sequence, values in rows:
        vector = FieldVector(field=field, space=space, values=values)
        _put(db, sequence, held[0] if held else new_id, new_id, vector)
        touched.add(sequence)
    if held is not None:
        left = db.execute(f"SELECT key >> {VECTORS_BITS} FROM vectors WHERE space_id = ?", (held[0],))
        touched |= {sequence for (sequence,) in left}
        db.execute("DELETE FROM vectors WHERE space_id = ?", (held[0],))
        db.execute("DELETE FROM spaces WHERE id = ?", (held[0],))
    db.execute("UPDATE spaces SET field = ? WHERE id = ?", (field, new_id))
    _hash_anew(db, sorted(touched))
    db.execute(_BUMP)


def copy_to(db: sqlite3.Connection, path: Path) -> None:
    """Copy the log as it is now into a new file, complete and on disk before it has its name.

    Through SQLite and not as a file: closing another handle of the file would drop SQLite's locks on it
    (https://sqlite.org/howtocorrupt.html, section 2.2).

    Raises:
        StoreError: The path is taken.
    """
    if path.exists():
        raise StoreError(f"{path} is there already; give the path of a new file")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        target = sqlite3.connect(temporary)
        try:
            target.execute("PRAGMA synchronous = OFF")  # it is synchronised once, below
            db.backup(target)
        finally:
            target.close()
        _sync(temporary)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def settings(db: sqlite3.Connection) -> JsonObject:
    """How the file is used, for a doctor: versions and the settings that durability rests on."""
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


def _put(db: sqlite3.Connection, sequence: int, held_id: int, new_id: int, vector: FieldVector) -> None:
    """Put a vector in the place of the entry's old one, or after its last."""
    low = sequence << VECTORS_BITS
    own = db.execute(
        "SELECT key, space_id FROM vectors WHERE key BETWEEN ? AND ? ORDER BY key",
        (low, low + MAX_VECTORS - 1),
    ).fetchall()
    key = next((key for key, space_id in own if space_id == held_id), own[-1][0] + 1 if own else low)
    if not db.execute("SELECT 1 FROM entries WHERE sequence = ?", (sequence,)).fetchone():
        raise StoreError(f"there is no entry {sequence} that could get a vector")
    data = vector.values.astype("<f4").tobytes()
    db.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", (key, new_id, data))


def _hash_anew(db: sqlite3.Connection, sequences: Sequence[int]) -> None:
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


def _sync(path: Path) -> None:
    for name in (path, path.parent):
        if name.is_dir() and os.name == "nt":
            continue
        file = os.open(name, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
