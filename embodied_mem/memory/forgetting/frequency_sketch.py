"""`FrequencySketch`: approximate recent counts of very many ids, in a few bytes per id."""

from hashlib import blake2b

import numpy as np

N_ROWS = 4
MAX_COUNT = 15  # four bits, as in Caffeine
WIDTH_FACTOR = 8  # counters per row and unit of capacity; fewer cause more collisions
SAMPLE_FACTOR = 10  # increments per halving and unit of capacity; the paper's W/C


class FrequencySketch:
    """A count-min sketch with periodic halving, so that old popularity fades.

    TinyLFU (Einziger, Friedman, Manes 2017, sections 3.2 and 3.3): small counters, minimal increment, and a
    reset that halves every counter after each `sample` of increments. Without the paper's doorkeeper.
    Hashing is seeded and the same in every process.

    Args:
        capacity: Number of ids that the caller keeps, >= 1.
        seed: Selects the hash functions.
    """

    def __init__(self, capacity: int, *, seed: int = 0) -> None:
        self._width = 1 << max(4, (WIDTH_FACTOR * capacity - 1).bit_length())
        self._table = np.zeros((N_ROWS, self._width), dtype=np.uint8)
        self._rows = np.arange(N_ROWS)
        self._sample = SAMPLE_FACTOR * capacity
        self._n_counted = 0
        self._key = str(seed).encode()[:64]

    def increment(self, item_id: str) -> None:
        """Count an id once; only its smallest counters grow, which limits the error of colliding ids."""
        at = (self._rows, self._columns(item_id))
        counts = self._table[at]
        least = counts.min()
        if least < MAX_COUNT:
            self._table[at] = np.maximum(counts, least + 1)
        self._n_counted += 1
        if self._n_counted >= self._sample:
            self._halve()

    def estimate(self, item_id: str) -> int:
        """Return the approximate recent count of an id, in [0, 15]; collisions can make it too high."""
        return int(self._table[self._rows, self._columns(item_id)].min())

    def _halve(self) -> None:
        self._table >>= 1
        self._n_counted //= 2

    def _columns(self, item_id: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint32]]":
        digest = blake2b(item_id.encode("utf-8", "surrogatepass"), digest_size=4 * N_ROWS, key=self._key)
        return np.frombuffer(digest.digest(), "<u4") & np.uint32(self._width - 1)
