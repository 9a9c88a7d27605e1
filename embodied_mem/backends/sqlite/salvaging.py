"""Copying the readable entries of a damaged database into a new one.

A truncated file still has its first pages. With `PRAGMA writable_schema` SQLite opens it, and finds a row by
key if the pages on the path to it are left. So every key is queried, and keys that give an error are skipped.
An experience whose row in `entries` is unreachable is rebuilt from its payload; only its recording time is
lost.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from embodied_mem.backends.sqlite.admin import count_generation
from embodied_mem.backends.sqlite.file import connect
from embodied_mem.backends.sqlite.filter_columns import column_values
from embodied_mem.backends.sqlite.rows import Spaces, digest_of, read_spaces
from embodied_mem.backends.sqlite.schema import FILTER_COLUMNS, MAX_VECTORS, VECTORS_BITS
from embodied_mem.errors import StoreError
from embodied_mem.records.codec import experience_from_document
from embodied_mem.records.json_values import canonical
from embodied_mem.records.log import EntryKind
from embodied_mem.records.spaces import FieldVector

ENTRY_BYTES = 200  # at least, with its content; bounds the number of entries by the file's size
BATCH = 1_000

_ENTRY = ("sequence", "id", "entry_kind", "digest", "recorded_at_s", "subject", *FILTER_COLUMNS)


@dataclass(slots=True)
class Salvaged:
    """The result of a salvage.

    Attributes:
        n_whole: Number of entries that lost nothing: they match their stored hash, or lost only the hash, in
            a file without vectors.
        without_vectors: Ids of entries that agree with their columns, or were rebuilt from their payload,
            but lost the vectors that they may have had.
        broken: The readable parts of the other entries, as JSON.
    """

    n_whole: int = 0
    without_vectors: list[str] = field(default_factory=list)
    broken: list[dict[str, object]] = field(default_factory=list)


def salvage(source: Path, target: Path) -> Salvaged:
    """Copy every readable entry, with its sequence number, into a new file.

    Args:
        source: The damaged file; unchanged.
        target: The file to create.

    Raises:
        StoreError: Not even the schema can be read.
    """
    damaged = sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, isolation_level=None)
    fresh = connect(target, read_only=False, fsync=False, busy_timeout_s=5.0, now_s=0.0)
    try:
        damaged.execute("PRAGMA writable_schema = ON")
        fresh.execute("PRAGMA wal_autocheckpoint = 1000")  # automatic checkpoints bound the log
        spaces = _copy_spaces(damaged, fresh)
        has_vectors = spaces is None or bool(spaces)
        found = Salvaged()
        last_deleted = 0
        for first in range(1, _bound(damaged, source) + 1, BATCH):
            fresh.execute("BEGIN IMMEDIATE")
            for sequence in range(first, first + BATCH):
                if _copy_entry(damaged, fresh, sequence, spaces or Spaces(), found):
                    last_deleted = sequence
            fresh.execute("COMMIT")
        fresh.execute("UPDATE meta SET value = ? WHERE name = 'last_deleted'", (last_deleted,))
        count_generation(fresh)
        if not has_vectors:
            found.n_whole += len(found.without_vectors)
            found.without_vectors.clear()
        fresh.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise StoreError(f"{source}: {error}; nothing in it can be read, restore a copy") from error
    finally:
        fresh.close()
        damaged.close()
    return found


def _copy_spaces(damaged: sqlite3.Connection, fresh: sqlite3.Connection) -> Spaces | None:
    """Copy the spaces; None if they cannot be read. A file that never held a vector has none."""
    damaged.execute("SELECT name FROM sqlite_master").fetchall()  # if this fails, nothing can be read
    try:
        rows = damaged.execute("SELECT * FROM spaces").fetchall()
        for row in rows:
            fresh.execute(f"INSERT INTO spaces VALUES ({', '.join('?' * len(row))})", row)
    except sqlite3.Error:
        return None
    return read_spaces(fresh)


def _bound(damaged: sqlite3.Connection, source: Path) -> int:
    """Return an upper bound of the sequence numbers."""
    newest = next(_rows(damaged, "SELECT max(sequence) FROM entries", ()), None)
    if newest is not None:
        return int(newest[0] or 0)
    with source.open("rb") as file:
        head = file.read(100)
    page_bytes = int.from_bytes(head[16:18], "big") or 4096
    n_pages = max(int.from_bytes(head[28:32], "big"), source.stat().st_size // page_bytes)
    deleted = next(_rows(damaged, "SELECT value FROM meta WHERE name = 'last_deleted'", ()), (0,))
    return n_pages * page_bytes // ENTRY_BYTES + int(deleted[0])


def _copy_entry(
    damaged: sqlite3.Connection, fresh: sqlite3.Connection, sequence: int, spaces: Spaces, found: Salvaged
) -> bool:
    """Copy an entry if enough of it is readable; return whether any part of it exists."""
    content = next(
        _rows(damaged, "SELECT payload, texts FROM contents WHERE sequence = ?", (sequence,)), None
    )
    entry = _entry(damaged, fresh, sequence, content)
    if entry is None:
        return False
    low = sequence << VECTORS_BITS
    vectors = list(
        _rows(damaged, "SELECT * FROM vectors WHERE key BETWEEN ? AND ?", (low, low + MAX_VECTORS - 1))
    )
    state = _state(entry, content, vectors, spaces)
    if state is None or content is None or not _insert(fresh, entry, content, vectors, state):
        found.broken.append(_left(entry, content))
    elif state == "whole":
        found.n_whole += 1
    else:
        found.without_vectors.append(str(entry[1]))
    return True


def _entry(
    damaged: sqlite3.Connection, fresh: sqlite3.Connection, sequence: int, content: Sequence[Any] | None
) -> Sequence[Any] | None:
    """Return the row of an entry, rebuilt from its content if unreachable; None if both are missing."""
    query = f"SELECT {', '.join(_ENTRY)} FROM entries WHERE sequence = ?"
    try:
        found: Sequence[Any] | None = damaged.execute(query, (sequence,)).fetchone()
    except (sqlite3.Error, UnicodeDecodeError):
        return None if content is None else _from_content(fresh, sequence, content)
    return found


def _from_content(fresh: sqlite3.Connection, sequence: int, content: Sequence[Any]) -> Sequence[Any]:
    """Rebuild the row of an experience from its payload; no id for another kind or a damaged payload."""
    try:
        payload = json.loads(content[0])
        identity = experience_from_document(payload).id
        columns = column_values(payload).values()
    except (ValueError, TypeError, AttributeError, LookupError):
        return (sequence, None, None)
    before = fresh.execute("SELECT recorded_at_s FROM entries ORDER BY sequence DESC LIMIT 1").fetchone()
    recorded_at_s = 0.0 if before is None else before[0]  # times in the log never decrease
    return (sequence, identity, EntryKind.EXPERIENCE.value, b"", recorded_at_s, None, *columns)


def _insert(
    fresh: sqlite3.Connection,
    entry: Sequence[Any],
    content: Sequence[Any],
    vectors: Sequence[Sequence[Any]],
    state: str,
) -> bool:
    """Insert an entry; False if its id is taken, as damaged pages can repeat an id."""
    if state != "whole":
        vectors = []
        entry = (*entry[:3], digest_of(str(entry[2]), content[0], content[1], ()), *entry[4:])
    try:
        fresh.execute(
            f"INSERT INTO entries ({', '.join(_ENTRY)}) VALUES ({', '.join('?' * len(_ENTRY))})", entry
        )
    except sqlite3.IntegrityError:
        return False
    fresh.execute("INSERT INTO contents VALUES (?, ?, ?)", (entry[0], *content))
    fresh.executemany("INSERT INTO vectors VALUES (?, ?, ?)", vectors)
    return True


def _state(
    entry: Sequence[Any], content: Sequence[Any] | None, vectors: Sequence[Sequence[Any]], spaces: Spaces
) -> str | None:
    """Return `whole`, `without vectors`, or None for an entry that cannot be trusted."""
    if content is None or not all(isinstance(text, str) for text in (*entry[1:3], *content)):
        return None
    try:
        if digest_of(entry[2], content[0], content[1], [_vector(row, spaces) for row in vectors]) == entry[3]:
            return "whole"
    except (ValueError, LookupError, TypeError):
        pass
    return "without vectors" if _agrees(entry, content) else None


def _vector(row: Sequence[Any], spaces: Spaces) -> FieldVector:
    by_id = {space_id: (name, space) for name, (space_id, space) in spaces.items()}
    name, space = by_id[row[1]]
    return FieldVector(field=name, space=space, values=np.frombuffer(row[2], "<f4"))


def _agrees(entry: Sequence[Any], content: Sequence[Any]) -> bool:
    """Whether the payload is valid JSON and agrees with the columns, which are stored in other pages."""
    try:
        payload, texts = map(json.loads, content)
        is_whole = (canonical(payload), canonical(texts)) == tuple(content)
        is_same_id = payload.get("id", entry[1]) == entry[1]
        return bool(is_whole and is_same_id and list(column_values(payload).values()) == list(entry[6:]))
    except (ValueError, AttributeError, TypeError):
        return False


def _left(entry: Sequence[Any], content: Sequence[Any] | None) -> dict[str, object]:
    payload, texts = content if content is not None else (None, None)
    return {
        "sequence": entry[0],
        "id": entry[1],
        "kind": entry[2],
        "payload": payload if isinstance(payload, str) else None,
        "texts": texts if isinstance(texts, str) else None,
    }


def _rows(db: sqlite3.Connection, query: str, parameters: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """Iterate over the rows of a query up to the first unreadable one."""
    try:
        yield from db.execute(query, parameters)
    except (sqlite3.Error, UnicodeDecodeError):
        return
