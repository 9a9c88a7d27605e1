"""What a searchable thing looks like to the engine: a column over the rows of one kind of entry.

A row is a number from 0, given to the entries of a kind in the order of writing (see `rows.RowTable`). A
column covers the first `len(column)` rows of its table, also those that have no value in it, so that row
numbers mean the same in every column.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.int64]  # row numbers, ascending, each once
Mask: TypeAlias = npt.NDArray[np.bool_]  # one for each row
Floats: TypeAlias = npt.NDArray[np.float64]
SomeFloats: TypeAlias = npt.NDArray[np.floating[Any]]  # float64, or float32 where that is exact enough
Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]

Query_contra = TypeVar("Query_contra", contravariant=True)
Value_contra = TypeVar("Value_contra", contravariant=True)


class Column(Protocol[Query_contra, Value_contra]):
    """The values of one field, by row, and how alike each is to a query."""

    def __len__(self) -> int:
        """How many rows it covers, those without a value included."""
        ...

    def extend(self, values: Sequence[Value_contra | None]) -> None:
        """Take in the values of the next rows; None where a row has none."""
        ...

    def similarities(
        self, query: Query_contra, rows: Rows | None = None, visible: Mask | None = None
    ) -> Floats:
        """How alike the values of these rows are to the query, exactly.

        Args:
            query: What to look for.
            rows: (m,) ascending; None means every row.
            visible: (len(self),) which rows exist for this query, for what is counted over all of them; None
                means all. Every one of `rows` is visible.

        Returns:
            (m,) float64, at most 1; 0 for a row without a value.
        """
        ...

    def best(
        self, query: Query_contra, n: int, mask: Mask | None = None, visible: Mask | None = None
    ) -> tuple[Rows, bool]:
        """The rows most like the query, in any order; of equal ones the newest.

        Args:
            query: What to look for.
            n: How many, at most. Rows of similarity 0 or less may be left out.
            mask: (len(self),) which rows may come back; None means every visible one.
            visible: As in `similarities`.

        Returns:
            The rows, and whether no row that was left out is more like the query than one that came back.
        """
        ...

    def to_arrays(self) -> Arrays:
        """What a snapshot keeps of it; see `embodied_mem.index.snapshot`."""
        ...


class ColumnFactory(Protocol):
    """How a column comes back from a snapshot."""

    def from_arrays(self, arrays: Arrays) -> Self:
        """The column of these arrays, which it may keep and must not write to."""
        ...
