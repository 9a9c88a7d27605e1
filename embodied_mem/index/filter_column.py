"""The values at one payload path, by row, and the rows that pass a comparison.

Texts and other JSON values get integer codes, equal values the same code, so that a comparison tests each
distinct value once and then compares codes. Numbers are stored as float64 if that is exact.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Mask
from embodied_mem.index.coordinates import Coordinates, is_place
from embodied_mem.index.growing import GrowingArray
from embodied_mem.records.filters import Between, Comparison, Equals, In, Near, passes
from embodied_mem.records.json_values import JsonValue

_UNKNOWN = -4
ABSENT, NUMBER, PLACE = -1, -2, -3  # codes of rows without a value, or with a value in another array
EXACT_INTEGER = 2**53

Floats = npt.NDArray[np.float64]


class FilterColumn:
    """The values at one path, row by row.

    Args:
        path: The dotted path.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._codes = GrowingArray(np.int32)
        self._numbers: GrowingArray | None = None  # NaN where a row has no number
        self._places: Coordinates | None = None
        self._values: list[JsonValue] = []  # by code
        self._code_of_text: dict[str, int] = {}
        self._code_of_json: dict[str, int] = {}
        self._others: list[int] = []  # codes of values that are not texts

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def nbytes(self) -> int:
        """Memory taken by its arrays."""
        numbers = 0 if self._numbers is None else self._numbers.nbytes
        return self._codes.nbytes + numbers + (0 if self._places is None else self._places.nbytes)

    def extend(self, plain: Sequence[str | float | None], as_json: Sequence[str | None]) -> None:
        """Append rows.

        Args:
            plain: (m,) a text or number each; None if `as_json` has the value or the path is absent.
            as_json: (m,) JSON texts; None if `plain` has the value or the path is absent.
        """
        known = self._code_of_text
        codes = [known.get(value, _UNKNOWN) for value in plain]  # type: ignore[arg-type]
        numbers: dict[int, float] = {}
        places: dict[int, Sequence[float]] = {}
        for at, code in enumerate(codes) if _UNKNOWN in codes else ():
            if code == _UNKNOWN:
                codes[at], value = self._coded(plain[at], as_json[at])
                if codes[at] == NUMBER:
                    numbers[at] = float(value)
                elif codes[at] == PLACE:
                    places[at] = value
        self._extend_numbers(len(codes), numbers)
        self._extend_places(len(codes), places)
        self._codes.extend(np.array(codes, np.int32))

    def mask(self, leaf: Comparison, start: int = 0) -> Mask:
        """Return which rows from `start` on pass a comparison, consistent with `filters.matches`."""
        codes = self._codes.items[start:]
        found = self._codes_passing(leaf)
        if not found:
            result: Mask = np.zeros(len(codes), np.bool_)
        elif len(found) <= 2:
            result = codes == found[0]
            if len(found) == 2:
                result |= codes == found[1]
        else:
            table = np.zeros(len(self._values) + 3, np.bool_)  # negative codes index its end
            table[found] = True
            result = table[codes]
        if self._numbers is not None:
            result |= _numbers_passing(leaf, self._numbers.items[start:])
        if self._places is not None and isinstance(leaf, Near):
            result |= self._places.near(leaf, start)
        return result

    def _extend_numbers(self, n: int, numbers: Mapping[int, float]) -> None:
        if self._numbers is None and numbers:
            self._numbers = GrowingArray(np.float64)
            self._numbers.extend(np.full(len(self), np.nan))
        if self._numbers is not None:
            more = np.full(n, np.nan)
            more[list(numbers)] = list(numbers.values())
            self._numbers.extend(more)

    def _extend_places(self, n: int, places: Mapping[int, Sequence[float]]) -> None:
        if self._places is None and places:
            self._places = Coordinates()
            self._places.extend(len(self), {})
        if self._places is not None:
            self._places.extend(n, places)

    def _coded(self, plain: str | float | None, as_json: str | None) -> tuple[int, Any]:
        """Return the code of a cell, and its value if that is stored in another array."""
        if isinstance(plain, str):
            return self._text_code(plain), None
        if plain is None and as_json is None:
            return ABSENT, None
        if as_json in self._code_of_json:
            return self._code_of_json[as_json], None
        value: Any = plain if as_json is None else json.loads(as_json)
        if isinstance(value, list | dict):  # of these, filters compare only places
            return (PLACE, value) if is_place(value) else (ABSENT, None)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and (isinstance(value, float) or abs(value) <= EXACT_INTEGER):
            return NUMBER, value
        return self._json_code(value, repr(value) if as_json is None else as_json), None

    def _text_code(self, text: str) -> int:
        if text not in self._code_of_text:
            self._code_of_text[text] = len(self._values)
            self._values.append(text)
        return self._code_of_text[text]

    def _json_code(self, value: JsonValue, as_json: str) -> int:
        if as_json not in self._code_of_json:
            if isinstance(value, str):
                self._code_of_json[as_json] = self._text_code(value)
            else:
                self._code_of_json[as_json] = len(self._values)
                self._others.append(len(self._values))
                self._values.append(value)
        return self._code_of_json[as_json]

    def _codes_passing(self, leaf: Comparison) -> list[int]:
        """Return the codes of the values that pass; a text passes only if it equals a text of the filter."""
        texts = [value for value in _asked(leaf) if isinstance(value, str)]
        found = {self._code_of_text[text] for text in texts if text in self._code_of_text}
        others = (code for code in self._others if passes(leaf, self._values[code]))
        return [*found, *others]


def _asked(leaf: Comparison) -> Sequence[object]:
    match leaf:
        case Equals(_, value):
            return (value,)
        case In(_, values):
            return values
    return ()


def _numbers_passing(leaf: Comparison, numbers: Floats) -> Mask:
    """Return which numbers pass; NaN (no number) never does."""
    match leaf:
        case Between(_, low, high):
            result: Mask = numbers == numbers
            if low is not None:
                result &= numbers >= _least_float_from(low)
            if high is not None:
                result &= numbers < _least_float_from(high)
            return result
        case Equals() | In():
            wanted = {v for v in map(_exact_float, _asked(leaf)) if v is not None}
            return np.isin(numbers, list(wanted)) if wanted else np.zeros(len(numbers), np.bool_)
        case _:
            assert isinstance(leaf, Near)
            return np.zeros(len(numbers), np.bool_)


def _exact_float(value: object) -> float | None:
    """Return the number as float64 if that is exact, otherwise None, as no stored number equals it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if float(value) == value else None
    except OverflowError:
        return None


def _least_float_from(bound: float) -> float:
    """Return the least float64 that is at least the bound, which may be an integer of any size."""
    try:
        near = float(bound)
    except OverflowError:
        return math.inf if bound > 0 else -math.inf
    return math.nextafter(near, math.inf) if near < bound else near
