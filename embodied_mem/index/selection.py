"""The candidate rows of a search: filter, spans and excluded entries."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Mask, Rows
from embodied_mem.index.log_reader import LogReader
from embodied_mem.index.rows import RowTable
from embodied_mem.records.filters import EVERYTHING, Where
from embodied_mem.records.log import Search, Span

MAX_SELECTORS = 512  # cached filters
SELECTOR_BYTES = 16  # memory limit of all cached filters, per row of the table
WHOLE_LOG = (Span(),)
NO_ROWS: Rows = np.zeros(0, np.int64)
DENSE = 0.6  # share of rows above which comparing the whole range beats gathering rows


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Rows that a search compares: a range of the table with some rows hidden, or a list of rows.

    Attributes:
        first: The first row of the range; 0 for a list.
        last: The row after the end of the range.
        rows: The list, ascending; None for a range.
        hidden: (last - first,) rows of the range that are not candidates; None if all are.
        visible: (len(table),) rows that exist for this search, over which word rarity is counted; None if
            all.
    """

    first: int
    last: int
    rows: Rows | None = None
    hidden: Mask | None = None
    visible: Mask | None = None

    def __len__(self) -> int:
        """The number of compared rows, including hidden ones."""
        return self.last - self.first if self.rows is None else len(self.rows)

    @property
    def n(self) -> int:
        """The number of candidates."""
        return len(self) - (0 if self.hidden is None else int(np.count_nonzero(self.hidden)))

    def row_numbers(self) -> Rows:
        """Return (len(self),) the compared rows, including hidden ones."""
        return np.arange(self.first, self.last) if self.rows is None else self.rows

    def rows_of(self, places: Rows) -> Rows:
        """Map positions in the candidate list to row numbers."""
        return places + self.first if self.rows is None else self.rows[places]

    def those_of(self, rows: Rows) -> Rows:
        """Return the given rows that are candidates; only for a range."""
        rows = rows[(rows >= self.first) & (rows < self.last)]
        return rows if self.hidden is None else rows[~self.hidden[rows - self.first]]

    def newest(self, k: int) -> Rows:
        """Return the k newest candidates or fewer, newest first."""
        rows = self.row_numbers()
        if self.hidden is not None:
            rows = rows[~self.hidden]
        return rows[::-1][:k]

    def narrowed(self, rows: Rows) -> "Candidates":
        """Return a copy limited to these rows, which must all be candidates."""
        return Candidates(0, 0, rows, None, self.visible)


class Selection:
    """Finds the candidate rows of a table; caches the rows of recent filters.

    Args:
        table: The table.
    """

    def __init__(self, table: RowTable) -> None:
        self._table = table
        # Filter -> (number of rows tested, rows that pass), least recently used first.
        self._selectors: dict[str, tuple[int, Rows]] = {}
        self._selector_bytes = 0
        self._without: npt.NDArray[np.int64] | None = None
        self._without_rows = NO_ROWS
        self._without_until = 0

    @property
    def nbytes(self) -> int:
        """Memory taken by the caches."""
        return self._selector_bytes + self._without_rows.nbytes

    def candidates(self, log: LogReader, search: Search) -> Candidates:
        """Return the rows that pass the filter, are in a span and are not excluded."""
        is_all = search.where == EVERYTHING and search.spans == WHOLE_LOG and search.without is None
        if is_all and not len(self._table.dead):
            return Candidates(0, len(self._table))
        stretches = self._stretches(search.spans)
        visible = self._visible(stretches)
        left_out = self._left_out(search)
        if search.where == EVERYTHING:
            return _stretch(stretches, left_out, visible)
        kept = self._passing(log, search.where)
        if stretches != [(0, len(self._table))]:
            kept = _within(kept, stretches)
        if len(left_out) and len(kept):
            kept = kept[~_among(kept, left_out)]
        if len(kept) and kept[-1] - kept[0] + 1 == len(kept):
            return Candidates(int(kept[0]), int(kept[-1]) + 1, None, None, visible)
        if len(kept) > DENSE * len(self._table):
            hidden = np.ones(len(self._table), np.bool_)
            hidden[kept] = False
            return Candidates(0, len(hidden), None, hidden, visible)
        return Candidates(0, 0, kept, None, visible)

    def _stretches(self, spans: tuple[Span, ...]) -> list[tuple[int, int]]:
        """Return the rows of the spans as ascending, disjoint ranges."""
        joined: list[tuple[int, int]] = []
        for first, last in sorted(self._table.bounds(span) for span in spans):
            if joined and first <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            elif first < last:
                joined.append((first, last))
        return joined

    def _visible(self, stretches: list[tuple[int, int]]) -> Mask | None:
        n, dead = len(self._table), self._table.dead
        if not len(dead) and stretches == [(0, n)]:
            return None
        visible = np.zeros(n, np.bool_)
        for first, last in stretches:
            visible[first:last] = True
        visible[dead] = False
        return visible

    def _left_out(self, search: Search) -> Rows:
        """Return the rows that the search excludes, and the dead ones."""
        dead = self._table.dead
        without = self._rows_without(search.without)
        return np.union1d(without, dead) if len(dead) else without

    def _rows_without(self, without: npt.NDArray[np.int64] | None) -> Rows:
        if without is None or not len(without):
            return NO_ROWS
        # Most searches exclude the same archive; comparing it with a copy is cheaper than finding its rows.
        is_same = self._without is not None and np.array_equal(without, self._without)
        if not is_same or self._without_until != len(self._table):
            self._without, self._without_rows = without.copy(), self._table.rows_at(without)
            self._without_until = len(self._table)
        return self._without_rows

    def _passing(self, log: LogReader, where: Where) -> Rows:
        """Return the rows that pass a filter."""
        key = repr(where)  # distinguishes 1 from True, which are equal
        until, rows = self._selectors.pop(key, (0, NO_ROWS))
        if until < len(self._table):
            newer = np.flatnonzero(self._table.mask(log, where, until)) + until
            rows = np.concatenate([rows, newer]) if until else newer
            self._selector_bytes += newer.nbytes
        self._selectors[key] = (len(self._table), rows)
        while len(self._selectors) > 1 and self._is_too_much():
            _, dropped = self._selectors.pop(next(iter(self._selectors)))
            self._selector_bytes -= dropped.nbytes
        return rows

    def _is_too_much(self) -> bool:
        limit = 2**20 + SELECTOR_BYTES * len(self._table)
        return len(self._selectors) > MAX_SELECTORS or self._selector_bytes > limit


def _stretch(stretches: list[tuple[int, int]], left_out: Rows, visible: Mask | None) -> Candidates:
    """Return one range over all ranges, with the gaps and the excluded rows hidden."""
    if not stretches:
        return Candidates(0, 0, None, None, visible)
    first, last = stretches[0][0], stretches[-1][1]
    left_out = left_out[np.searchsorted(left_out, first) : np.searchsorted(left_out, last)]
    if len(stretches) == 1 and not len(left_out):
        return Candidates(first, last, None, None, visible)
    hidden = np.ones(last - first, np.bool_)
    for start, end in stretches:
        hidden[start - first : end - first] = False
    hidden[left_out - first] = True
    return Candidates(first, last, None, hidden, visible)


def _within(rows: Rows, stretches: list[tuple[int, int]]) -> Rows:
    """Return the rows, ascending, that are in one of the ranges."""
    parts = [rows[slice(*np.searchsorted(rows, stretch))] for stretch in stretches]
    return parts[0] if len(parts) == 1 else np.concatenate([rows[:0], *parts])


def _among(rows: Rows, others: Rows) -> Mask:
    """Return which rows are in `others`; both ascending, `others` not empty."""
    at = np.minimum(np.searchsorted(others, rows), len(others) - 1)
    result: Mask = others[at] == rows
    return result
