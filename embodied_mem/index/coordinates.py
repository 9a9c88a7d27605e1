"""Coordinates by row, and the rows near a point, consistent with `filters.matches`."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from embodied_mem.index.arrays import Mask
from embodied_mem.index.growing import GrowingArray
from embodied_mem.records.filters import Near

MARGIN = 1e-9  # relative; closer to the radius, the distance is computed as in `filters.matches`


class Coordinates:
    """Two or three coordinates of each row; NaN if a row has none."""

    def __init__(self) -> None:
        self._axes = tuple(GrowingArray(np.float64) for _ in range(3))

    def __len__(self) -> int:
        return len(self._axes[0])

    @property
    def nbytes(self) -> int:
        """Memory taken by its arrays."""
        return sum(axis.nbytes for axis in self._axes)

    def extend(self, n: int, places: Mapping[int, Sequence[float]]) -> None:
        """Append n rows.

        Args:
            n: Number of rows.
            places: New row, counted from 0 -> its two or three coordinates.
        """
        for number, axis in enumerate(self._axes):
            values = np.full(n, np.nan)
            held = {row: float(place[number]) for row, place in places.items() if number < len(place)}
            values[list(held)] = list(held.values())
            axis.extend(values)

    def near(self, leaf: Near, start: int) -> Mask:
        """Return which rows from `start` on are near the centre and have as many dimensions as it."""
        axes = [axis.items[start:] for axis in self._axes]
        n_dimensions = len(leaf.center)
        is_fit = ~np.isnan(axes[0]) & (np.isnan(axes[2]) == (n_dimensions == 2))
        with np.errstate(over="ignore", invalid="ignore"):
            steps = [axis - at for axis, at in zip(axes, leaf.center, strict=False)]
            distances = np.sqrt(sum(step * step for step in steps))
            sizes = sum(np.abs(axis) + abs(at) for axis, at in zip(axes, leaf.center, strict=False))
            margins = MARGIN * (sizes + leaf.radius_m)
            result: Mask = is_fit & (distances < leaf.radius_m - margins)
            is_far = distances > leaf.radius_m + margins
        for row in np.flatnonzero(is_fit & ~result & ~is_far).tolist():
            place = [float(axis[row]) for axis in axes[:n_dimensions]]
            result[row] = math.dist(place, leaf.center) <= leaf.radius_m
        return result


def is_place(value: object) -> bool:
    """Whether a value is a list of two or three finite numbers."""
    return (
        isinstance(value, list)
        and len(value) in (2, 3)
        and all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in value)
    )
