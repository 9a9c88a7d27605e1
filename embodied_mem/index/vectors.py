"""Uncompressed vectors and their similarity to a query; never starts a BLAS thread."""

import math

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Floats, Places
from embodied_mem.index.growing import Blocks
from embodied_mem.index.inner_products import Products, inner_products, inner_products_at
from embodied_mem.records.spaces import Metric, Vector, Vectors

NUMBERS_AT_ONCE = 2**18  # compared exactly per batch, which fits into the CPU cache
NO_THREADS = 2**18  # multiplications up to which OpenBLAS starts no thread for a product of matrices
DECIMALS = 6  # of a cosine; more are float32 noise, and equal vectors must tie
_UNITS = 10.0**DECIMALS
_NONE: Floats = np.zeros(0)


def dots(rows: Vectors, query: Vector, out: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float32]:
    """Return (n,) inner products, at memory bandwidth in one thread.

    numpy before 2.0 has no `vecdot`; `einsum` takes a fifth longer.
    """
    if hasattr(np, "vecdot"):
        result: npt.NDArray[np.float32] = np.vecdot(rows, query, out=out)
        return result
    slower: npt.NDArray[np.float32] = np.einsum("ij,j->i", rows, query, out=out)
    return slower


def comparable(vectors: Vectors, metric: Metric) -> Vectors:
    """Return (n, d) vectors, for the cosine scaled to unit length; zero vectors stay zero.

    Norms are computed in float64, where squares of float32 cannot overflow.
    """
    if metric is not Metric.COSINE:
        return vectors
    wide = vectors.astype(np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
    unit: Vectors = np.divide(wide, norms, out=np.zeros_like(wide), where=norms > 0).astype(np.float32)
    return unit


def comparable_query(query: Vector, metric: Metric) -> Vector:
    """Return (d,) the same as `comparable` for one vector, in a third of the time."""
    if metric is not Metric.COSINE:
        return query
    wide = query.astype(np.float64)
    # BLAS is faster, but starts threads for more than 10,000 numbers.
    norm = math.sqrt(wide.dot(wide) if len(wide) < 4_096 else np.einsum("i,i->", wide, wide))
    unit: Vector = (wide / norm if norm else wide).astype(np.float32)
    return unit


def exact_similarities(rows: Vectors, query: Vector, metric: Metric) -> Floats:
    """Return (n,) similarities of comparable rows; equal rows get equal values at any position.

    Args:
        rows: (n, d).
        query: (d,) for all rows, or (n, d) one for each.
        metric: The metric.
    """
    if metric is Metric.EUCLIDEAN:
        difference = rows.astype(np.float64) - query
        distance = np.sqrt(np.einsum("ij,ij->i", difference, difference) / query.shape[-1])
        result: Floats = 1.0 / (1.0 + distance)
        return result
    # Not a matrix product: its last bits depend on a row's position, and equal vectors must tie.
    pairs = "ij,j->i" if query.ndim == 1 else "ij,ij->i"
    cosine: Floats = np.einsum(pairs, rows, query).astype(np.float64)
    cosine *= _UNITS  # `numpy.round` takes three times as long for few values
    np.rint(cosine, out=cosine)
    cosine /= _UNITS
    return cosine


def rounding_error(dimension: int, lanes: int = 4) -> float:
    """Return the maximum difference of two float32 dot products of unit vectors, one of them rounded.

    The error bound of a sum in m steps is m * 2**-24 (Higham, Accuracy and Stability, section 3.1). Two more
    steps cover the weighting and comparison of estimates.

    Args:
        dimension: Number of products that are summed.
        lanes: Minimum number of parallel partial sums: four in numpy, one in faiss without SIMD.
    """
    return 2 * (dimension / lanes + 10) * 2.0**-24 + 10.0**-DECIMALS


class ExactVectors:
    """Comparable vectors in blocks of float32.

    Args:
        dimension: Length of a vector.
        metric: The metric.
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
        """Return (last - first,) exact similarities of a range."""
        parts = self.blocks.parts(first, last)
        found = [exact_similarities(rows, query, self.metric) for _, rows in parts]
        return np.concatenate([_NONE, *found])

    def similarities_at(self, query: Vector, places: Places) -> Floats:
        """Return (m,) exact similarities of the vectors at ascending positions."""
        if len(places) <= self._at_once:
            return exact_similarities(self.blocks.take(places), query, self.metric)
        chunks = [places[at : at + self._at_once] for at in range(0, len(places), self._at_once)]
        found = [exact_similarities(self.blocks.take(some), query, self.metric) for some in chunks]
        return np.concatenate([_NONE, *found])

    def products(self, query: Vector, first: int, last: int) -> Products:
        """Return (last - first,) cosines of a range, within `rounding_error` with one lane."""
        result = np.empty(last - first, np.float32)
        for at, rows in self.blocks.parts(first, last):
            inner_products(rows, query, out=result[at - first : at - first + len(rows)])
        return result

    def products_with_all(self, queries: Vectors, places: Places) -> Vectors:
        """Return (b, m) cosines of the vectors at ascending positions to many queries (b, d), b * d <= 2**15.

        They are within the same error. The products are of `NO_THREADS` numbers, always with eight vectors or
        more, as a product with a single one starts threads earlier.
        """
        result = np.empty((len(queries), len(places)), np.float32)
        some = np.zeros((NO_THREADS // queries.size, queries.shape[1]), np.float32)
        for at in range(0, len(places), len(some)):
            n = len(self.blocks.take(places[at : at + len(some)], some))
            result[:, at : at + n] = (queries @ some.T)[:, :n]
        return result

    def products_at(self, query: Vector, places: Places) -> Products:
        """Return (m,) cosines of the vectors at ascending positions, within the same error."""
        result = np.empty(len(places), np.float32)
        for which, rows, at in self.blocks.split(places):
            inner_products_at(rows, at, query, out=result[which])
        return result
