"""`Where` compiled to parameterised SQL that agrees with `filters.matches` on every document.

Paths with a column of their own are compared there. Any other is taken out of the payload as JSON text
(`->`), where equal texts, booleans and nulls have equal spelling. Numbers have several spellings and SQLite
rounds some when it reads them, so those go through a function that asks the reference evaluator.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, TypeAlias

from embodied_mem.filters import And, Between, Equals, In, Near, Not, Or, Scalar, Where, matches, split_path
from embodied_mem.json_values import JsonValue, canonical

# Path in the payload -> column, filled when an entry is appended; null where the value is not of the column's
# type.
TEXT_COLUMNS: Mapping[str, str] = {
    "kind": "experience_kind",
    "scope.agent": "scope_agent",
    "scope.world": "scope_world",
    "scope.place": "scope_place",
    "scope.person": "scope_person",
    "scope.run": "scope_run",
    "task.kind": "task_kind",
    "task.instance": "task_instance",
    "outcome.status": "outcome_status",
}
NUMBER_COLUMNS: Mapping[str, str] = {"happened_at_s": "happened_at_s"}

COLUMN_PATHS = (*TEXT_COLUMNS, *NUMBER_COLUMNS)

# (first name of the path or "", last name, column, whether it holds text) of each column.
_PLACES = tuple(
    (*path.rpartition(".")[::2], column, path in TEXT_COLUMNS)
    for path, column in {**TEXT_COLUMNS, **NUMBER_COLUMNS}.items()
)

LEAF_FUNCTION = "leaf_matches"  # (index of the leaf, JSON text at its path) -> 0 or 1

MAX_NESTING = 20  # parentheses; the parser of older SQLite gives up between 30 and 50
CHAIN = 32  # how deep in SQLite's tree of an expression one chain of AND or OR may go; 1,000 is the limit

Leaf: TypeAlias = Equals | In | Between | Near
Parameter: TypeAlias = str | int | float


@dataclass(slots=True)
class WhereSql:
    """A filter as an SQL condition that is 0 or 1 and never null.

    Attributes:
        condition: The SQL, with `?` for each parameter.
        parameters: What stands for them, in order.
        leaves: What `LEAF_FUNCTION` is asked about, by index: a comparison, or a whole filter that is nested
            too deep for SQL.
    """

    condition: str = ""
    parameters: list[Parameter] = field(default_factory=list)
    leaves: list[Where] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The tables that the condition names: the wide one only if it looks into the payload."""
        return "entries JOIN contents USING (sequence)" if "payload" in self.condition else "entries"


def compile_where(where: Where) -> WhereSql:
    """The filter as SQL over `entries JOIN contents USING (sequence)`; see `WhereSql.source`."""
    sql = WhereSql()
    sql.condition = _condition(where, sql)
    if _nesting(sql.condition) > MAX_NESTING:
        return WhereSql(f"{LEAF_FUNCTION}(?, payload)", [0], [where])
    return sql


def leaf_function(leaves: Sequence[Where]) -> Callable[[int, str | None], int]:
    """What `LEAF_FUNCTION` does: the reference evaluator on one value, or on the whole payload."""

    def leaf_matches(index: int, text: str | None) -> int:
        if text is None:
            return 0
        leaf, value = leaves[index], json.loads(text)
        return int(matches(leaf, _nested(leaf.path, value) if isinstance(leaf, Leaf) else value))

    return leaf_matches


def column_values(payload: Mapping[str, JsonValue]) -> dict[str, Parameter | None]:
    """What the filter columns hold for a payload, by column name."""
    values: dict[str, Parameter | None] = {}
    parts: dict[str, Any] = {"": payload}  # the mappings at the first names of paths, each looked up once
    for first, last, column, is_text in _PLACES:
        if first not in parts:
            parts[first] = payload.get(first)
        part = parts[first]
        value = part.get(last) if isinstance(part, dict) else None
        values[column] = value if (isinstance(value, str) if is_text else _is_number(value)) else None
    return values


def _condition(where: Where, sql: WhereSql) -> str:
    match where:
        case Equals(path, value):
            return _equals(path, value, sql)
        case In(path, values):
            return _in(where, path, values, sql)
        case Between(path, low, high):
            return _between(where, path, low, high, sql)
        case Near():
            return _leaf(where, sql)
        case And(parts):
            return _joined("AND", [_condition(part, sql) for part in parts]) or "1"
        case Or(parts):
            return _joined("OR", [_condition(part, sql) for part in parts]) or "0"
        case Not(part):
            return f"NOT ({_condition(part, sql)})"


def _equals(path: str, value: Scalar, sql: WhereSql) -> str:
    if _is_number(value):
        return _leaf(Equals(path, value), sql)
    if path in TEXT_COLUMNS and isinstance(value, str):
        sql.parameters.append(value)
        return f"({TEXT_COLUMNS[path]} IS ?)"
    sql.parameters += [json_path(path), canonical(value)]
    return "((payload -> ?) IS ?)"


def _in(where: In, path: str, values: Sequence[Scalar], sql: WhereSql) -> str:
    spelt = [canonical(value) for value in values if not _is_number(value)]
    conditions: list[str] = []
    if spelt:
        # A list of JSON texts, each in JSON again: one parameter however long it is.
        sql.parameters += [json_path(path), json.dumps(spelt)]
        conditions.append("coalesce((payload -> ?) IN (SELECT value FROM json_each(?)), 0)")
    numbers = tuple(value for value in values if _is_number(value))
    if numbers:
        conditions.append(_leaf(In(path, numbers), sql))
    return _joined("OR", conditions) or "0"


def _between(where: Between, path: str, low: float | None, high: float | None, sql: WhereSql) -> str:
    bounds = {">=": low, "<": high}
    if path not in NUMBER_COLUMNS or any(isinstance(b, int) and abs(b) >= 2**63 for b in bounds.values()):
        return _leaf(where, sql)
    column = NUMBER_COLUMNS[path]
    conditions = [f"{column} IS NOT NULL"]
    for operator, bound in bounds.items():
        if bound is not None:
            conditions.append(f"{column} {operator} ?")
            sql.parameters.append(bound)
    return f"coalesce({' AND '.join(conditions)}, 0)"


def _leaf(leaf: Leaf, sql: WhereSql) -> str:
    sql.parameters += [len(sql.leaves), json_path(leaf.path)]
    sql.leaves.append(leaf)
    return f"{LEAF_FUNCTION}(?, payload -> ?)"


def _joined(operator: str, conditions: Sequence[str]) -> str:
    """The conditions in one, as chains of chains, because SQLite limits how deep an expression is."""
    while len(conditions) > 1:
        chains = [conditions[i : i + CHAIN] for i in range(0, len(conditions), CHAIN)]
        conditions = [f"({f' {operator} '.join(chain)})" for chain in chains]
    return conditions[0] if conditions else ""


def _nesting(condition: str) -> int:
    """How deep its parentheses go; no text of a filter is in it, only parameters."""
    levels = accumulate({"(": 1, ")": -1}.get(character, 0) for character in condition)
    return max(levels, default=0)


def json_path(path: str) -> str:
    """The dotted path as SQLite writes it; labels are spelt as in the stored JSON text."""
    return "$" + "".join(f".{json.dumps(name, ensure_ascii=False)}" for name in split_path(path))


def _nested(path: str, value: JsonValue) -> dict[str, JsonValue]:
    for name in reversed(split_path(path)):
        value = {name: value}
    return value  # type: ignore[return-value]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
