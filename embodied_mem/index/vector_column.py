"""The vectors of one field of one kind of entry: float32 while few, compressed when many."""

import logging
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Arrays, Floats, Mask, Places, Rows
from embodied_mem.index.compressed import CompressedVectors
from embodied_mem.index.estimates import Estimates, Shortlist, spread, spread_errors
from embodied_mem.index.growing import GrowingArray
from embodied_mem.index.index_options import TARGET_DIMENSION, IndexOptions
from embodied_mem.index.selection import Candidates
from embodied_mem.index.vectors import (
    NUMBERS_AT_ONCE,
    ExactVectors,
    comparable,
    comparable_query,
    exact_similarities,
    rounding_error,
)
from embodied_mem.records.spaces import Metric, Space, Vector, Vectors

logger = logging.getLogger(__name__)

SMALL = 2_000  # up to so many uncompressed vectors, exact comparison is faster than estimates with proof
MIN_SAMPLE = 256  # minimum number of vectors to compute the code ranges from
SAMPLE = 8192

ReadVectors: TypeAlias = Callable[[Rows], Vectors]  # rows that have a vector -> (m, d) as recorded, in order


class VectorColumn:
    """The vectors of one field, by row.

    Args:
        space: The space of the vectors.
        options: When to compress.

    Attributes:
        rounding_error: Maximum error of a product of uncompressed vectors.
    """

    def __init__(self, space: Space, options: IndexOptions) -> None:
        self.space = space
        self.options = options
        self._exact: ExactVectors | None = ExactVectors(space.dimension, space.metric)
        self._compressed: CompressedVectors | None = None
        self.rounding_error = rounding_error(space.dimension, lanes=1)
        self._n_rows = 0
        self._rows: GrowingArray | None = None  # row of each vector; None while vector i belongs to row i

    def __len__(self) -> int:
        return self._n_rows

    @property
    def n_vectors(self) -> int:
        """The number of rows that have a vector."""
        return len(self._held())

    @property
    def nbytes(self) -> int:
        """Memory taken by its arrays."""
        return self._held().nbytes + (0 if self._rows is None else self._rows.nbytes)

    @property
    def form(self) -> str:
        """The form of the vectors in memory: `exact` or `compressed`."""
        return "exact" if self._compressed is None else "compressed"

    @property
    def compressed(self) -> CompressedVectors | None:
        """The compressed vectors; None while uncompressed."""
        return self._compressed

    @property
    def needs_requantizing(self) -> bool:
        """Whether to rebuild the column from the log, because newer vectors lose too much precision."""
        return self._compressed is not None and self._compressed.needs_requantizing

    def accept_current_loss(self) -> None:
        """Accept the current loss of precision, so that no rebuild is requested for it."""
        if self._compressed is not None:
            self._compressed.accept_current_loss()

    def wants_sample(self, n_vectors: int) -> bool:
        """Whether a column of so many vectors is to be compressed and is not yet."""
        if self._compressed is not None or self.space.metric is not Metric.COSINE:
            return False
        limit = self.options.exact_rows * TARGET_DIMENSION / self.space.dimension
        limit = {"never": np.inf, "always": MIN_SAMPLE - 1, "auto": limit}[self.options.compression]
        return n_vectors > max(limit, MIN_SAMPLE - 1)

    def compress(self, sample: Vectors) -> None:
        """Compress the existing vectors and all later ones.

        Args:
            sample: (n, d) vectors as recorded, n > 0, spread over all vectors.
        """
        assert self._exact is not None
        compressed = CompressedVectors(comparable(sample, self.space.metric))
        blocks = self._exact.blocks
        for _, rows in blocks.parts(0, len(blocks)):
            compressed.extend(rows)
        self._exact, self._compressed = None, compressed
        logger.info("compressed %d vectors of %s", len(compressed), self.space)

    def extend(self, rows: Rows, vectors: Vectors, n_rows: int) -> None:
        """Append rows.

        Args:
            rows: (m,) the rows that have a vector, ascending.
            vectors: (m, d) as recorded.
            n_rows: Number of rows covered afterwards.
        """
        held = self.n_vectors
        if self._rows is None and len(rows) and (rows[0] != held or rows[-1] != held + len(rows) - 1):
            self._rows = GrowingArray(np.int64)
            self._rows.extend(np.arange(held))
        if self._rows is not None:
            self._rows.extend(rows)
        if len(rows):
            self._held().extend(comparable(vectors, self.space.metric))
        self._n_rows = n_rows
        if self._exact is not None and self.wants_sample(self.n_vectors):
            every = max(1, self.n_vectors // SAMPLE)
            self.compress(self._exact.blocks.take_every(every))

    def target(self, query: Vector) -> Vector:
        """Return (d,) the target of a query for the methods below; a unit vector for the cosine."""
        return comparable_query(query, self.space.metric)

    def shortlist(self, target: Vector, k: int, first: int, last: int) -> Shortlist | None:
        """Return rows that most likely include the k best, with a bound; None if a scan is as fast."""
        if self._compressed is None:
            return None
        begin, end = self._stretch(first, last)
        found = self._compressed.shortlist(target, k, begin, end)
        if found is None:
            return None
        others = found[1] if end - begin == last - first else max(found[1], 0.0)  # 0 without a vector
        return Shortlist(self._rows_at(found[0]), others)

    def report(self) -> dict[str, str | int]:
        """Return the number of vectors, their bytes and their form."""
        return {"n_vectors": self.n_vectors, "bytes": self.nbytes, "kept": self.form}

    def estimates(self, target: Vector, candidates: Candidates) -> Estimates:
        """Return the candidates' similarities to the target, within error bounds; 0 without a vector."""
        if candidates.rows is None:
            first, last = self._stretch(candidates.first, candidates.last)
            found = self._estimated_stretch(target, first, last)
            has_value = self._have_vector(candidates.first, candidates.last, first, last)
        else:
            places, has_value = self._places(candidates.rows)
            found = self._estimated_places(target, places)
        if has_value is None:
            return found
        return Estimates(spread(found.values, has_value), spread_errors(found.errors, has_value))

    def similarities(self, target: Vector, rows: Rows, read: ReadVectors) -> Floats:
        """Return (m,) exact similarities of ascending rows to the target; 0 without a vector."""
        places, has_value = self._places(rows)
        if self._exact is not None:
            values = self._exact.similarities_at(target, places)
        else:
            assert self._compressed is not None
            # Agents often see the same again, so equal vectors are read only once.
            prints = self._compressed.fingerprints(places)
            _, first, which = np.unique(prints, return_index=True, return_inverse=True)
            values = self._recorded_similarities(target, self._rows_at(places[first]), read)[which]
        return values if has_value is None else spread(values, has_value)

    @property
    def has_products(self) -> bool:
        """Whether it has uncompressed vectors with a cosine, as the next two methods need."""
        return self._exact is not None and self.space.metric is Metric.COSINE

    def products(self, targets: Vectors, candidates: Candidates) -> Vectors:
        """Return (b, len(candidates)) cosines to many targets, within `rounding_error`; 0 without a vector.

        Args:
            targets: (b, d) from `target`.
            candidates: The candidates.
        """
        assert self._exact is not None
        places, has_value = self._places(candidates.row_numbers())
        found = self._exact.products_with_all(targets, places)
        if has_value is None:
            return found
        result = np.zeros((len(targets), len(candidates)), np.float32)
        result[:, has_value] = found
        return result

    def similarities_of_pairs(self, targets: Vectors, rows: Rows) -> Floats:
        """Return (b, n) exact similarities of rows (b, n) to the target of their line; 0 without a vector."""
        assert self._exact is not None
        unique, which = np.unique(rows, return_inverse=True)
        places, has_value = self._places(unique)
        vectors = np.zeros((len(unique), self.space.dimension), np.float32)
        vectors[slice(None) if has_value is None else has_value] = self._exact.blocks.take(places)
        each = np.repeat(targets, rows.shape[1], axis=0)
        return exact_similarities(vectors[which.reshape(-1)], each, self.space.metric).reshape(rows.shape)

    def to_arrays(self) -> Arrays:
        """Return the arrays of a snapshot."""
        arrays: dict[str, npt.NDArray[Any]] = {"n_rows": np.array([self._n_rows])}
        if self._rows is not None:
            arrays["rows"] = self._rows.items
        if self._compressed is not None:
            arrays |= {f"compressed.{name}": array for name, array in self._compressed.to_arrays().items()}
        if self._exact is not None:
            blocks = self._exact.blocks
            arrays |= {f"exact.{at}": rows for at, rows in blocks.parts(0, len(blocks))}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays, space: Space, options: IndexOptions) -> "VectorColumn":
        """Load a column from the arrays of a snapshot."""
        column = cls(space, options)
        column._n_rows = int(arrays["n_rows"][0])
        if "rows" in arrays:
            column._rows = GrowingArray(np.int64)
            column._rows.extend(arrays["rows"])
        if compressed := _part(arrays, "compressed."):
            column._exact, column._compressed = None, CompressedVectors.from_arrays(compressed)
        for rows in _part(arrays, "exact.").values():
            assert column._exact is not None
            column._exact.blocks.adopt(rows)
        return column

    def _rows_at(self, places: Places) -> Rows:
        return places if self._rows is None else self._rows.items[places]

    def _held(self) -> ExactVectors | CompressedVectors:
        held = self._compressed if self._exact is None else self._exact
        assert held is not None
        return held

    def _recorded_similarities(self, target: Vector, rows: Rows, read: ReadVectors) -> Floats:
        """Return (m,) exact similarities of rows whose vectors are read from the log in batches."""
        at_once, metric = max(1, NUMBERS_AT_ONCE // self.space.dimension), self.space.metric
        chunks = [rows[at : at + at_once] for at in range(0, len(rows), at_once)]
        parts = [exact_similarities(comparable(read(some), metric), target, metric) for some in chunks]
        return np.concatenate([np.zeros(0), *parts])

    def _estimated_stretch(self, target: Vector, first: int, last: int) -> Estimates:
        if self._compressed is not None:
            return Estimates(*self._compressed.estimates(target, first, last))
        assert self._exact is not None
        if last - first <= SMALL or self.space.metric is not Metric.COSINE:
            return Estimates(self._exact.similarities(target, first, last))
        return Estimates(self._exact.products(target, first, last), self.rounding_error)

    def _estimated_places(self, target: Vector, places: Places) -> Estimates:
        if self._compressed is not None:
            return Estimates(*self._compressed.estimates_at(target, places))
        assert self._exact is not None
        if len(places) <= SMALL or self.space.metric is not Metric.COSINE:
            return Estimates(self._exact.similarities_at(target, places))
        return Estimates(self._exact.products_at(target, places), self.rounding_error)

    def _stretch(self, first: int, last: int) -> tuple[int, int]:
        """Return the positions (first, end) of the vectors of a range of rows."""
        if self._rows is None:
            return min(first, self.n_vectors), min(last, self.n_vectors)
        held = self._rows.items
        return int(np.searchsorted(held, first)), int(np.searchsorted(held, last))

    def _have_vector(self, first_row: int, last_row: int, first: int, last: int) -> Mask | None:
        """Return (last_row - first_row,) which rows have a vector; None if all have.

        The vectors of these rows are at positions first to last (exclusive).
        """
        if last - first == last_row - first_row:
            return None
        has_value = np.zeros(last_row - first_row, np.bool_)
        rows = np.arange(first, last) if self._rows is None else self._rows.items[first:last]
        has_value[rows - first_row] = True
        return has_value

    def _places(self, rows: Rows) -> tuple[Places, Mask | None]:
        """Return the positions of the vectors of ascending rows, and which have one; None if all have."""
        if self._rows is None:
            n_with = int(rows.searchsorted(self.n_vectors))
            return rows[:n_with], None if n_with == len(rows) else np.arange(len(rows)) < n_with
        held = self._rows.items
        if not len(held):
            return np.zeros(0, np.int64), np.zeros(len(rows), np.bool_)
        at = np.minimum(np.searchsorted(held, rows), len(held) - 1)
        has_value = held[at] == rows
        return at[has_value], has_value


def _part(arrays: Arrays, prefix: str) -> dict[str, npt.NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
