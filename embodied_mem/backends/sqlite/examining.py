"""Queries and repairs of the log's tables for a store check."""

import json
import sqlite3
from collections.abc import Sequence

from embodied_mem.backends.sqlite.admin import count_generation
from embodied_mem.backends.sqlite.filter_columns import column_values
from embodied_mem.backends.sqlite.read import damaged
from embodied_mem.backends.sqlite.schema import FILTER_COLUMNS, VECTORS_BITS
from embodied_mem.errors import EmbodiedMemError

PAGE = 256  # entries per query
MAX_LINES = 20  # of SQLite's integrity report

_COLUMNS = ("subject", *FILTER_COLUMNS)
_ORPHANS = {
    "contents": "sequence NOT IN (SELECT sequence FROM entries)",
    "vectors": f"key >> {VECTORS_BITS} NOT IN (SELECT sequence FROM entries)",
}


def faults_of_file(db: sqlite3.Connection) -> list[str]:
    """Return the faults that SQLite's integrity check finds; empty if none."""
    try:
        lines = [str(line) for (line,) in db.execute(f"PRAGMA integrity_check({MAX_LINES})")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if lines == ["ok"] else lines


def faults_of_vectors(db: sqlite3.Connection) -> list[int]:
    """Return sequence numbers of entries with a vector of unknown space or of the wrong length."""
    rows = db.execute(
        f"""SELECT DISTINCT key >> {VECTORS_BITS} FROM vectors LEFT JOIN spaces ON spaces.id = space_id
        WHERE spaces.id IS NULL OR length(data) <> 4 * dimension ORDER BY 1"""
    )
    return [sequence for (sequence,) in rows]


def damaged_entries(db: sqlite3.Connection) -> list[int]:
    """Return sequence numbers of entries whose content is missing or does not match the stored hash."""
    found: list[int] = []
    for first in _pages(db):
        found += damaged(db, first, first + PAGE - 1)
    return found


def wrong_columns(db: sqlite3.Connection) -> list[int]:
    """Return sequence numbers of entries whose filter columns differ from their payload."""
    query = f"""SELECT sequence, CAST(payload AS BLOB), {", ".join(_COLUMNS)}
        FROM entries JOIN contents USING (sequence) WHERE sequence BETWEEN ? AND ? ORDER BY sequence"""
    found: list[int] = []
    for first in _pages(db):
        for sequence, payload, *held in db.execute(query, (first, first + PAGE - 1)).fetchall():
            expected = _expected(payload)
            if expected is not None and held != expected:
                found.append(sequence)
    return found


def write_columns(db: sqlite3.Connection, sequences: Sequence[int]) -> None:
    """Rewrite the filter columns of these entries from their payload, inside a transaction."""
    assignments = ", ".join(f"{name} = ?" for name in _COLUMNS)
    for sequence in sequences:
        query = "SELECT CAST(payload AS BLOB) FROM contents WHERE sequence = ?"
        payload = db.execute(query, (sequence,)).fetchone()
        expected = None if payload is None else _expected(payload[0])
        if expected is not None:
            db.execute(f"UPDATE entries SET {assignments} WHERE sequence = ?", (*expected, sequence))
    count_generation(db)


def count_orphans(db: sqlite3.Connection) -> int:
    """Return the number of contents and vectors that belong to no entry."""
    counts = [
        db.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()[0]
        for table, condition in _ORPHANS.items()
    ]
    return int(sum(counts))


def delete_orphans(db: sqlite3.Connection) -> None:
    """Delete the contents and vectors that belong to no entry, inside a transaction."""
    for table, condition in _ORPHANS.items():
        db.execute(f"DELETE FROM {table} WHERE {condition}")


def raw_entries(db: sqlite3.Connection, sequences: Sequence[int]) -> list[dict[str, object]]:
    """Return the readable parts of entries, damaged or not, as JSON; invalid bytes become U+FFFD."""
    rows = db.execute(
        f"""SELECT sequence, id, entry_kind, hex(digest), CAST(payload AS BLOB), CAST(texts AS BLOB),
            (SELECT group_concat(hex(data), ' ') FROM vectors WHERE key >> {VECTORS_BITS} = sequence)
        FROM entries LEFT JOIN contents USING (sequence)
        WHERE sequence IN (SELECT value FROM json_each(?)) ORDER BY sequence""",
        (json.dumps(list(sequences)),),
    ).fetchall()
    names = ("sequence", "id", "kind", "digest", "payload", "texts", "vectors")
    return [dict(zip(names, map(_plain, row), strict=True)) for row in rows]


def _plain(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _expected(payload: bytes) -> list[object] | None:
    """Return the expected column values; None if the payload is unreadable, which the hash check reports."""
    try:
        document = json.loads(payload)
        about = document.get("experience_id")
        subject = about if isinstance(about, str) else None
        return [subject, *column_values(document).values()]
    except (ValueError, AttributeError, TypeError, EmbodiedMemError):
        return None


def _pages(db: sqlite3.Connection) -> range:
    last = db.execute("SELECT coalesce(max(sequence), 0) FROM entries").fetchone()[0]
    return range(1, last + 1, PAGE)
