"""Similarities that may be off by no more than is known."""

from typing import NamedTuple

import numpy as np

from embodied_mem.index.arrays import Floats, Mask, Places, Rows, SomeFloats


class Estimates(NamedTuple):
    """Similarities that may be off.

    Attributes:
        values: (m,) float64, or float32 where the errors are far above its own.
        errors: How far off, at most: a number for all, (m,) one for each, or None if they are exact.
    """

    values: SomeFloats
    errors: float | Floats | None = None

    def highest_at(self, places: Places) -> Floats:
        """(k,) what the similarities at these places are at most."""
        highest = self.values[places].astype(np.float64)
        if self.errors is not None:
            highest += self.errors[places] if isinstance(self.errors, np.ndarray) else self.errors
        return highest


class Shortlist(NamedTuple):
    """Some rows, with a bound on all others.

    Attributes:
        rows: Ascending.
        others: The similarity of no other row is above this.
    """

    rows: Rows
    others: float


def spread(values: SomeFloats, has_value: Mask) -> Floats:
    """The values where there are any, 0 elsewhere."""
    result = np.zeros(len(has_value))
    result[has_value] = values
    return result


def spread_errors(errors: float | Floats | None, has_value: Mask) -> float | Floats | None:
    """Errors where there are any: a row without a value has the similarity 0 for certain."""
    return spread(errors, has_value) if isinstance(errors, np.ndarray) else errors
