"""`FrequencySketch`: about how often each of very many ids was seen lately, in a few bytes an id."""

from hashlib import blake2b

import numpy as np

N_ROWS = 4
MAX_COUNT = 15  # four bits, as in Caffeine
WIDTH_FACTOR = 8  # counters a row for each id that is kept; fewer make strangers share counters
SAMPLE_FACTOR = 10  # of the capacity; the paper's W/C


class FrequencySketch:
    """A count-min sketch whose counts are halved from time to time, so that old popularity fades.

    TinyLFU (Einziger, Friedman, Manes 2017, sections 3.2 and 3.3): small counters, minimal increment, and a
    reset that halves every counter after each `sample` of increments. Without the paper's doorkeeper.
    Hashing is seeded and the same in every process.

    Args:
        capacity: How many ids are kept, >= 1.
        seed: Chooses the hash functions.
    """

    def __init__(self, capacity: int, *, seed: int = 0) -> None:
        self._width = 1 << max(4, (WIDTH_FACTOR * capacity - 1).bit_length())
        self._table = np.zeros((N_ROWS, self._width), dtype=np.uint8)
        self._rows = np.arange(N_ROWS)
        self._sample = SAMPLE_FACTOR * capacity
        self._n_counted = 0
        self._key = str(seed).encode()[:64]

    def increment(self, item_id: str) -> None:
        """See an id once more; only its smallest counters grow, which keeps the error of the others down."""
        at = (self._rows, self._columns(item_id))
        counts = self._table[at]
        least = counts.min()
        if least < MAX_COUNT:
            self._table[at] = np.maximum(counts, least + 1)
        self._n_counted += 1
        if self._n_counted >= self._sample:
            self._halve()

    def estimate(self, item_id: str) -> int:
        """About how often it was seen lately, in [0, 15]; too high at times, where ids share counters."""
        return int(self._table[self._rows, self._columns(item_id)].min())

    def _halve(self) -> None:
        self._table >>= 1
        self._n_counted //= 2

    def _columns(self, item_id: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint32]]":
        digest = blake2b(item_id.encode("utf-8", "surrogatepass"), digest_size=4 * N_ROWS, key=self._key)
        return np.frombuffer(digest.digest(), "<u4") & np.uint32(self._width - 1)
