"""Payload values that have their own column, so that filters read them without parsing JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from embodied_mem.records.filters import split_path
from embodied_mem.records.json_values import JsonValue

# Payload path -> column, filled when an entry is appended; NULL if the value has another type.
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

# (first name of the path or "", last name, column, whether it holds text) of each column.
_PLACES = tuple(
    (*path.rpartition(".")[::2], column, path in TEXT_COLUMNS)
    for path, column in {**TEXT_COLUMNS, **NUMBER_COLUMNS}.items()
)

Parameter: TypeAlias = str | int | float


def column_values(payload: Mapping[str, JsonValue]) -> dict[str, Parameter | None]:
    """Return the filter column values of a payload, by column name."""
    values: dict[str, Parameter | None] = {}
    parts: dict[str, Any] = {"": payload}  # object at the first name of a path, looked up once
    for first, last, column, is_text in _PLACES:
        if first not in parts:
            parts[first] = payload.get(first)
        part = parts[first]
        value = part.get(last) if isinstance(part, dict) else None
        values[column] = value if (isinstance(value, str) if is_text else _is_number(value)) else None
    return values


def json_path(path: str) -> str:
    """Return a dotted path without `*` in SQLite's JSON path syntax."""
    return f"${json_steps(split_path(path))}"


def json_steps(names: Iterable[str]) -> str:
    """Return names as steps of a JSON path of SQLite, encoded as in the stored JSON text."""
    return "".join(f".{json.dumps(name, ensure_ascii=False)}" for name in names)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
