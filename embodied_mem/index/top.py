"""The best of many values without sorting them all; of equal ones the last, which are the newest."""

from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Rows, SomeFloats

FEW = 256  # up to so many values are quickest sorted
MANY = 8_192  # from so many values on it pays to look at the highest of each group first
GROUP = 32  # values


def best_places(values: SomeFloats, k: int) -> Rows:
    """(min(k, m),) places of the highest values, best first, where m is how many are above -inf."""
    if len(values) <= FEW:
        best: Rows = values.argsort(kind="stable")[::-1][:k]
        return best if not len(best) or values[best[-1]] > -np.inf else best[values[best] > -np.inf]
    places = highest_places(values, k)
    result: Rows = places[np.lexsort((-places, -values[places]))]
    return result


def highest_places(values: SomeFloats, k: int) -> Rows:
    """The same places, ascending."""
    if k <= 0 or not len(values):
        return np.zeros(0, np.int64)
    if k >= len(values):
        return np.flatnonzero(values > -np.inf)
    threshold = threshold_of(values, k)
    places = np.flatnonzero(values >= threshold if threshold > -np.inf else values > threshold)
    if len(places) > k:  # of those that equal the last one, the newest
        oldest = np.flatnonzero(values[places] == threshold)[: len(places) - k]
        places = np.delete(places, oldest)
    return places


def threshold_of(values: npt.NDArray[Any], k: int) -> float:
    """The k-th highest value, k > 0; -inf if there are fewer."""
    n = len(values)
    if k > n:
        return -np.inf
    n_groups = n // GROUP
    if n >= MANY and n_groups >= 2 * k:
        # The k-th highest maximum of any groups is at most the k-th highest value, and most values are below
        # it. Partitioning all of a million takes three times as long, and twelve times if they are integers.
        maxima = values[: n_groups * GROUP].reshape(GROUP, n_groups).max(axis=0)
        least = np.partition(maxima, n_groups - k)[n_groups - k]
        values = values[values > least]
        if len(values) < k:
            return float(least)
    result: float = np.partition(values, len(values) - k)[len(values) - k].item()
    return result
