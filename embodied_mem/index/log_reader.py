"""What the index reads from the tables of the log; the one place of this folder that knows them."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.backends.disk import sync_log
from embodied_mem.backends.filter_columns import NUMBER_COLUMNS, TEXT_COLUMNS, json_path
from embodied_mem.backends.schema import VECTORS_BITS
from embodied_mem.backends.sqlite_read import texts_after, vectors_after
from embodied_mem.log import Head

Cells: TypeAlias = tuple[Sequence[str | float | None], Sequence[str | None]]  # plain values and JSON texts

AT_ONCE = 4096  # rows read in one go

_HEAD = "SELECT (SELECT max(sequence) FROM entries), (SELECT value FROM meta WHERE name = 'generation')"


def head(db: sqlite3.Connection) -> Head:
    """Where the log stands in this transaction."""
    last_sequence, generation = db.execute(_HEAD).fetchone()
    return Head(last_sequence or 0, generation)


def kinds_after(db: sqlite3.Connection, sequence: int) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Kinds with sequence numbers after this one, ascending; a kind may come several times, oldest first."""
    cursor = db.execute(
        "SELECT sequence, entry_kind FROM entries WHERE sequence > ? ORDER BY sequence", (sequence,)
    )
    while rows := cursor.fetchmany(16 * AT_ONCE):
        found: dict[str, list[int]] = {}
        for number, kind in rows:
            found.setdefault(kind, []).append(number)
        yield from ((kind, np.array(numbers, np.int64)) for kind, numbers in found.items())


def values_of(
    db: sqlite3.Connection, kind: str, paths: Sequence[str], first: int, last: int
) -> Iterator[tuple[Sequence[int], list[Cells]]]:
    """Sequence numbers of the entries of a kind between two, both included, with their cells; in batches.

    For each path, the plain value of a cell is what the filter column has, if there is one and the value is
    of its type; its JSON text is the value in the payload where the first is null, and null where the path
    is absent.
    """
    selected: list[str] = []
    parameters: list[str | int] = []
    for path in paths:
        column = TEXT_COLUMNS.get(path) or NUMBER_COLUMNS.get(path)
        held = "(SELECT payload -> ? FROM contents WHERE contents.sequence = entries.sequence)"
        selected += [column, f"CASE WHEN {column} IS NULL THEN {held} END"] if column else ["NULL", held]
        parameters.append(json_path(path))
    cursor = db.execute(
        f"SELECT sequence, {', '.join(selected)} FROM entries "
        "WHERE entry_kind = ? AND sequence >= ? AND sequence <= ? ORDER BY sequence",
        (*parameters, kind, first, last),
    )
    while rows := cursor.fetchmany(AT_ONCE):
        numbers, *cells = zip(*rows, strict=True)
        yield numbers, list(zip(cells[::2], cells[1::2], strict=True))


def texts_of(
    db: sqlite3.Connection, kind: str, after: int, last: int
) -> Iterator[tuple[list[int], list[dict[str, str]]]]:
    """Sequence numbers and texts by field of entries of a kind after one and up to another; in batches."""
    rows = takewhile(lambda row: row[0] <= last, texts_after(db, after))
    wanted = ((sequence, texts) for sequence, of_kind, texts in rows if of_kind == kind)
    while batch := list(islice(wanted, AT_ONCE)):
        yield [sequence for sequence, _ in batch], _parsed([texts for _, texts in batch])


def _parsed(documents: Sequence[str]) -> list[dict[str, str]]:
    """JSON documents as objects: all as one, which takes half as long as one by one."""
    parsed: list[dict[str, str]] = json.loads(f"[{','.join(documents)}]")
    return parsed if len(parsed) == len(documents) else list(map(json.loads, documents))


def vector_batches(
    db: sqlite3.Connection, field: str, dimension: int, after: int, last: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Sequence numbers (m,) and vectors (m, d) of a field after one entry and up to another, oldest first."""
    at_once = max(1, min(AT_ONCE, 2**22 // dimension))
    rows = iter(vectors_after(db, field, after, last=last))
    while batch := list(islice(rows, at_once)):
        data = b"".join(data for _, data in batch)
        sequences = np.fromiter((sequence for sequence, _ in batch), np.int64, len(batch))
        yield sequences, np.frombuffer(data, "<f4").reshape(len(batch), dimension)


def vectors_at(
    db: sqlite3.Connection, field: str, dimension: int, sequences: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """(m, d) the vectors of a field of those of these entries that have one, in this order."""
    rows = db.execute(
        f"""SELECT data FROM json_each(?) AS wanted CROSS JOIN vectors
        WHERE vectors.key BETWEEN wanted.value << {VECTORS_BITS}
            AND ((wanted.value + 1) << {VECTORS_BITS}) - 1
            AND space_id = (SELECT id FROM spaces WHERE field = ?)""",
        (json.dumps(sequences.tolist()), field),
    ).fetchall()
    return np.frombuffer(b"".join(data for (data,) in rows), "<f4").reshape(len(rows), dimension)


def digest_at(db: sqlite3.Connection, sequence: int) -> str:
    """The hash of an entry as hexadecimal digits; empty where none is."""
    row = db.execute("SELECT digest FROM entries WHERE sequence = ?", (sequence,)).fetchone()
    return row[0].hex() if row else ""


def sync(db: sqlite3.Connection) -> None:
    """Wait until what was committed is on the disk, so that nothing derived from it outlives it."""
    sync_log(Path(db.execute("PRAGMA database_list").fetchone()[2]))
