"""The values that a path with a `*` reaches, several a row, and the rows where one of them passes.

Equal values get one code, so that a comparison tests each distinct value once, as in `FilterColumn`.
"""

import json
from collections.abc import Sequence

import numpy as np

from embodied_mem.index.arrays import Mask
from embodied_mem.index.coordinates import is_place
from embodied_mem.index.growing import GrowingArray
from embodied_mem.records.filter_paths import ANY, join_path, split_path, values_at
from embodied_mem.records.filters import Comparison, passes
from embodied_mem.records.json_values import JsonValue, canonical


class ElementColumn:
    """The values at one path with a `*`, row by row.

    Args:
        path: The dotted path.

    Attributes:
        path: The part before the first `*`, which is read from the log.
    """

    def __init__(self, path: str) -> None:
        names = split_path(path)
        first = names.index(ANY)
        self.path = join_path(names[:first])
        self._below = names[first:]
        self._n = 0
        self._rows = GrowingArray(np.int64)  # ascending: the row of each value
        self._codes = GrowingArray(np.int32)
        self._values: list[JsonValue] = []  # by code
        self._code_of: dict[str, int] = {}  # by JSON text

    def __len__(self) -> int:
        return self._n

    @property
    def nbytes(self) -> int:
        """Memory taken by its arrays."""
        return self._rows.nbytes + self._codes.nbytes

    def extend(self, plain: Sequence[str | float | None], as_json: Sequence[str | None]) -> None:
        """Append rows.

        Args:
            plain: (m,) not used: free JSON has no plain cells.
            as_json: (m,) JSON text of the value before the `*`; None if it is absent.
        """
        rows: list[int] = []
        codes: list[int] = []
        for row, text in enumerate(as_json, self._n):
            found = [] if text is None else values_at(json.loads(text), self._below)
            held = {self._code(value) for value in found if _is_compared(value)}
            rows += [row] * len(held)
            codes += held
        self._rows.extend(np.array(rows, np.int64))
        self._codes.extend(np.array(codes, np.int32))
        self._n += len(as_json)

    def mask(self, leaf: Comparison, start: int = 0) -> Mask:
        """Return which rows from `start` on pass a comparison, consistent with `filters.matches`."""
        passing = np.array([passes(leaf, value) for value in self._values], np.bool_)
        first = int(np.searchsorted(self._rows.items, start))
        rows, codes = self._rows.items[first:], self._codes.items[first:]
        result: Mask = np.zeros(self._n - start, np.bool_)
        result[rows[passing[codes]] - start] = True
        return result

    def _code(self, value: JsonValue) -> int:
        text = canonical(value)
        if text not in self._code_of:
            self._code_of[text] = len(self._values)
            self._values.append(value)
        return self._code_of[text]


def _is_compared(value: JsonValue) -> bool:
    """Whether a comparison can pass on the value: of lists and objects, on places only."""
    return is_place(value) or not isinstance(value, list | dict)
