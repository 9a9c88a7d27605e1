"""Filters of LangGraph on the values of items: what passes, and what the index can decide beforehand."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from embodied_mem.errors import InvalidQuery, unknown_name
from embodied_mem.records.filters import EVERYTHING, Between, Equals, In, Not, Or, Where, all_of, join_path

ORDERS = {
    "$gt": lambda value, bound: value > bound,
    "$gte": lambda value, bound: value >= bound,
    "$lt": lambda value, bound: value < bound,
    "$lte": lambda value, bound: value <= bound,
}
MAX_EXACT = 2.0**52  # up to here a comparison of floats and of integers is the same
OPERATORS = ("$eq", "$ne", *ORDERS)


def passes(value: Any, wanted: Any) -> bool:
    """Return whether a value is as wanted: equal, nested alike, or as its operators say.

    A mapping may hold more than is wanted of it; a list must agree item by item. An order compares numbers,
    also those written as text; what is no number is in no order.
    """
    if isinstance(wanted, Mapping) and _has_operators(wanted):
        return all(_holds(value, operator, operand) for operator, operand in wanted.items())
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and all(passes(value.get(k), want) for k, want in wanted.items())
    if isinstance(wanted, list | tuple):
        is_alike = isinstance(value, list | tuple) and len(value) == len(wanted)
        return is_alike and all(map(passes, value, wanted))
    return bool(value == wanted)


def check_filter(wanted: Any) -> None:
    """Reject a filter with an operator that does not exist.

    Raises:
        InvalidQuery: The bound of an order is no number.
        UnknownName: An operator is unknown; the message names the close ones.
    """
    if isinstance(wanted, list | tuple):
        for each in wanted:
            check_filter(each)
    elif isinstance(wanted, Mapping):
        for name, operand in wanted.items():
            if not _has_operators(wanted):
                check_filter(operand)
            elif name not in OPERATORS:
                raise unknown_name("operator", name, OPERATORS)
            elif name in ORDERS and _number(operand) is None:
                raise InvalidQuery(f"{name} is {operand!r}; expected a number to compare with")


def narrowed(wanted: Mapping[str, Any] | None) -> Where:
    """Return what the index can decide of a filter; what passes the filter passes this, too."""
    return all_of(*_narrowed(("facts",), wanted or {}))


def _narrowed(path: tuple[str, ...], wanted: Mapping[str, Any]) -> Iterator[Where]:
    for name, want in wanted.items():
        here = (*path, name)
        if not isinstance(want, Mapping):
            yield _equal_at(here, want)
        elif not _has_operators(want):
            yield from _narrowed(here, want)
        else:
            yield from (_holds_at(here, operator, operand) for operator, operand in want.items())


def _holds_at(path: tuple[str, ...], operator: str, operand: Any) -> Where:
    if operator == "$eq":
        return _equal_at(path, operand)
    bound = _number(operand) if operator in ORDERS else None
    dotted = _dotted(path)
    if bound is None or not abs(bound) <= MAX_EXACT or not dotted:
        return EVERYTHING
    above = operator in ("$gt", "$gte")
    in_order = Between(dotted, bound) if above else Between(dotted, None, math.nextafter(bound, math.inf))
    return Or((in_order, Not(Between(dotted))))  # a text may be a number, which the index does not know


def _equal_at(path: tuple[str, ...], want: Any) -> Where:
    """Return where a value may equal this; None equals what is missing, and a list is compared afterwards."""
    dotted = _dotted(path)
    if not dotted or not isinstance(want, str | int | float):
        return EVERYTHING
    if isinstance(want, str):
        return Equals(dotted, want) if "\x00" not in want else EVERYTHING
    if not abs(want) <= MAX_EXACT:
        return EVERYTHING
    as_bool = (bool(want),) if want in (0, 1) else ()  # True equals 1 in Python, and not in the index
    return In(dotted, (float(want), *as_bool))


def _dotted(path: tuple[str, ...]) -> str:
    """Return the path that the index knows; empty if a name is one that no path can hold."""
    return "" if not all(path) or any('"' in name for name in path) else join_path(path)


def _has_operators(wanted: Mapping[str, Any]) -> bool:
    return any(str(name).startswith("$") for name in wanted)


def _holds(value: Any, operator: str, operand: Any) -> bool:
    if operator in ("$eq", "$ne"):
        return bool(value == operand) is (operator == "$eq")
    number, bound = _number(value), _number(operand)
    return number is not None and bound is not None and bool(ORDERS[operator](number, bound))


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
