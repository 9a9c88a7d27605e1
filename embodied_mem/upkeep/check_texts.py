"""Whether a saved text index holds the terms of the texts in the log, segment by segment."""

import sqlite3
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.index import log_reader
from embodied_mem.index.rows import RowTable
from embodied_mem.index.snapshot import OpenPart
from embodied_mem.index.text import BATCH, TAIL_ROWS
from embodied_mem.index.text_segment import TextSegment, segments_of
from embodied_mem.index.text_tail import TextTail
from embodied_mem.similar_words import SimilarWords
from embodied_mem.synonyms import Synonyms

MAX_SEGMENT_ROWS = 65_536
_TAIL = "tail."


def fault_of_texts(
    db: sqlite3.Connection, table: RowTable, field: str, part: OpenPart, synonyms: Synonyms
) -> str:
    """How a text column differs from what the log gives; empty if it does not.

    Sealed segments have one form, however the column grew: terms ascend by their codes, and rows within a
    term. The tail has not, so it is sealed before it is compared.

    Args:
        db: A connection to the log, which is read in short stretches.
        table: The rows of the kind; the column covers as many of the first ones as it says.
        field: Which field.
        part: The column, sound and fitting the log.
        synonyms: What it was made with.

    Raises:
        ValueError: The arrays are not of the shape of a column.
    """
    made = _Made(db, table, field, synonyms)
    n_rows = int(part.made_of["n_rows"])
    for held in segments_of(part.arrays):
        if not 0 < len(held) <= min(MAX_SEGMENT_ROWS, n_rows - made.n_rows):
            return f"a segment has {len(held):,} rows"
        first = made.n_rows
        if not _are_equal(held, made.segment(len(held))):
            return f"the terms of rows {first:,} to {made.n_rows:,} are not those of their texts"
    tail = _tail(part.arrays, synonyms)
    if made.n_rows + len(tail) != n_rows:
        return f"it has {made.n_rows + len(tail):,} rows and says {n_rows:,}"
    if not _are_equal(tail.sealed(), made.segment(len(tail))):
        return f"the terms of the last {len(tail):,} rows are not those of their texts"
    return made.fault_of_rest(part)


class _Made:
    """A text column made again from the log, of which one segment is held at a time.

    Attributes:
        n_rows: How many rows were read.
    """

    def __init__(self, db: sqlite3.Connection, table: RowTable, field: str, synonyms: Synonyms) -> None:
        self.n_rows = 0
        self._db = db
        self._table = table
        self._field = field
        self._synonyms = synonyms
        self._absent: list[int] = []
        self._fields: set[str] = set()
        self._similar_words = SimilarWords()

    def segment(self, n: int) -> TextSegment:
        """The next n rows."""
        end = self.n_rows + n
        pieces = [
            self._piece(first, min(end, first + TAIL_ROWS)) for first in range(self.n_rows, end, TAIL_ROWS)
        ]
        self.n_rows = end
        return TextSegment.merged(pieces or [TextTail(self._synonyms).sealed()])

    def fault_of_rest(self, part: OpenPart) -> str:
        """What is wrong with the rest of a part, once all rows were read."""
        if not np.array_equal(part.arrays["absent"], self._absent):
            return "other rows than it says have no text"
        if _lines(part.arrays["spellings"]) != _lines(self._similar_words.to_array()):
            return "the words that can be found by their spelling are not those of the texts"
        missing = self._fields - set(part.made_of.get("fields", self._fields))
        return f"it says that there are no texts of {', '.join(sorted(missing))}" if missing else ""

    def _piece(self, first: int, last: int) -> TextSegment:
        tail, texts = TextTail(self._synonyms), self._texts(first, last)
        for start in range(0, len(texts), BATCH):
            self._similar_words.add(tail.extend(texts[start : start + BATCH]))
        self._absent += [first + row for row, text in enumerate(texts) if text is None]
        return tail.sealed()

    def _texts(self, first: int, last: int) -> list[str | None]:
        """The texts of these rows, the last not included."""
        wanted = self._table.sequences[first:last]
        result: list[str | None] = [None] * len(wanted)
        batches = log_reader.texts_of(self._db, self._table.kind, int(wanted[0]) - 1, int(wanted[-1]))
        for numbers, documents in batches:
            for row, texts in zip(np.searchsorted(wanted, numbers).tolist(), documents, strict=True):
                result[row] = texts.get(self._field)
                self._fields |= texts.keys()
        return result


def _tail(arrays: Mapping[str, npt.NDArray[Any]], synonyms: Synonyms) -> TextTail:
    own = {name.removeprefix(_TAIL): arrays[name] for name in arrays if name.startswith(_TAIL)}
    return TextTail.from_arrays(own, synonyms)


def _are_equal(left: TextSegment, right: TextSegment) -> bool:
    """Whether both are the same to the last byte and type."""
    pairs = [(getattr(left, field.name), getattr(right, field.name)) for field in fields(TextSegment)]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def _lines(text: npt.NDArray[np.uint8]) -> set[bytes]:
    return set(text.tobytes().split(b"\n"))
