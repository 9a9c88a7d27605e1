"""Texts by row: which terms each row has and how often, for comparing a few rows exactly."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Floats, Rows
from embodied_mem.index.text_query import Counts, TextQuery

CHUNK_CELLS = 65_536  # rows times terms compared at once, which bounds the memory of a comparison

Unsigned = npt.NDArray[np.unsignedinteger]
Slots = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TextRows:
    """A run of rows, as one list of terms after the other.

    Attributes:
        starts: (n + 1,) where the terms of each row begin.
        terms: Numbers of terms in a dictionary of the owner.
        counts: How often the row has each.
        lengths: (n,) how many terms each row has, repeated ones included.
    """

    starts: npt.NDArray[np.integer]
    terms: Unsigned
    counts: Unsigned
    lengths: Unsigned

    def __len__(self) -> int:
        return len(self.lengths)

    def covered(self, query: TextQuery, slots: Slots) -> Floats:
        """(n,) the weights that each row covers; the arguments are those of `counts`."""
        n = len(self)
        result = np.zeros(n)
        step = max(1, CHUNK_CELLS // max(1, len(query.terms)))
        for first in range(0, n, step):
            chunk = slice(first, min(n, first + step))
            result[chunk] = query.covered(self.counts_at(query, slots, chunk), self.lengths[chunk])
        return result

    def counts_at(self, query: TextQuery, slots: Slots, rows: Rows | slice) -> Counts:
        """(t, m) how often each of these rows has each term.

        Args:
            query: What is asked.
            slots: For each number of the dictionary the place of the term in `query.terms`, or -1.
            rows: (m,) row numbers, or a stretch with both ends.
        """
        n = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        found, row_of, counts = self._occurrences(slots, rows, n)
        result: Counts = np.zeros((len(query.terms), n), np.uint32)
        result[found, row_of] = counts
        return result

    def _occurrences(self, slots: Slots, rows: Rows | slice, n: int) -> tuple[Slots, Rows, Unsigned]:
        """Term, row (from 0 in `rows`) and count of each place where a term of the query occurs."""
        if isinstance(rows, slice):
            bounds = self.starts[rows.start : rows.stop + 1].astype(np.int64)
            index: slice | npt.NDArray[np.int64] = slice(int(bounds[0]), int(bounds[-1]))
            lengths = lengths_between(bounds)
        else:
            first = self.starts[rows].astype(np.int64)
            lengths = self.starts[rows + 1] - first
            index = np.repeat(first - (np.cumsum(lengths) - lengths), lengths)
            index += np.arange(len(index))
        found = slots[self.terms[index]]
        at = np.flatnonzero(found >= 0)
        row_of = np.repeat(np.arange(n), lengths)[at]
        return found[at], row_of, self.counts[index][at]


def lengths_between(starts: npt.NDArray[np.integer]) -> Rows:
    """(n,) how many items each of n runs has, given where they begin and where the last one ends."""
    wide = starts.astype(np.int64)
    return wide[1:] - wide[:-1]
