"""The best of many values without sorting them all; of equal ones the last, which are the newest."""

import numpy as np

from embodied_mem.index.column import Floats, Rows


def best_places(values: Floats, k: int) -> Rows:
    """(min(k, m),) places of the highest values, best first, where m is how many are above -inf."""
    n = len(values)
    if k <= 0 or not n:
        return np.zeros(0, np.int64)
    if k < n:
        threshold = np.partition(values, n - k)[n - k]
        places = np.flatnonzero(values >= threshold if threshold > -np.inf else values > threshold)
        if len(places) > k:  # of those that equal the last one, the newest
            oldest = np.flatnonzero(values[places] == threshold)[: len(places) - k]
            places = np.delete(places, oldest)
    else:
        places = np.flatnonzero(values > -np.inf)
    result: Rows = places[np.lexsort((-places, -values[places]))]
    return result


def threshold_of(values: Floats, k: int) -> float:
    """The k-th highest value; -inf if there are fewer."""
    n = len(values)
    return float(np.partition(values, n - k)[n - k]) if 0 < k <= n else -np.inf
