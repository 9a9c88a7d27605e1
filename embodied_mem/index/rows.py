"""Row numbers of the entries of one kind, in the order of writing, and their filter columns."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Mask, Rows
from embodied_mem.index.element_column import ElementColumn
from embodied_mem.index.filter_column import FilterColumn
from embodied_mem.index.growing import GrowingArray
from embodied_mem.index.log_reader import Cells, LogReader
from embodied_mem.records.filter_paths import ANY, split_path
from embodied_mem.records.filters import And, Not, Or, Where
from embodied_mem.records.log import Span

Sequences = npt.NDArray[np.int64]
Column: TypeAlias = FilterColumn | ElementColumn


class RowTable:
    """The entries of one kind by row number, and the columns that filters have used so far.

    Row numbers do not change. Entries that are removed from the log become dead rows.

    Args:
        kind: The kind of entry.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.dead: Rows = np.zeros(0, np.int64)  # rows of removed entries, ascending
        self._sequences = GrowingArray(np.int64)
        self.sequences: Sequences = self._sequences.items  # (n,) ascending
        self._columns: dict[str, Column] = {}  # by path

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def nbytes(self) -> int:
        """Memory taken by its arrays."""
        return self._sequences.nbytes + sum(column.nbytes for column in self._columns.values())

    def append(self, sequences: Sequence[int] | Sequences) -> None:
        """Append rows for these entries, whose sequence numbers exceed all existing ones."""
        self._sequences.extend(sequences)
        self.sequences = self._sequences.items

    def keep_only(self, alive: Sequences) -> None:
        """Mark the rows of all other entries dead, and drop the filter columns."""
        self.dead = np.flatnonzero(~np.isin(self.sequences, alive, assume_unique=True))
        self._columns.clear()  # the log's filter columns may have been rewritten

    def bounds(self, span: Span) -> tuple[int, int]:
        """Return the first row of a span, and the row after its last."""
        sequences = self.sequences
        first = 0 if span.first <= 1 else int(np.searchsorted(sequences, span.first))
        last = (
            len(sequences) if span.last is None else int(np.searchsorted(sequences, span.last, side="right"))
        )
        return first, max(first, last)

    def rows_at(self, sequences: Sequences) -> Rows:
        """Return the rows of these entries, ascending; entries that are not in the table are skipped."""
        if not len(self) or not len(sequences):
            return np.zeros(0, np.int64)
        at = np.minimum(np.searchsorted(self.sequences, sequences), len(self) - 1)
        found: Rows = at[self.sequences[at] == sequences]
        return found

    def mask(self, log: LogReader, where: Where, start: int = 0) -> Mask:
        """Return which rows from `start` on pass a filter (see `filters.matches`); dead rows may pass."""
        match where:
            case And(parts):
                return self._joined(log, np.logical_and, parts, start)
            case Or(parts):
                return self._joined(log, np.logical_or, parts, start)
            case Not(part):
                return ~self.mask(log, part, start)
            case leaf:
                return self._column(log, leaf.path).mask(leaf, start)

    def _joined(self, log: LogReader, join: np.ufunc, parts: Sequence[Where], start: int) -> Mask:
        if not parts:
            return np.full(len(self) - start, join.identity, np.bool_)
        result = self.mask(log, parts[0], start)
        for part in parts[1:]:
            join(result, self.mask(log, part, start), out=result)
        return result

    def _column(self, log: LogReader, path: str) -> Column:
        """Return the up-to-date column of a path, read at its first use."""
        column = self._columns.get(path)
        if column is None:
            is_several = ANY in split_path(path)
            column = self._columns[path] = ElementColumn(path) if is_several else FilterColumn(path)
        if len(column) < len(self):
            self._read(log, [held for held in self._columns.values() if len(held) == len(column)])
        return column

    def _read(self, log: LogReader, columns: Sequence[Column]) -> None:
        """Read the new rows of columns of equal length, in one query."""
        wanted = self.sequences[len(columns[0]) :]
        paths = [column.path for column in columns]
        at = 0
        for numbers, cells in log.values_of(self.kind, paths, int(wanted[0]), int(wanted[-1])):
            last = int(np.searchsorted(wanted, numbers[-1], side="right"))
            for column, (plain, as_json) in zip(columns, cells, strict=True):
                column.extend(*_with_gaps(numbers, plain, as_json, wanted[at:last]))
            at = last
        nothing = [None] * (len(wanted) - at)
        for column in columns:
            column.extend(nothing, nothing)


def _with_gaps(
    numbers: Sequence[int],
    plain: Sequence[str | float | None],
    as_json: Sequence[str | None],
    wanted: Sequences,
) -> Cells:
    """Return a cell for each wanted sequence number; empty for entries removed from the log."""
    if len(numbers) == len(wanted):
        return plain, as_json
    held = dict(zip(numbers, zip(plain, as_json, strict=True), strict=True))
    cells = [held.get(number, (None, None)) for number in wanted.tolist()]
    return [cell[0] for cell in cells], [cell[1] for cell in cells]
