"""Embedding spaces and vectors: each vector belongs to a field of a record and to a space."""

import dataclasses
import enum
import sys
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import InvalidRecord, UnknownSpace
from embodied_mem.records.json_values import check_text

Vector: TypeAlias = npt.NDArray[np.float32]
Vectors: TypeAlias = npt.NDArray[np.float32]

MAX_DIMENSION = 65_536
_FLOAT32 = np.dtype(np.float32)
_HIGH = 3 if sys.byteorder == "little" else 0  # offset of the highest byte; 0x7f and 0xff: above 1.7e38


class Metric(enum.StrEnum):
    """Similarity of two vectors of a space; 1 means equal."""

    COSINE = "cosine"  # (u . v) / (|u| |v|), in [-1, 1]
    EUCLIDEAN = "euclidean"  # 1 / (1 + |u - v| / sqrt(d)), in (0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Embedder, configuration, dimension and metric; vectors are comparable only within one space.

    Attributes:
        name: Name of the embedder.
        version: Version of the embedder.
        config_hash: Hash of its configuration; two configurations give two spaces.
        dimension: Length of a vector, 1 to 65,536.
        metric: Similarity measure.
    """

    name: str
    version: str
    dimension: int
    config_hash: str = ""
    metric: Metric = Metric.COSINE

    def __post_init__(self) -> None:
        for name in ("name", "version", "config_hash"):
            check_text(getattr(self, name), field=f"space.{name}")
        if self.metric not in list(Metric):
            raise InvalidRecord(f"space.metric is {self.metric!r}; expected one of {', '.join(Metric)}")
        object.__setattr__(self, "metric", Metric(self.metric))
        is_integer = isinstance(self.dimension, int | np.integer) and not isinstance(self.dimension, bool)
        if not is_integer or not 1 <= self.dimension <= MAX_DIMENSION:
            raise InvalidRecord(f"space.dimension is {self.dimension!r}; expected 1 to {MAX_DIMENSION:,}")
        # SQLite would store a numpy integer as bytes, which could not be read back.
        object.__setattr__(self, "dimension", int(self.dimension))

    def __str__(self) -> str:
        return f"{self.name}@{self.version}[{self.config_hash}] ({self.dimension}-d, {self.metric})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldVector:
    """One embedding of one field of a record.

    Attributes:
        field: Name of the embedded field ("text", "observation", "image", ...).
        space: Space of the vector.
        values: (d,) float32, finite, read-only; d is the space's dimension.
    """

    field: str
    space: Space
    values: Vector = dataclasses.field(repr=False)  # hundreds of numbers would swamp a printed record

    def __post_init__(self) -> None:
        check_text(self.field, field="vector.field")
        if not isinstance(self.space, Space):
            raise InvalidRecord(f"the space of vector {self.field!r} is {self.space!r}; expected a Space")
        values = self.values
        if type(values) is not np.ndarray or values.dtype is not _FLOAT32:
            values = _float32(values, self.field)
        if values.shape != (self.space.dimension,):
            raise InvalidRecord(
                f"vector {self.field!r} has shape {values.shape}; "
                f"space {self.space} expects ({self.space.dimension},)"
            )
        data = values.tobytes()
        high = data[_HIGH::4]  # sign and high exponent bits: faster than np.isfinite
        if b"\x7f" in high or b"\xff" in high:
            _check_finite(values, self.field)
        object.__setattr__(self, "values", np.frombuffer(data, np.float32))  # read-only, like the bytes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FieldVector):
            return NotImplemented
        same_place = (self.field, self.space) == (other.field, other.space)
        return same_place and bool(np.array_equal(self.values, other.values))

    def __hash__(self) -> int:
        return hash((self.field, self.space, self.values.tobytes()))


def stored_vector(field: str, space: Space, data: bytes) -> FieldVector:
    """Build a vector from the log without checking for finite values: they were checked when written.

    Args:
        field: Name of the embedded field.
        space: Space of the vector.
        data: Its values as little-endian float32.

    Raises:
        InvalidRecord: The number of values differs from the space's dimension.
    """
    values = np.frombuffer(data, "<f4")
    if len(values) != space.dimension or values.dtype != np.float32:
        return FieldVector(field=field, space=space, values=values)
    vector = object.__new__(FieldVector)
    object.__setattr__(vector, "field", field)
    object.__setattr__(vector, "space", space)
    object.__setattr__(vector, "values", values)  # read-only, like the bytes
    return vector


def _check_finite(values: Vector, field: str) -> None:
    are_finite = np.isfinite(values)
    if not are_finite.all():
        first = int(np.argmin(are_finite))
        raise InvalidRecord(f"vector {field!r} holds {values[first]} at {first}; expected finite numbers")


def _float32(values: npt.ArrayLike, field: str) -> Vector:
    """Return the values as float32; numbers beyond its range become infinite."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of several lengths
        raise InvalidRecord(f"vector {field!r} is not a valid array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise InvalidRecord(f"vector {field!r} is an array of {array.dtype}; expected real numbers")
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def similarities(matrix: Vectors, query: Vector, metric: Metric) -> npt.NDArray[np.float64]:
    """Return the similarity of each row to the query; 1 means equal.

    Args:
        matrix: (n, d) float32.
        query: (d,) float32.
        metric: `cosine` gives values in [-1, 1] and 0 for a zero vector; `euclidean` gives values in (0, 1].

    Returns:
        (n,) float64.
    """
    rows, target = matrix.astype(np.float64), query.astype(np.float64)
    if metric is Metric.EUCLIDEAN:
        distance: npt.NDArray[np.float64] = np.linalg.norm(rows - target, axis=1) / np.sqrt(len(target))
        return 1.0 / (1.0 + distance)
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(target)
    result: npt.NDArray[np.float64] = np.divide(
        rows @ target, norms, out=np.zeros(len(rows)), where=norms > 0
    )
    return result


def unknown_space(store: str, field: str, *, held: Space, given: Space) -> UnknownSpace:
    """The error for a vector of another space than the field's, naming both and the way out."""
    return UnknownSpace(
        f"field {field!r} of {store} holds vectors of {held}; the given one lies in {given}. Use the store's "
        "embedder, give this vector a field name of its own, or embed the store anew with the other one: "
        "embodied-mem memory reembed FOLDER --embedder NAME"
    )
