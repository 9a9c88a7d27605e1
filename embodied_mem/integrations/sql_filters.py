"""Filters as conditions of SQL over a column of JSON documents, in the dialect of SQLite (3.38 or newer)."""

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from embodied_mem.backends.sqlite.filter_columns import json_steps
from embodied_mem.errors import InvalidQuery
from embodied_mem.records.filter_paths import ANY, split_path
from embodied_mem.records.filter_visitor import FilterVisitor
from embodied_mem.records.filters import Between, Equals, In, Near, Scalar, Where

Parameter: TypeAlias = str | int | float

_COLUMN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", re.ASCII)
_CONTAINERS = ("array", "object")
_NUMBERS = ("integer", "real")
_WITHOUT_VALUE = {None: "null", True: "true", False: "false"}  # the type says it all


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """A condition for a WHERE clause; it is true or false and never NULL.

    Attributes:
        text: The SQL, with a `?` for each value.
        parameters: The values, in order.
    """

    text: str
    parameters: tuple[Parameter, ...] = ()


def to_sql(where: Where, *, column: str = "payload") -> SqlCondition:
    """Translate a filter: `db.execute(f"SELECT ... WHERE {condition.text}", condition.parameters)`.

    `Near` compares squares of distances, so a place at exactly the radius may be judged otherwise than by
    `filters.matches`. Numbers and texts are those that SQLite reads from the JSON: a text ends at a NUL.

    Args:
        where: The filter.
        column: Name of the column with the JSON of each record, as `codec.experience_to_document` gives it;
            `table.column` is allowed.

    Raises:
        InvalidQuery: The column is not a name.
        UnanswerableQuery: The filter compares with a text that holds a NUL.
    """
    if not _COLUMN.fullmatch(column):
        raise InvalidQuery(
            f"column is {column!r}; expected the name of a column, such as payload or log.payload"
        )
    return _ToSql(column).visit(where)


class _ToSql(FilterVisitor[SqlCondition]):
    """A place in a document is SQL for its path, so that it can depend on an element of a list."""

    target = "SQL"

    def __init__(self, column: str) -> None:
        self._column = column

    def equals(self, leaf: Equals) -> SqlCondition:
        return self.one_of(In(leaf.path, (leaf.value,)))

    def one_of(self, leaf: In) -> SqlCondition:
        if any(isinstance(value, str) and "\x00" in value for value in leaf.values):
            raise self.refusal(leaf, "SQLite ends a text at a NUL")
        return self._at(leaf.path, lambda place: self._is_one_of(place, leaf.values))

    def between(self, leaf: Between) -> SqlCondition:
        low, high = _least_number_from(leaf.low), _least_number_from(leaf.high)
        if low == math.inf or high == -math.inf:
            return SqlCondition("0")
        bounds = [] if low in (None, -math.inf) else [(">=", low)]
        bounds += [] if high in (None, math.inf) else [("<", high)]
        return self._at(leaf.path, lambda place: self._is_within(place, bounds))

    def near(self, leaf: Near) -> SqlCondition:
        return self._at(leaf.path, lambda place: self._is_near(place, leaf))

    def all_of(self, parts: Sequence[SqlCondition]) -> SqlCondition:
        return _joined(parts, "AND", empty="1")

    def any_of(self, parts: Sequence[SqlCondition]) -> SqlCondition:
        return _joined(parts, "OR", empty="0")

    def negated(self, part: SqlCondition) -> SqlCondition:
        return _sql("NOT ({})", part)

    def _at(self, path: str, test: Callable[[SqlCondition], SqlCondition]) -> SqlCondition:
        """Return whether one of the places that a path reaches passes a test."""
        first, *later = _parts_between_stars(split_path(path))
        place = SqlCondition("?", (f"${json_steps(first)}",))
        if not later:
            return test(place)
        elements, conditions = [], []
        for number, names in enumerate(later):
            elements.append(_sql(f"json_each({self._column}, {{}}) AS e{number}", place))
            # Of a text or number, json_each gives that itself as the one element.
            conditions.append(self._has_type(place, _CONTAINERS))
            place = SqlCondition(f"(e{number}.fullkey || ?)", (json_steps(names),))
        conditions.append(test(place))
        listed = _sql(", ".join(["{}"] * len(elements)), *elements)
        return _sql("EXISTS (SELECT 1 FROM {} WHERE {})", listed, _joined(conditions, "AND", empty="1"))

    def _is_one_of(self, place: SqlCondition, values: Iterable[Scalar]) -> SqlCondition:
        texts, numbers, types = [], [], []
        for value in values:
            if value is None or isinstance(value, bool):
                types.append(_WITHOUT_VALUE[value])
            elif isinstance(value, str):
                texts.append(value)
            elif (number := _stored(value)) is not None:
                numbers.append(number)
        parts = [self._has_type(place, types)] if types else []
        for found, names in ((texts, ("text",)), (numbers, _NUMBERS)):
            if found:
                listed = SqlCondition("(SELECT value FROM json_each(?))", (json.dumps(found),))
                is_listed = _sql("{} IN {}", self._value(place), listed)
                parts.append(_joined([self._has_type(place, names), is_listed], "AND", empty="1"))
        return _joined(parts, "OR", empty="0")

    def _is_within(self, place: SqlCondition, bounds: Sequence[tuple[str, float]]) -> SqlCondition:
        compared = [
            _sql(f"{{}} {operator} {{}}", self._value(place), SqlCondition("?", (bound,)))
            for operator, bound in bounds
        ]
        return _joined([self._has_type(place, _NUMBERS), *compared], "AND", empty="1")

    def _is_near(self, place: SqlCondition, leaf: Near) -> SqlCondition:
        size = _sql(f"json_array_length({self._column}, {{}}) = {len(leaf.center)}", place)
        parts, squares = [self._has_type(place, ("array",)), size], []
        for number, center in enumerate(leaf.center):
            axis = _sql(f"({{}} || '[{number}]')", place)
            parts.append(self._has_type(axis, _NUMBERS))
            step = _sql("({} - {})", self._value(axis), SqlCondition("?", (center,)))
            squares.append(_sql("{} * {}", step, step))
        total = _sql(" + ".join(["{}"] * len(squares)), *squares)
        parts.append(_sql("{} <= {}", total, SqlCondition("?", (leaf.radius_m**2,))))
        return _joined(parts, "AND", empty="1")

    def _has_type(self, place: SqlCondition, names: Iterable[str]) -> SqlCondition:
        listed = ", ".join(f"'{name}'" for name in names)
        return _sql(f"coalesce(json_type({self._column}, {{}}), '') IN ({listed})", place)

    def _value(self, place: SqlCondition) -> SqlCondition:
        return _sql(f"({self._column} ->> {{}})", place)


def _sql(template: str, *parts: SqlCondition) -> SqlCondition:
    """Return a template with parts put in, and their parameters in the same order."""
    parameters = tuple(value for part in parts for value in part.parameters)
    return SqlCondition(template.format(*(part.text for part in parts)), parameters)


def _joined(parts: Sequence[SqlCondition], word: str, *, empty: str) -> SqlCondition:
    """Return the parts joined in pairs, as SQLite limits the depth of an expression and not its size."""
    joined = list(parts) or [SqlCondition(empty)]
    while len(joined) > 1:
        pairs = [joined[at : at + 2] for at in range(0, len(joined), 2)]
        joined = [_sql(f"({{}} {word} {{}})", *pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return joined[0]


def _parts_between_stars(names: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for name in names:
        if name == ANY:
            parts.append([])
        else:
            parts[-1].append(name)
    return parts


def _stored(number: float) -> float | None:
    """Return the number as JSON may hold it, as an integer of 64 bits or a float; None if it cannot."""
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        nearest = _least_number_from(number)
        return nearest if nearest == number else None
    return number if math.isfinite(number) else None


def _least_number_from(bound: float | None) -> float | None:
    """Return the least number from the bound on that SQLite can hold."""
    if bound is None or isinstance(bound, float) or -(2**63) <= bound < 2**63:
        return bound
    try:
        near = float(bound)
    except OverflowError:
        return math.inf if bound > 0 else -math.inf
    return math.nextafter(near, math.inf) if near < bound else near
