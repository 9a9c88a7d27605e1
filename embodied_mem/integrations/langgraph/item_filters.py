"""Filters of LangGraph on the values of items: what passes, and what the index can decide beforehand."""

from collections.abc import Iterable, Mapping
from typing import Any

from embodied_mem.errors import InvalidQuery, unknown_name
from embodied_mem.records.filters import EVERYTHING, Equals, Where, all_of, join_path

ORDERS = {
    "$gt": lambda value, bound: value > bound,
    "$gte": lambda value, bound: value >= bound,
    "$lt": lambda value, bound: value < bound,
    "$lte": lambda value, bound: value <= bound,
}
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


def _narrowed(path: tuple[str, ...], wanted: Mapping[str, Any]) -> Iterable[Where]:
    for name, want in wanted.items():
        here = (*path, name)
        if isinstance(want, Mapping) and not _has_operators(want):
            yield from _narrowed(here, want)
        elif isinstance(want, Mapping):
            yield _text_at(here, want.get("$eq"))
        else:
            yield _text_at(here, want)


def _text_at(path: tuple[str, ...], want: Any) -> Where:
    # Only texts: True equals 1 in Python and None equals what is missing, and neither does in the index.
    if not isinstance(want, str) or not all(path):
        return EVERYTHING
    try:
        return Equals(join_path(path), want)
    except (InvalidQuery, ValueError):  # a name or text that no path can hold
        return EVERYTHING


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
