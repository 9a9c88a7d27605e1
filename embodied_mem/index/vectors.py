"""Vectors kept as they are, and how alike they are to a query; no thread of BLAS is ever started here."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Floats, Places
from embodied_mem.index.growing import Blocks
from embodied_mem.spaces import Metric, Vector, Vectors

AT_ONCE = 512  # vectors gathered into one buffer that stays in the processor's cache
DECIMALS = 6  # of a cosine; more are noise of float32, and equal vectors must tie


def dots(rows: Vectors, query: Vector, out: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float32]:
    """(n,) inner products, as fast as memory is and by one thread.

    numpy before 2.0 has no `vecdot`; there `einsum` takes a fifth longer.
    """
    if hasattr(np, "vecdot"):
        result: npt.NDArray[np.float32] = np.vecdot(rows, query, out=out)
        return result
    slower: npt.NDArray[np.float32] = np.einsum("ij,j->i", rows, query, out=out)
    return slower


def comparable(vectors: Vectors, metric: Metric) -> Vectors:
    """(n, d) of unit length for the cosine, by float64, where no square overflows; zeros stay zeros."""
    if metric is not Metric.COSINE:
        return vectors
    wide = vectors.astype(np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
    unit: Vectors = np.divide(wide, norms, out=np.zeros_like(wide), where=norms > 0).astype(np.float32)
    return unit


def exact_similarities(rows: Vectors, query: Vector, metric: Metric) -> Floats:
    """(n,) similarities of comparable rows; the same for equal rows, wherever they stand."""
    if metric is Metric.EUCLIDEAN:
        difference = rows.astype(np.float64) - query
        distance = np.sqrt(np.einsum("ij,ij->i", difference, difference) / len(query))
        result: Floats = 1.0 / (1.0 + distance)
        return result
    # Not a matrix product: its last bits depend on where a row stands, and equal vectors must tie.
    cosine: Floats = np.einsum("ij,j->i", rows, query).astype(np.float64).round(DECIMALS)
    return cosine


def rounding_error(dimension: int) -> float:
    """How far two float32 sums of products of unit vectors can be apart, with the rounding of one of them.

    The bound of a sum in m steps is m * 2**-24 (Higham, Accuracy and Stability, section 3.1);
    sums run in four lanes at least. Two steps more are for estimates that are weighted and compared so.
    """
    return 2 * (dimension / 4 + 10) * 2.0**-24 + 10.0**-DECIMALS


class ExactVectors:
    """Comparable vectors in blocks of float32.

    Args:
        dimension: Length of a vector.
        metric: How two compare.
    """

    def __init__(self, dimension: int, metric: Metric) -> None:
        self.metric = metric
        self.blocks = Blocks(dimension, np.float32)
        self._buffer = np.empty((AT_ONCE, dimension), np.float32) if dimension < 2**14 else None

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def nbytes(self) -> int:
        """Memory taken by its arrays."""
        return self.blocks.nbytes + (0 if self._buffer is None else self._buffer.nbytes)

    def extend(self, vectors: Vectors) -> None:
        """Append comparable vectors."""
        self.blocks.extend(vectors)

    def similarities(self, query: Vector, places: Places) -> Floats:
        """(m,) exact, of the vectors at these places, ascending."""
        return self._compared(lambda rows: exact_similarities(rows, query, self.metric), places)

    def estimates_at(self, query: Vector, places: Places) -> Floats:
        """(m,) cosines of the vectors at these places, ascending, right to within `rounding_error`."""
        return self._compared(lambda rows: dots(rows, query), places)

    def estimates(self, query: Vector, first: int, last: int) -> npt.NDArray[np.float32]:
        """(last - first,) the same of a stretch, as fast as memory is."""
        result = np.empty(last - first, np.float32)
        for at, rows in self.blocks.parts(first, last):
            dots(rows, query, out=result[at - first : at - first + len(rows)])
        return result

    def all_similarities(self, query: Vector, first: int, last: int) -> Floats:
        """(last - first,) exact, of a stretch."""
        result = np.empty(last - first)
        for at, rows in self.blocks.parts(first, last):
            result[at - first : at - first + len(rows)] = exact_similarities(rows, query, self.metric)
        return result

    def _compared(self, compare: Callable[[Vectors], npt.NDArray[np.floating]], places: Places) -> Floats:
        result = np.empty(len(places))
        at_once = AT_ONCE if self._buffer is not None else 16
        for start in range(0, len(places), at_once):
            chunk = places[start : start + at_once]
            rows = (
                np.empty((len(chunk), self.blocks.width), np.float32)
                if self._buffer is None
                else self._buffer
            )
            result[start : start + len(chunk)] = compare(self.blocks.take(chunk, rows))
        return result
