"""Metadata filters of LangChain (`{"floor": {"$gte": 2}}`) as filters of a memory, on `Experience.metadata`.

The reverse of `embodied_mem.integrations.langchain_filters`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from embodied_mem.errors import InvalidQuery, unknown_name
from embodied_mem.records.filters import (
    EVERYTHING,
    And,
    Between,
    Equals,
    In,
    Not,
    Or,
    Where,
    all_of,
    join_path,
)

_COMPARISONS: Mapping[str, Callable[[str, Any], Where]] = {
    "$eq": Equals,
    "$ne": lambda path, value: Not(Equals(path, value)),
    "$in": lambda path, values: In(path, _several(values)),
    "$nin": lambda path, values: Not(In(path, _several(values))),
    "$gte": lambda path, bound: Between(path, low=bound),
    "$lt": lambda path, bound: Between(path, high=bound),
    "$gt": lambda path, bound: And((Between(path, low=bound), Not(Equals(path, bound)))),
    "$lte": lambda path, bound: Or((Between(path, high=bound), Equals(path, bound))),
}
_JOINTS: Mapping[str, Callable[[tuple[Where, ...]], Where]] = {"$and": And, "$or": Or}


def metadata_filter(given: Any) -> Where:
    """Return the filter of a search argument `filter`.

    A field of metadata equals a value, or its operators hold: `$eq`, `$ne`, `$in`, `$nin`, `$gt`, `$gte`,
    `$lt`, `$lte`; joined by `$and`, `$or`, `$not`. A document without the field passes `$ne`, `$nin` and
    `$not` only.
    None passes everything, and a filter of this library is returned as it is.

    Raises:
        InvalidQuery: It is neither, or a value cannot be compared.
        UnknownName: An operator is unknown.
    """
    if given is None:
        return EVERYTHING
    if isinstance(given, Where):
        return given
    if not isinstance(given, Mapping):
        raise InvalidQuery(
            f"filter is {given!r:.200}; expected a mapping, such as {{'floor': 2}}, or where(...)"
        )
    return all_of(*(_part(name, value) for name, value in given.items()))


def _part(name: object, value: Any) -> Where:
    if name in _JOINTS:
        return _JOINTS[str(name)](tuple(map(metadata_filter, _several(value))))
    if name == "$not":
        return Not(metadata_filter(value))
    if not isinstance(name, str) or not name or name.startswith("$"):
        raise unknown_name("operator of a filter", name, (*_JOINTS, "$not"))
    path = join_path(("metadata", name))
    if not isinstance(value, Mapping):
        return Equals(path, value)
    return all_of(*(_comparison(path, operator, operand) for operator, operand in value.items()))


def _comparison(path: str, operator: object, operand: Any) -> Where:
    if operator not in _COMPARISONS:
        raise unknown_name(f"operator on {path}", operator, _COMPARISONS)
    return _COMPARISONS[str(operator)](path, operand)


def _several(values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise InvalidQuery(f"filter has {values!r:.200} where a list is expected")
    return tuple(values)
