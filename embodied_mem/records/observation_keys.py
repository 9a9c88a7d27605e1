"""Keys of an observation: the vectors by which it is found again, and its texts.

The same function makes the keys of a recorded observation and of a query, so that equal ones meet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from embodied_mem.errors import EmbodiedMemError, InvalidQuery, InvalidRecord
from embodied_mem.records.arrays import Array, as_array
from embodied_mem.records.json_values import clean_text
from embodied_mem.records.spaces import MAX_DIMENSION, FieldVector, Metric, Space

Path: TypeAlias = tuple[str, ...]

OBSERVATION_FIELD = "observation"
MAX_WHOLE = 4_096  # numbers of an array that is recorded as it is
MAX_WHOLE_PART = 512  # the same for an entry of a mapping or tuple, which may have many
MAX_DIGEST = 512  # numbers of a digest, which stands for a larger array
MAX_PARTS = 32
MAX_DEPTH = 4
MAX_NAME_CHARS = 100
FAR = 2.0**20  # distance of neighbouring integers, which are names: unequal ones have nothing in common


@dataclass(frozen=True, slots=True)
class ObservationKeys:
    """What can be compared of an observation.

    Attributes:
        vectors: One for each array, number or integer in it, at most 32.
        texts: The texts in it.
        errors: Why its other parts cannot be compared.
    """

    vectors: tuple[FieldVector, ...] = ()
    texts: tuple[str, ...] = ()
    errors: tuple[EmbodiedMemError, ...] = ()


def observation_keys(observation: Any, *, max_whole: int = MAX_WHOLE) -> ObservationKeys:
    """Return the keys of an observation of any type.

    | part | field | similarity |
    |---|---|---|
    | array of at most `max_whole` numbers, in a mapping 512 | `observation/4`: its shape | Euclidean |
    | larger array, such as an image | `observation/84x84x3~`: at most 512 block means | Euclidean |
    | integer, which names a state | `observation/integer` | 1 if equal, else below 1e-5 |
    | entry of a mapping or tuple | by its path: `observation/camera/64x64x3~` | as above |

    Args:
        observation: The observation; arrays may be of any library (see `as_array`).
        max_whole: Maximum size of an array that is a vector as it is.
    """
    vectors: dict[str, FieldVector] = {}
    texts, errors = [], []
    for path, leaf in islice(_leaves(observation), MAX_PARTS):
        if isinstance(leaf, str):
            texts.append(leaf)
            continue
        try:
            for vector in _vectors_of(leaf, path, max_whole if not path else MAX_WHOLE_PART):
                vectors.setdefault(vector.field, vector)
        except EmbodiedMemError as error:
            errors.append(error)
    return ObservationKeys(tuple(vectors.values()), tuple(texts), tuple(errors))


def observation_vector(observation: Any) -> FieldVector:
    """Return an array observation as a flattened vector; its field and Euclidean space belong to its shape.

    Raises:
        InvalidRecord: The array is empty, larger than 65,536 numbers, not numeric or not finite.
    """
    return _whole(_numeric_array(observation), ())


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the path and value of each part; mappings and tuples are taken apart, sorted by key."""
    if isinstance(value, list | tuple):
        value = _row_of_numbers(value)
    if len(path) < MAX_DEPTH and isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _leaves(value[key], (*path, clean_text(key)[:MAX_NAME_CHARS]))
    elif len(path) < MAX_DEPTH and isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, str(number)))
    else:
        yield path, value


def _row_of_numbers(value: list[Any] | tuple[Any, ...]) -> Any:
    """Return a list of numbers as an array; a tuple only with a float in it, as integers are names."""
    if isinstance(value, tuple) and not any(isinstance(item, float | np.floating) for item in value):
        return value
    try:
        array = as_array(np.asarray(value))
    except Exception:  # rows of several lengths, or objects that do not want to be read
        return value
    return value if array is None or array.dtype.kind in "SU" else array


def _vectors_of(leaf: Any, path: Path, max_whole: int) -> Iterator[FieldVector]:
    if isinstance(leaf, int | np.integer | np.bool_):
        yield _integer(int(leaf), path)
        return
    array = as_array(np.asarray(leaf) if isinstance(leaf, float) else leaf)
    if array is None or array.dtype.kind not in "biuf" or not array.size:
        raise _not_comparable(leaf, array, path)
    if array.size <= max_whole:
        yield _whole(array, path)
    if array.size > (MAX_WHOLE_PART if path else MAX_WHOLE):
        yield _digest(array, path)


def _not_comparable(leaf: Any, array: Array | None, path: Path) -> InvalidQuery:
    where = f"the entry {'/'.join(path)!r} of the observation" if path else "the observation"
    what = type(leaf).__name__ if array is None else f"an array of {array.dtype} with shape {array.shape}"
    return InvalidQuery(
        f"{where} is {what}, of which no vector is ever recorded; expected numbers, arrays of real numbers, "
        "texts, or mappings and tuples of them. To compare words, give state= or text="
    )


def _integer(value: int, path: Path) -> FieldVector:
    limbs = [value >> shift & 0xFFFF for shift in (0, 16, 32, 48)]
    values = np.array(limbs, np.float32) * np.float32(FAR)
    return FieldVector(field=_field(path, "integer"), space=_space("integer-observation", 4), values=values)


def _whole(array: Array, path: Path) -> FieldVector:
    shape = _shape_text(array.shape)
    space = _space("flattened-observation", array.size, shape)
    # A field has one space and a store may hold observations of many shapes, so the field names the shape.
    return FieldVector(field=_field(path, shape), space=space, values=array.reshape(-1))


def _digest(array: Array, path: Path) -> FieldVector:
    shape = _shape_text(array.shape)
    means = block_means(array).reshape(-1)
    space = _space("digest-of-observation", means.size, shape)
    return FieldVector(field=_field(path, f"{shape}~"), space=space, values=means)


def block_means(array: Array) -> Array:
    """Return the array reduced to at most 512 numbers, each the mean of a block: 84x84x3 becomes 11x11x3.

    Its longest axis is halved until it fits.
    """
    shape = list(array.shape)
    while np.prod(shape, dtype=float) > MAX_DIGEST:
        longest = int(np.argmax(shape))
        shape[longest] = -(-shape[longest] // 2)
    for axis, (size, n) in enumerate(zip(shape, array.shape, strict=True)):
        if size < n:
            first = np.arange(size) * n // size
            counts = np.diff(first, append=n).reshape([-1 if i == axis else 1 for i in range(array.ndim)])
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is rejected later
                array = np.add.reduceat(array, first, axis=axis, dtype=np.float64) / counts
    return array


def _shape_text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _field(path: Path, form: str) -> str:
    return "/".join((OBSERVATION_FIELD, *path, form))


@lru_cache(maxsize=256)
def _space(name: str, dimension: int, shape: str = "") -> Space:
    return Space(name=name, version="1", dimension=dimension, config_hash=shape, metric=Metric.EUCLIDEAN)


def _numeric_array(observation: Any) -> Array:
    try:
        array = as_array(observation)
        array = np.asarray(observation) if array is None else array
    except ValueError as error:  # rows of several lengths
        raise InvalidRecord(f"the observation is not a valid array: {error}") from None
    if array.dtype.kind not in "biuf" or not 1 <= array.size <= MAX_DIMENSION:
        raise InvalidRecord(
            f"the observation is an array of {array.dtype} with shape {array.shape}; expected 1 to "
            f"{MAX_DIMENSION:,} real numbers"
        )
    return array
