"""`Where`: a small typed filter tree, and the reference evaluator that every back end must agree with.

A filter looks at the JSON form of a record (see `embodied_mem.codec`) by dotted path: `task.kind`,
`outcome.status`, `scope.place`, `metadata.floor`. A path that is absent matches no comparison, so
`Not(Equals(...))` matches records that lack the path. Booleans are not numbers: `Equals("metadata.n", 1)`
does not match `true`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from embodied_mem.errors import InvalidQuery
from embodied_mem.json_values import JsonObject, JsonValue, check_text

Scalar: TypeAlias = str | int | float | bool | None

MAX_DEPTH = 64

# First component of a path -> its second components; None where any may follow (free JSON).
FIELDS: Mapping[str, tuple[str, ...] | None] = {
    "id": (),
    "kind": (),
    "state": (),
    "state_after": (),
    "happened_at_s": (),
    "task": ("text", "kind", "instance"),
    "outcome": ("status", "reward", "steps", "explanation", "cost"),
    "scope": ("agent", "world", "place", "person", "run"),
    "origin": ("run", "attempt", "episode", "first_step", "last_step", "planner", "model", "versions"),
    "metadata": None,
    "facts": None,
}


@dataclass(frozen=True, slots=True)
class Equals:
    """The value at `path` is there and equals `value` (None matches an explicit JSON null)."""

    path: str
    value: Scalar

    def __post_init__(self) -> None:
        check_path(self.path)
        object.__setattr__(self, "value", _scalar(self.path, self.value))


@dataclass(frozen=True, slots=True)
class In:
    """The value at `path` equals one of `values`; no values match nothing."""

    path: str
    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        check_path(self.path)
        if isinstance(self.values, str) or not isinstance(self.values, Iterable):
            raise InvalidQuery(f"In({self.path!r}, {self.values!r}); expected a tuple of values")
        object.__setattr__(self, "values", tuple(_scalar(self.path, value) for value in self.values))


@dataclass(frozen=True, slots=True)
class Between:
    """The value at `path` is a number with low <= value < high; None leaves that end open."""

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
class And:
    """Every part matches; no parts match everything. Parts that are an `And` themselves are taken in."""

    parts: "tuple[Where, ...]" = ()
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _take_parts(self, self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part matches; no parts match nothing. Parts that are an `Or` themselves are taken in."""

    parts: "tuple[Where, ...]" = ()
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _take_parts(self, self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not match."""

    part: "Where"
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", _depth_over((check_where(self.part),)))


Where: TypeAlias = Equals | In | Between | And | Or | Not


def check_where(where: object) -> "Where":
    """The filter itself.

    Raises:
        InvalidQuery: It is something else, such as a mapping.
    """
    if not isinstance(where, Where):
        raise InvalidQuery(
            f"{where!r} is no filter; build one with where(kind='repair') or the classes of "
            "embodied_mem.filters"
        )
    return where


def _take_parts(node: "And | Or", parts: "Iterable[Where]") -> None:
    if not isinstance(parts, Iterable):
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
    """One filter that matches where every part does; parts that match everything are dropped."""
    kept = [part for part in parts if part != EVERYTHING]
    return kept[0] if len(kept) == 1 else And(tuple(kept))


def matches(where: Where, document: Mapping[str, JsonValue]) -> bool:
    """Whether a record's JSON form passes the filter: the definition that back ends are tested against."""
    match where:
        case Equals(path, value):
            found, actual = lookup(document, path)
            return found and same_scalar(actual, value)
        case In(path, values):
            found, actual = lookup(document, path)
            return found and any(same_scalar(actual, value) for value in values)
        case Between(path, low, high):
            _, actual = lookup(document, path)
            return _is_number(actual) and (low is None or low <= actual) and (high is None or actual < high)  # type: ignore[operator]
        case And(parts):
            return all(matches(part, document) for part in parts)
        case Or(parts):
            return any(matches(part, document) for part in parts)
        case Not(part):
            return not matches(part, document)


def lookup(document: Mapping[str, JsonValue], path: str) -> tuple[bool, JsonValue]:
    """Whether the dotted path is there, and the value at it."""
    current: JsonValue | Mapping[str, JsonValue] = document
    for name in path.split("."):
        if not isinstance(current, Mapping) or name not in current:
            return False, None
        current = current[name]
    return True, current  # type: ignore[return-value]


def same_scalar(actual: JsonValue, value: Scalar) -> bool:
    """Equality of JSON scalars: 1 equals 1.0, but true does not equal 1 and a list equals nothing."""
    if isinstance(actual, list | dict) or isinstance(actual, bool) is not isinstance(value, bool):
        return False
    return actual == value


def check_path(path: str) -> None:
    """Refuse a path that no record has.

    Raises:
        InvalidQuery: The path names no field of an experience; the message lists those there are.
    """
    check_text(path, field="path")
    first, *rest = path.split(".")
    if first not in FIELDS:
        raise InvalidQuery(f"{path!r} is no field of an experience. Known: {', '.join(FIELDS)}.")
    allowed = FIELDS[first]
    if allowed is None:
        is_known = bool(rest) and all(rest)
    else:
        is_known = (rest[0] in allowed if rest else not allowed) and (
            len(rest) < 2 or rest[0] in ("cost", "versions")
        )
    if not is_known or '"' in path:
        expected = ", ".join(f"{first}.{name}" for name in allowed) if allowed else f"{first}.<name>"
        raise InvalidQuery(
            f"{path!r} is no field of an experience. Expected {expected if allowed != () else first}."
        )


def where(**equal: "Scalar | list[Scalar] | tuple[Scalar, ...]") -> Where:
    """A filter from keywords, with `__` for the dot: `where(kind="repair", outcome__status="success")`.

    A list or tuple means "one of". An experience's outcome may be written `outcome="success"`.
    """
    parts: list[Where] = []
    for name, value in equal.items():
        path = "outcome.status" if name == "outcome" else name.replace("__", ".")
        parts.append(In(path, tuple(value)) if isinstance(value, list | tuple) else Equals(path, value))
    return all_of(*parts)


def to_document(where: Where) -> JsonObject:
    """The filter as JSON, for logs; the first key is its operator."""
    match where:
        case Equals(path, value):
            return {"equals": {"path": path, "value": value}}
        case In(path, values):
            return {"in": {"path": path, "values": list(values)}}
        case Between(path, low, high):
            return {"between": {"path": path, "low": low, "high": high}}
        case And(parts):
            return {"and": [to_document(part) for part in parts]}
        case Or(parts):
            return {"or": [to_document(part) for part in parts]}
        case Not(part):
            return {"not": to_document(part)}


def _scalar(path: str, value: Any) -> Scalar:
    """The value as plain Python; numbers of numpy are converted."""
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
