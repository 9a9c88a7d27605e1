"""Estimated similarities with error bounds."""

from typing import NamedTuple

import numpy as np

from embodied_mem.index.arrays import Floats, Mask, Places, Rows, SomeFloats


class Estimates(NamedTuple):
    """Similarities with error bounds.

    Attributes:
        values: (m,) float64, or float32 if the errors far exceed its rounding.
        errors: Maximum absolute error: one number for all, (m,) one for each, or None if exact.
    """

    values: SomeFloats
    errors: float | Floats | None = None

    def highest_at(self, places: Places) -> Floats:
        """Return (k,) upper bounds of the similarities at these positions."""
        highest = self.values[places].astype(np.float64)
        if self.errors is not None:
            highest += self.errors[places] if isinstance(self.errors, np.ndarray) else self.errors
        return highest


class Shortlist(NamedTuple):
    """Candidate rows, with an upper bound for all others.

    Attributes:
        rows: Row numbers, ascending.
        others: Upper bound of the similarity of every other row.
    """

    rows: Rows
    others: float


def spread(values: SomeFloats, has_value: Mask) -> Floats:
    """Return (n,) the values at the rows that have one, 0 elsewhere."""
    result = np.zeros(len(has_value))
    result[has_value] = values
    return result


def spread_errors(errors: float | Floats | None, has_value: Mask) -> float | Floats | None:
    """Return the errors at the rows that have a value; without one the similarity is exactly 0."""
    return spread(errors, has_value) if isinstance(errors, np.ndarray) else errors
