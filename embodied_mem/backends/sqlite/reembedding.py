"""Replacing all vectors of a field by staged ones from another file, in one transaction."""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

from embodied_mem.backends.sqlite.admin import count_generation, generation, hash_anew
from embodied_mem.backends.sqlite.file import connect, store_errors
from embodied_mem.backends.sqlite.rows import read_spaces, write_space
from embodied_mem.backends.sqlite.schema import MAX_VECTORS, VECTORS_BITS
from embodied_mem.records.spaces import Space

StagedRow: TypeAlias = tuple[int, bytes | None, bytes]  # sequence number, vector or None, hash of the entry

STAGED_COLUMNS = "sequence INTEGER PRIMARY KEY, data BLOB, digest BLOB NOT NULL"


def exchange_vectors(
    path: Path,
    staged: Path,
    field: str,
    space: Space,
    *,
    staged_at: int,
    late: Callable[[], Iterable[StagedRow]],
) -> None:
    """Give a field a new space and the staged vectors, in one transaction that blocks other writers.

    The staged hashes keep it short. If the log was rewritten after staging, for example by a purge, all
    hashes are recomputed.

    Args:
        path: The file of the log.
        staged: A database with a table `vectors` of `STAGED_COLUMNS`; other entries lose their vector.
        field: The field.
        space: The new space.
        staged_at: The value of `SqliteBackend.generation` before the first vector was staged.
        late: Returns rows for entries recorded after staging; called while other writers are blocked.

    Raises:
        StoreError: Another process writes for longer than 30 s, or reading or writing the disk failed.
    """
    db = connect(path, read_only=False, fsync=True, busy_timeout_s=30.0, now_s=0.0)
    try:
        with store_errors(path):
            db.execute("ATTACH ? AS staged", (f"{staged.as_uri()}?mode=ro",))
            db.execute(f"CREATE TEMP TABLE late ({STAGED_COLUMNS})")
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO late VALUES (?, ?, ?)", late())
            _exchange(db, field, space, staged_at)
            db.execute("COMMIT")
    finally:
        db.close()  # rolls back an uncommitted transaction


def _exchange(db: sqlite3.Connection, field: str, space: Space, staged_at: int) -> None:
    held = read_spaces(db).get(field)
    new_id = write_space(db, f"{field}\n", space)  # no field has this name; renamed below
    held_id = held[0] if held is not None else new_id
    for table in ("staged.vectors", "late"):
        _put(db, table, held_id, new_id)
    left = [] if held is None else _not_staged(db, held_id)
    if held is not None:
        db.execute("DELETE FROM vectors WHERE space_id = ?", (held_id,))
        db.execute("DELETE FROM spaces WHERE id = ?", (held_id,))
    db.execute("UPDATE spaces SET field = ? WHERE id = ?", (field, new_id))
    if generation(db) != staged_at:
        left = [sequence for (sequence,) in db.execute("SELECT sequence FROM entries ORDER BY sequence")]
    hash_anew(db, left)
    count_generation(db)


def _put(db: sqlite3.Connection, table: str, held_id: int, new_id: int) -> None:
    """Replace each entry's old vector, or add the new one after the entry's last vector."""
    ready = f"SELECT sequence FROM {table} WHERE data IS NOT NULL"
    db.execute(
        f"""UPDATE vectors SET space_id = ?,
            data = (SELECT t.data FROM {table} AS t WHERE t.sequence = key >> {VECTORS_BITS})
        WHERE space_id = ? AND key >> {VECTORS_BITS} IN ({ready})""",
        (new_id, held_id),
    )
    own = f"BETWEEN t.sequence << {VECTORS_BITS} AND (t.sequence << {VECTORS_BITS}) + {MAX_VECTORS - 1}"
    last = f"SELECT max(key) FROM vectors WHERE key {own}"
    db.execute(
        f"""INSERT INTO vectors
        SELECT coalesce(({last}) + 1, t.sequence << {VECTORS_BITS}), ?, t.data
        FROM {table} AS t JOIN entries USING (sequence)
        WHERE t.data IS NOT NULL AND NOT EXISTS (SELECT 1 FROM vectors WHERE key {own} AND space_id = ?)""",
        (new_id, new_id),
    )
    digest = f"SELECT t.digest FROM {table} AS t WHERE t.sequence = entries.sequence"
    db.execute(f"UPDATE entries SET digest = ({digest}) WHERE sequence IN (SELECT sequence FROM {table})")


def _not_staged(db: sqlite3.Connection, space_id: int) -> list[int]:
    """Return entries that lose their vector because it was not staged, for example of other kinds."""
    staged = "SELECT sequence FROM staged.vectors UNION ALL SELECT sequence FROM late"
    rows = db.execute(
        f"""SELECT sequence FROM (SELECT key >> {VECTORS_BITS} AS sequence FROM vectors WHERE space_id = ?)
        WHERE sequence NOT IN ({staged})""",
        (space_id,),
    )
    return [sequence for (sequence,) in rows]
