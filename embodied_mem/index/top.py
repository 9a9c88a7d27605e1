"""Top-k selection without a full sort; ties: the last, which are the newest."""

from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Rows, SomeFloats

FEW = 256  # up to so many values, sorting is fastest
MANY = 8_192  # from so many values on, prefiltering by group maxima is faster
GROUP = 32  # values per group


def best_places(values: SomeFloats, k: int) -> Rows:
    """Return (min(k, m),) positions of the highest values, best first; m values are above -inf."""
    if len(values) <= FEW:
        best: Rows = values.argsort(kind="stable")[::-1][:k]
        return best if not len(best) or values[best[-1]] > -np.inf else best[values[best] > -np.inf]
    places = highest_places(values, k)
    result: Rows = places[np.lexsort((-places, -values[places]))]
    return result


def highest_places(values: SomeFloats, k: int) -> Rows:
    """Return the positions of the k highest values above -inf, ascending."""
    if k <= 0 or not len(values):
        return np.zeros(0, np.int64)
    if k >= len(values):
        return np.flatnonzero(values > -np.inf)
    threshold = threshold_of(values, k)
    places = np.flatnonzero(values >= threshold if threshold > -np.inf else values > threshold)
    if len(places) > k:  # ties at the threshold: keep the newest
        oldest = np.flatnonzero(values[places] == threshold)[: len(places) - k]
        places = np.delete(places, oldest)
    return places


def threshold_of(values: npt.NDArray[Any], k: int) -> float:
    """Return the k-th highest value, k > 0; -inf if there are fewer."""
    n = len(values)
    if k > n:
        return -np.inf
    n_groups = n // GROUP
    if n >= MANY and n_groups >= 2 * k:
        # The k-th highest group maximum is a lower bound of the k-th highest value, and most values are below
        # it. Partitioning a whole million takes three times as long, twelve times for integers.
        maxima = values[: n_groups * GROUP].reshape(GROUP, n_groups).max(axis=0)
        least = np.partition(maxima, n_groups - k)[n_groups - k]
        values = values[values > least]
        if len(values) < k:
            return float(least)
    result: float = np.partition(values, len(values) - k)[len(values) - k].item()
    return result
