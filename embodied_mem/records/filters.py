"""`Where`: a typed filter tree, and the reference evaluator that every back end must agree with.

A filter addresses the JSON form of a record (see `embodied_mem.records.codec`) by dotted path: `task.kind`,
`outcome.status`, `metadata.floor`, `facts.objects.apple_1.state`. A missing path matches no comparison, so
`Not(Equals(...))` matches records that lack the path. Where a path has a `*`, one match among the values that
it reaches is enough. Booleans are not numbers: `Equals("metadata.n", 1)` does not match `true`.
`join_path(("metadata", "v1.2"))` addresses a name that holds a dot.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from embodied_mem.errors import InvalidQuery
from embodied_mem.records.experience import Status
from embodied_mem.records.filter_paths import FIELDS as FIELDS
from embodied_mem.records.filter_paths import check_path as check_path
from embodied_mem.records.filter_paths import join_path as join_path
from embodied_mem.records.filter_paths import lookup as lookup
from embodied_mem.records.filter_paths import split_path as split_path
from embodied_mem.records.filter_paths import values_at
from embodied_mem.records.json_values import JsonObject, JsonValue, check_text

Scalar: TypeAlias = str | int | float | bool | None

MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Equals:
    """The value at `path` exists and equals `value` (None matches an explicit JSON null)."""

    path: str
    value: Scalar

    def __post_init__(self) -> None:
        check_path(self.path)
        object.__setattr__(self, "value", _scalar(self.path, self.value))


@dataclass(frozen=True, slots=True)
class In:
    """The value at `path` equals one of `values`; an empty tuple matches nothing."""

    path: str
    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        check_path(self.path)
        if isinstance(self.values, str) or not isinstance(self.values, Iterable):
            raise InvalidQuery(f"In({self.path!r}, {self.values!r}); expected a tuple of values")
        object.__setattr__(self, "values", tuple(_scalar(self.path, value) for value in self.values))


@dataclass(frozen=True, slots=True)
class Between:
    """The value at `path` is a number with low <= value < high; a bound of None is open."""

    path: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        check_path(self.path)
        for name in ("low", "high"):
            bound = _scalar(self.path, getattr(self, name))
            if bound is not None and not _is_number(bound):
                raise InvalidQuery(f"a bound of {self.path!r} is {bound!r}; expected a number or None")
            object.__setattr__(self, name, bound)


@dataclass(frozen=True, slots=True)
class Near:
    """The position at `path` lies within `radius_m` of `center` and has as many coordinates.

    Attributes:
        path: Path of the position, such as `position_m`.
        center: (2,) or (3,) finite coordinates in metres, in the frame of the stored positions.
        radius_m: Finite, >= 0; a position at exactly this distance matches.
    """

    path: str
    center: tuple[float, ...]
    radius_m: float

    def __post_init__(self) -> None:
        check_path(self.path)
        object.__setattr__(self, "center", _center(self.center))
        radius_m = _scalar(self.path, self.radius_m)
        if not _is_number(radius_m) or not 0 <= radius_m < math.inf:  # type: ignore[operator]
            raise InvalidQuery(f"radius_m is {radius_m!r}; expected a finite number of at least 0")
        object.__setattr__(self, "radius_m", radius_m)


@dataclass(frozen=True, slots=True)
class And:
    """Every part matches; no parts match everything. Nested `And`s are flattened."""

    parts: "tuple[Where, ...]" = ()
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _set_flattened_parts(self, self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part matches; no parts match nothing. Nested `Or`s are flattened."""

    parts: "tuple[Where, ...]" = ()
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _set_flattened_parts(self, self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not match."""

    part: "Where"
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", _depth_over((check_where(self.part),)))


Comparison: TypeAlias = Equals | In | Between | Near
Where: TypeAlias = Comparison | And | Or | Not


def check_where(where: object) -> "Where":
    """Return the argument if it is a filter.

    Raises:
        InvalidQuery: The argument is not a filter, for example a mapping.
    """
    if not isinstance(where, Where):
        raise InvalidQuery(
            f"{where!r} is not a filter; build one with where(kind='repair') or the classes of "
            "embodied_mem.records.filters"
        )
    return where


def _set_flattened_parts(node: "And | Or", parts: "Iterable[Where]") -> None:
    if not isinstance(parts, tuple | Iterable):  # the usual type first: asking the protocol is slow
        raise InvalidQuery(f"{type(node).__name__} got {parts!r}; expected a tuple of filters")
    taken: list[Where] = []
    for part in map(check_where, parts):
        taken += part.parts if isinstance(part, And | Or) and type(part) is type(node) else (part,)
    object.__setattr__(node, "parts", tuple(taken))
    object.__setattr__(node, "depth", _depth_over(taken))


def _depth_over(parts: "Sequence[Where]") -> int:
    depth = 1 + max((part.depth for part in parts if isinstance(part, And | Or | Not)), default=0)
    if depth > MAX_DEPTH:
        raise InvalidQuery(f"the filter is nested deeper than {MAX_DEPTH} levels; build a flatter one")
    return depth


EVERYTHING: Where = And()


def all_of(*parts: Where) -> Where:
    """Return one filter that matches if every part does; parts equal to `EVERYTHING` are dropped."""
    kept = [part for part in parts if not (isinstance(part, And) and not part.parts)]
    return kept[0] if len(kept) == 1 else And(tuple(kept))


def matches(where: Where, document: Mapping[str, JsonValue]) -> bool:
    """Whether a record's JSON form passes the filter; back ends are tested against this definition."""
    match where:
        case And(parts):
            return all(matches(part, document) for part in parts)
        case Or(parts):
            return any(matches(part, document) for part in parts)
        case Not(part):
            return not matches(part, document)
        case leaf:
            reached = values_at(document, split_path(leaf.path))
            return any(map(partial(passes, leaf), reached))


def passes(comparison: Comparison, value: JsonValue) -> bool:
    """Whether a value that the comparison's path reaches satisfies it."""
    match comparison:
        case Equals(_, wanted):
            return same_scalar(value, wanted)
        case In(_, values):
            return any(same_scalar(value, wanted) for wanted in values)
        case Between(_, low, high):
            return _is_number(value) and (low is None or low <= value) and (high is None or value < high)  # type: ignore[operator]
        case Near(_, center, radius_m):
            return _is_place(value, len(center)) and math.dist(value, center) <= radius_m  # type: ignore[arg-type]


def same_scalar(actual: JsonValue, value: Scalar) -> bool:
    """Whether two JSON scalars are equal: 1 equals 1.0, true does not equal 1, a list equals nothing."""
    if isinstance(actual, list | dict) or isinstance(actual, bool) is not isinstance(value, bool):
        return False
    return actual == value


def where(**equal: "Scalar | list[Scalar] | tuple[Scalar, ...]") -> Where:
    """Build a filter from keywords, `__` for a dot: `where(kind="repair", outcome__status="success")`.

    A list or tuple means "one of". `outcome="success"` is short for `outcome__status="success"`.

    Raises:
        InvalidQuery: A keyword is not a field of an experience, or a status does not exist.
    """
    parts: list[Where] = []
    for name, value in equal.items():
        path = "outcome.status" if name == "outcome" else name.replace("__", ".")
        if path == "outcome.status":
            _check_statuses(value if isinstance(value, list | tuple) else (value,))
        parts.append(In(path, tuple(value)) if isinstance(value, list | tuple) else Equals(path, value))
    return all_of(*parts)


def before(time_s: float) -> Where:
    """Match `happened_at_s` < `time_s`, seconds since the Unix epoch; records without a time do not match."""
    return Between("happened_at_s", high=time_s)


def after(time_s: float) -> Where:
    """Match `happened_at_s` >= `time_s`, in seconds since the Unix epoch; the complement of `before`."""
    return Between("happened_at_s", low=time_s)


def asks_by_id(where: Where) -> bool:
    """Whether only ids that the filter names can pass it."""
    match where:
        case Equals("id") | In("id"):
            return True
        case And(parts):
            return any(map(asks_by_id, parts))
        case Or(parts):
            return bool(parts) and all(map(asks_by_id, parts))
    return False


def excludes_nothing(where: Where) -> bool:
    """Whether every experience passes, judged by the form of the filter alone.

    True for the empty filter, for `Not` of a filter that nothing passes, and for an unbounded range of
    `happened_at_s` (a memory sets it on every experience). Parts are judged one by one: `Or((a, Not(a)))` is
    False.
    """
    match where:
        case Between("happened_at_s", low, high):
            return low in (None, -math.inf) and high in (None, math.inf)
        case And(parts):
            return all(map(excludes_nothing, parts))
        case Or(parts):
            return any(map(excludes_nothing, parts))
        case Not(part):
            return _excludes_all(part)
    return False


def _excludes_all(where: Where) -> bool:
    match where:
        case In(_, values):
            return not values
        case And(parts):
            return any(map(_excludes_all, parts))
        case Or(parts):
            return all(map(_excludes_all, parts))
        case Not(part):
            return excludes_nothing(part)
    return False


def to_document(where: Where) -> JsonObject:
    """Return the filter as JSON, for logs; its only key is the operator."""
    match where:
        case Equals(path, value):
            return {"equals": {"path": path, "value": value}}
        case In(path, values):
            return {"in": {"path": path, "values": list(values)}}
        case Between(path, low, high):
            return {"between": {"path": path, "low": low, "high": high}}
        case Near(path, center, radius_m):
            return {"near": {"path": path, "center": list(center), "radius_m": radius_m}}
        case And(parts):
            return {"and": [to_document(part) for part in parts]}
        case Or(parts):
            return {"or": [to_document(part) for part in parts]}
        case Not(part):
            return {"not": to_document(part)}


def _check_statuses(values: Iterable[Scalar]) -> None:
    for value in values:
        if not isinstance(value, str) or value not in tuple(Status):
            raise InvalidQuery(f"outcome.status {value!r} is unknown; expected one of {', '.join(Status)}")


def _center(center: Any) -> tuple[float, ...]:
    values = center.tolist() if isinstance(center, np.ndarray) else center
    numbers = tuple(values) if isinstance(values, list | tuple) else ()
    plain = tuple(n.item() if isinstance(n, np.generic) else n for n in numbers)
    if not _is_place(list(plain), 2) and not _is_place(list(plain), 3):
        raise InvalidQuery(f"center is {center!r}; expected 2 or 3 finite coordinates in metres")
    return tuple(float(n) for n in plain)


def _is_place(value: JsonValue, dimension: int) -> bool:
    """Whether the value is a sequence of `dimension` finite numbers."""
    is_sized = isinstance(value, list | tuple) and len(value) == dimension
    return is_sized and all(_is_number(n) and math.isfinite(n) for n in value)  # type: ignore[union-attr, arg-type]


def _scalar(path: str, value: Any) -> Scalar:
    """Return the value as a plain Python scalar; numpy scalars are converted."""
    if type(value) is str:  # most are; a text of numpy is converted below
        return check_text(value, field=f"the value for {path}")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value != value:
        raise InvalidQuery(f"the value for {path!r} is nan; expected a finite number, text, bool or None")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return check_text(value, field=f"the value for {path}")
    raise InvalidQuery(
        f"the value for {path!r} is {type(value).__name__}; expected text, number, bool or None"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
