"""Vectors kept as they are, and how alike they are to a query; no thread of BLAS is ever started here."""

import math

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Floats, Places
from embodied_mem.index.growing import Blocks
from embodied_mem.index.inner_products import Products, inner_products, inner_products_at
from embodied_mem.spaces import Metric, Vector, Vectors

NUMBERS_AT_ONCE = 2**18  # compared exactly in one go, so that they stay in the processor's cache
DECIMALS = 6  # of a cosine; more are noise of float32, and equal vectors must tie
_UNITS = 10.0**DECIMALS
_NONE: Floats = np.zeros(0)


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


def comparable_query(query: Vector, metric: Metric) -> Vector:
    """(d,) the same of one vector, in a third of the time."""
    if metric is not Metric.COSINE:
        return query
    wide = query.astype(np.float64)
    # BLAS starts threads for a product of more than 10,000 numbers, and is faster for fewer.
    norm = math.sqrt(wide.dot(wide) if len(wide) < 4_096 else np.einsum("i,i->", wide, wide))
    unit: Vector = (wide / norm if norm else wide).astype(np.float32)
    return unit


def exact_similarities(rows: Vectors, query: Vector, metric: Metric) -> Floats:
    """(n,) similarities of comparable rows; the same for equal rows, wherever they stand."""
    if metric is Metric.EUCLIDEAN:
        difference = rows.astype(np.float64) - query
        distance = np.sqrt(np.einsum("ij,ij->i", difference, difference) / len(query))
        result: Floats = 1.0 / (1.0 + distance)
        return result
    # Not a matrix product: its last bits depend on where a row stands, and equal vectors must tie.
    cosine: Floats = np.einsum("ij,j->i", rows, query).astype(np.float64)
    cosine *= _UNITS  # `numpy.round` does the same in three times as long for a few
    np.rint(cosine, out=cosine)
    cosine /= _UNITS
    return cosine


def rounding_error(dimension: int, lanes: int = 4) -> float:
    """How far two float32 sums of products of unit vectors can be apart, with the rounding of one of them.

    The bound of a sum in m steps is m * 2**-24 (Higham, Accuracy and Stability, section 3.1). Two steps more
    are for estimates that are weighted and compared so.

    Args:
        dimension: How many products are summed.
        lanes: How many sums run side by side at least: four in numpy, one in a faiss without SIMD.
    """
    return 2 * (dimension / lanes + 10) * 2.0**-24 + 10.0**-DECIMALS


class ExactVectors:
    """Comparable vectors in blocks of float32.

    Args:
        dimension: Length of a vector.
        metric: How two compare.
    """

    def __init__(self, dimension: int, metric: Metric) -> None:
        self.metric = metric
        self.blocks = Blocks(dimension, np.float32)
        self._at_once = max(1, NUMBERS_AT_ONCE // dimension)

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def nbytes(self) -> int:
        """Memory taken by its arrays."""
        return self.blocks.nbytes

    def extend(self, vectors: Vectors) -> None:
        """Append comparable vectors."""
        self.blocks.extend(vectors)

    def similarities(self, query: Vector, first: int, last: int) -> Floats:
        """(last - first,) exact, of a stretch."""
        parts = self.blocks.parts(first, last)
        found = [exact_similarities(rows, query, self.metric) for _, rows in parts]
        return np.concatenate([_NONE, *found])

    def similarities_at(self, query: Vector, places: Places) -> Floats:
        """(m,) exact, of the vectors at these places, ascending."""
        if len(places) <= self._at_once:
            return exact_similarities(self.blocks.take(places), query, self.metric)
        chunks = [places[at : at + self._at_once] for at in range(0, len(places), self._at_once)]
        found = [exact_similarities(self.blocks.take(some), query, self.metric) for some in chunks]
        return np.concatenate([_NONE, *found])

    def products(self, query: Vector, first: int, last: int) -> Products:
        """(last - first,) cosines of a stretch, right to within `rounding_error` of one lane."""
        result = np.empty(last - first, np.float32)
        for at, rows in self.blocks.parts(first, last):
            inner_products(rows, query, out=result[at - first : at - first + len(rows)])
        return result

    def products_at(self, query: Vector, places: Places) -> Products:
        """(m,) the same of the vectors at these places, ascending."""
        result = np.empty(len(places), np.float32)
        for which, rows, at in self.blocks.split(places):
            inner_products_at(rows, at, query, out=result[which])
        return result
