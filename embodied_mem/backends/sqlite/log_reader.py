"""`SqliteLogReader`: what an index reads of the log, from its tables."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, takewhile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embodied_mem.backends.sqlite.disk import sync_log
from embodied_mem.backends.sqlite.filter_columns import NUMBER_COLUMNS, TEXT_COLUMNS, json_path
from embodied_mem.backends.sqlite.read import texts_after, vectors_after
from embodied_mem.backends.sqlite.rows import read_spaces
from embodied_mem.backends.sqlite.schema import VECTORS_BITS
from embodied_mem.index.log_reader import Cells
from embodied_mem.records.log import Head
from embodied_mem.records.spaces import Space

AT_ONCE = 4096  # rows read in one go

_HEAD = "SELECT (SELECT max(sequence) FROM entries), (SELECT value FROM meta WHERE name = 'generation')"


class SqliteLogReader:
    """Reads for an index over one connection; what several calls read belongs together inside a transaction.

    Args:
        db: A connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._head: Head | None = None

    def head(self) -> Head:
        """Where the log stands in this transaction; read once."""
        if self._head is None:
            last_sequence, generation = self._db.execute(_HEAD).fetchone()
            self._head = Head(last_sequence or 0, generation)
        return self._head

    def kinds_after(self, sequence: int) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        """Kinds of entries with sequence numbers after this one."""
        cursor = self._db.execute(
            "SELECT sequence, entry_kind FROM entries WHERE sequence > ? ORDER BY sequence", (sequence,)
        )
        while rows := cursor.fetchmany(16 * AT_ONCE):
            found: dict[str, list[int]] = {}
            for number, kind in rows:
                found.setdefault(kind, []).append(number)
            yield from ((kind, np.array(numbers, np.int64)) for kind, numbers in found.items())

    def values_of(
        self, kind: str, paths: Sequence[str], first: int, last: int
    ) -> Iterator[tuple[Sequence[int], list[Cells]]]:
        """Batches of sequence numbers with a column of cells for every path.

        Plain values come from the filter columns; a path without a filter column, or a value of another type
        than its column, is read as JSON from the payload.
        """
        selected: list[str] = []
        parameters: list[str | int] = []
        for path in paths:
            column = TEXT_COLUMNS.get(path) or NUMBER_COLUMNS.get(path)
            held = "(SELECT payload -> ? FROM contents WHERE contents.sequence = entries.sequence)"
            selected += [column, f"CASE WHEN {column} IS NULL THEN {held} END"] if column else ["NULL", held]
            parameters.append(json_path(path))
        cursor = self._db.execute(
            f"SELECT sequence, {', '.join(selected)} FROM entries "
            "WHERE entry_kind = ? AND sequence >= ? AND sequence <= ? ORDER BY sequence",
            (*parameters, kind, first, last),
        )
        while rows := cursor.fetchmany(AT_ONCE):
            numbers, *cells = zip(*rows, strict=True)
            yield numbers, list(zip(cells[::2], cells[1::2], strict=True))

    def texts_of(self, kind: str, after: int, last: int) -> Iterator[tuple[list[int], list[dict[str, str]]]]:
        """Batches of sequence numbers with the texts of each entry by field."""
        rows = takewhile(lambda row: row[0] <= last, texts_after(self._db, after))
        wanted = ((sequence, texts) for sequence, of_kind, texts in rows if of_kind == kind)
        while batch := list(islice(wanted, AT_ONCE)):
            yield [sequence for sequence, _ in batch], _parsed([texts for _, texts in batch])

    def spaces(self) -> Mapping[str, tuple[int, Space]]:
        """The space of each field that has vectors, with a number that changes with the space."""
        return read_spaces(self._db)

    def vector_batches(
        self, field: str, dimension: int, after: int, last: int
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
        """Batches of sequence numbers (m,) and vectors (m, d) of a field, oldest first."""
        at_once = max(1, min(AT_ONCE, 2**22 // dimension))
        rows = iter(vectors_after(self._db, field, after, last=last))
        while batch := list(islice(rows, at_once)):
            data = b"".join(data for _, data in batch)
            sequences = np.fromiter((sequence for sequence, _ in batch), np.int64, len(batch))
            yield sequences, np.frombuffer(data, "<f4").reshape(len(batch), dimension)

    def vectors_at(
        self, field: str, dimension: int, sequences: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """(m, d) the vectors of a field of those of these entries that have one, in this order."""
        rows = self._db.execute(
            f"""SELECT data FROM json_each(?) AS wanted CROSS JOIN vectors
            WHERE vectors.key BETWEEN wanted.value << {VECTORS_BITS}
                AND ((wanted.value + 1) << {VECTORS_BITS}) - 1
                AND space_id = (SELECT id FROM spaces WHERE field = ?)""",
            (json.dumps(sequences.tolist()), field),
        ).fetchall()
        return np.frombuffer(b"".join(data for (data,) in rows), "<f4").reshape(len(rows), dimension)

    def digest_at(self, sequence: int) -> str:
        """The hash of an entry as hexadecimal digits; empty where none is."""
        row = self._db.execute("SELECT digest FROM entries WHERE sequence = ?", (sequence,)).fetchone()
        return row[0].hex() if row else ""

    def sync(self) -> None:
        """Wait until what was committed is on the disk, so that nothing derived from it outlives it."""
        sync_log(Path(self._db.execute("PRAGMA database_list").fetchone()[2]))


def _parsed(documents: Sequence[str]) -> list[dict[str, str]]:
    """JSON documents as objects: all as one, which takes half as long as one by one."""
    parsed: list[dict[str, str]] = json.loads(f"[{','.join(documents)}]")
    return parsed if len(parsed) == len(documents) else list(map(json.loads, documents))
