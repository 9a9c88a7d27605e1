"""Whether saved vectors are those of the log: as they are, or as bytes within their bound.

On the machine that wrote them all are equal to the last bit, and that is looked at first. A processor that
adds up in another order may differ in the last bit of a number, so that much is let pass; it changes no
answer, as answers are exact by the bounds that are checked here.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.index import log_reader
from embodied_mem.index.arrays import Rows
from embodied_mem.index.compressed import LEVELS, CompressedVectors
from embodied_mem.index.rows import RowTable
from embodied_mem.index.snapshot import OpenPart
from embodied_mem.index.vectors import comparable
from embodied_mem.spaces import Metric, Space, Vectors

LAST_BIT = 2.0**-22  # of numbers up to 1 in float32, and as much again
AT_ONCE = 4096  # rows

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]


def fault_of_vectors(
    db: sqlite3.Connection, table: RowTable, field: str, space: Space, part: OpenPart
) -> str:
    """How a vector column differs from what the log gives; empty if it does not.

    Args:
        db: A connection to the log, which is read in short stretches.
        table: The rows of the kind; the column covers as many of the first ones as it says.
        field: Which field.
        space: The space of the field.
        part: The column, sound and fitting the log.

    Raises:
        ValueError: The arrays are not of the shape of a column.
    """
    n_rows = int(part.made_of["n_rows"])
    if part.arrays["n_rows"].tolist() != [n_rows]:
        return f"it says {n_rows:,} rows and holds another number"
    rows = part.arrays.get("rows")
    held = _held(part.arrays, space)
    done = 0
    for numbers, vectors in _vectors(db, table, field, space, n_rows):
        own = np.arange(done, done + len(numbers)) if rows is None else rows[done : done + len(numbers)]
        if not np.array_equal(own, numbers):
            return "other rows than it says have a vector"
        losses = held.losses_of(vectors)
        if losses is None:
            return f"vectors of rows {numbers[0]:,} to {numbers[-1]:,} are not those of the log"
        done += len(numbers)
    if rows is not None and len(rows) != done:
        return f"it says that {len(rows):,} rows have a vector, and {done:,} do"
    return held.fault_of_rest(done)


class _Exact:
    """Vectors as they are."""

    def __init__(self, arrays: Arrays, space: Space) -> None:
        self._slack = LAST_BIT if space.metric is Metric.COSINE else 0.0  # others are kept unchanged
        self._rows = _Stream(arrays, "exact.", space.dimension, np.float32)

    def losses_of(self, vectors: Vectors) -> npt.NDArray[np.float64] | None:
        """(m,) how far the next ones may be off; None if they are further off."""
        held = self._rows.take(len(vectors))
        is_equal = np.array_equal(held, vectors) or bool((np.abs(held - vectors) <= self._slack).all())
        return np.zeros(len(vectors)) if is_equal else None

    def fault_of_rest(self, n_vectors: int) -> str:
        """What is wrong, once all vectors were read."""
        return "" if self._rows.is_at_end() else f"it holds more than the {n_vectors:,} vectors of the log"


class _Compressed:
    """Vectors as bytes, which are made again with the range that was kept."""

    def __init__(self, arrays: Arrays, space: Space) -> None:
        self._low, self._step = arrays["compressed.low"], arrays["compressed.step"]
        self._codes = _Stream(arrays, "compressed.codes.", space.dimension, np.uint8)
        self._losses = arrays["compressed.losses"]
        self._prints = arrays["compressed.fingerprints"]
        self._made_prints: list[npt.NDArray[np.uint64]] = []
        if any(each.shape != (space.dimension,) for each in (self._low, self._step)):
            raise ValueError("the range of its bytes is of another dimension")
        if not (np.isfinite(self._low).all() and (self._step > 0).all()):
            raise ValueError("the range of its bytes is none")

    def losses_of(self, vectors: Vectors) -> npt.NDArray[np.float64] | None:
        """(m,) how far the next ones may be off; None if they are further off."""
        done = sum(map(len, self._made_prints))
        losses = self._losses[done : done + len(vectors)]
        codes = self._codes.take(len(vectors))
        made = self._made_of(vectors)
        self._made_prints.append(made["fingerprints"])
        is_equal = np.array_equal(codes, _joined(made)) and np.array_equal(losses, made["losses"])
        return losses.astype(np.float64) if is_equal or self._is_bounded(vectors, codes, losses) else None

    def fault_of_rest(self, n_vectors: int) -> str:
        """What is wrong, once all vectors were read."""
        if not self._codes.is_at_end() or len(self._losses) != n_vectors or len(self._prints) != n_vectors:
            return f"it holds codes, bounds or fingerprints of others than the {n_vectors:,} vectors"
        made = np.concatenate([np.zeros(0, np.uint64), *self._made_prints])
        return "" if _are_as_distinct(self._prints, made) else "it takes vectors for equal that are not"

    def _made_of(self, vectors: Vectors) -> dict[str, npt.NDArray[Any]]:
        nothing = np.zeros(0)
        made = CompressedVectors.from_arrays(
            {
                "low": self._low,
                "step": self._step,
                "losses": nothing,
                "fingerprints": nothing,
                "usual_loss": np.zeros(1),
            }
        )
        made.extend(vectors)
        return made.to_arrays()

    def _is_bounded(self, vectors: Vectors, codes: npt.NDArray[Any], losses: npt.NDArray[Any]) -> bool:
        """Whether each byte is the nearest and each bound holds and is close, but for the last bits."""
        wide, step, low = (each.astype(np.float64) for each in (vectors, self._step, self._low))
        nearest = np.clip((wide - low) / step, 0, LEVELS)
        is_nearest = np.abs(nearest - codes) <= 0.501 + LAST_BIT / step
        distances = np.linalg.norm(wide - (low + step * codes), axis=1)
        is_bound = (distances <= losses + 1e-6) & (losses <= 1.001 * distances + 1e-5)
        return bool(is_nearest.all() and is_bound.all())


class _Stream:
    """A matrix that is kept in pieces, read from its first row to its last.

    Args:
        arrays: Where the pieces are.
        beginning: How their names begin.
        width: Numbers in a row.
        dtype: Of the numbers.
    """

    def __init__(self, arrays: Arrays, beginning: str, width: int, dtype: type[np.generic]) -> None:
        self._arrays = arrays
        self._names = [name for name in arrays if name.startswith(beginning)]
        self._rest = np.zeros((0, width), dtype)

    def take(self, n: int) -> npt.NDArray[Any]:
        """The next n rows.

        Raises:
            ValueError: There are fewer, or a piece is of another shape.
        """
        pieces = [self._rest]
        while sum(map(len, pieces)) < n and self._names:
            pieces.append(self._piece())
        joined = np.concatenate(pieces)
        self._rest = joined[n:]
        if len(joined) < n:
            raise ValueError("it holds fewer vectors than the log")
        return joined[:n]

    def is_at_end(self) -> bool:
        """Whether every row was taken."""
        return not len(self._rest) and not self._names

    def _piece(self) -> npt.NDArray[Any]:
        piece = self._arrays[self._names.pop(0)]
        if piece.dtype != self._rest.dtype or piece.shape[1:] != self._rest.shape[1:]:
            raise ValueError(f"vectors of {piece.dtype} and shape {piece.shape[1:]}")
        return piece


def _held(arrays: Arrays, space: Space) -> _Exact | _Compressed:
    return _Compressed(arrays, space) if "compressed.low" in arrays else _Exact(arrays, space)


def _vectors(
    db: sqlite3.Connection, table: RowTable, field: str, space: Space, n_rows: int
) -> Iterator[tuple[Rows, Vectors]]:
    """Row numbers and vectors, as a column keeps them, of those of the first rows that have one."""
    for first in range(0, n_rows, AT_ONCE):
        wanted = table.sequences[first : min(n_rows, first + AT_ONCE)]
        bounds = int(wanted[0]) - 1, int(wanted[-1])
        for numbers, vectors in log_reader.vector_batches(db, field, space.dimension, *bounds):
            is_ours = np.isin(numbers, wanted)  # other kinds may have the same field
            if is_ours.any():
                rows = first + np.searchsorted(wanted, numbers[is_ours])
                yield rows, comparable(vectors[is_ours], space.metric)


def _joined(made: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate([array for name, array in made.items() if name.startswith("codes.")])


def _are_as_distinct(held: npt.NDArray[np.uint64], made: npt.NDArray[np.uint64]) -> bool:
    """Whether vectors of equal fingerprints are equal; the other way round costs time and no answer."""
    if np.array_equal(held, made):
        return True
    order = np.argsort(held)
    is_taken_for_equal = np.diff(held[order]) == 0
    return not (is_taken_for_equal & (np.diff(made[order]) != 0)).any()
