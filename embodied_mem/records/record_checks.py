"""Checks of the values of a record; `InvalidRecord` names the field and the expected value."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, cast

import numpy as np

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.json_values import MAX_TEXT_CHARS, JsonObject, check_text


class TextFields:
    """The text fields of one record type and their check.

    Args:
        record: Name of the record in messages.
        names: Names of its text fields, at least two.
    """

    def __init__(self, record: str, *names: str) -> None:
        self._fields = {name: f"{record}.{name}" for name in names}
        self._values: Callable[[object], tuple[Any, ...]] = attrgetter(*names)

    def check(self, record: object) -> None:
        """Reject a record with a text field that cannot be stored.

        Raises:
            InvalidRecord: A field is not a string, is too long or holds a lone surrogate.
        """
        try:  # all fields joined: records are built on every step and have many texts
            joined = "".join(self._values(record))
            if joined.isascii() and len(joined) <= MAX_TEXT_CHARS:
                return
        except TypeError:  # a field is not a string: the loop below names it
            pass
        for name, called in self._fields.items():
            check_text(getattr(record, name), field=called)


def checked_tuple(value: Any, *, field: str) -> tuple[Any, ...]:
    """Return the items of an iterable that is not a string."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidRecord(f"{field} is {value!r}; expected a sequence")
    return tuple(value)


def checked_position(value: Any) -> tuple[float, ...]:
    """Return the value as two or three finite floats."""
    expected = "expected 2 or 3 finite numbers in metres, or None"
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidRecord(f"position_m is {value!r}; {expected}")
    numbers = tuple(checked_number(number, field="position_m") for number in value)
    if len(numbers) not in (2, 3) or None in numbers:
        raise InvalidRecord(f"position_m is {numbers}; {expected}")
    return cast("tuple[float, ...]", numbers)


def checked_pose(value: Any) -> tuple[float, ...]:
    """Return the value as floats; any may be NaN, as of a robot that does not know where it is."""
    try:
        return tuple(float(number) for number in value)
    except (TypeError, ValueError):
        raise InvalidRecord(f"pose is {value!r:.200}; expected numbers, or None") from None


def checked_mapping(value: Any, *, field: str) -> Mapping[Any, Any]:
    """Return the value if it is a mapping."""
    if not isinstance(value, Mapping):
        raise InvalidRecord(f"{field} is {type(value).__name__}; expected a mapping")
    return value


def check_items(items: Sequence[Any], member: type, *, field: str) -> None:
    """Reject items of another type than `member`."""
    if member is not str and set(map(type, items)) == {member}:  # a third of the time for a long plan
        return
    for item in items:
        if member is str:
            check_text(item, field=field)
        elif not isinstance(item, member):
            raise InvalidRecord(f"{field} holds {type(item).__name__}; expected {member.__name__}")


def checked_number(value: Any, *, field: str) -> float | None:
    """Return the value as a finite float, or None for None."""
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InvalidRecord(f"{field} is {value!r}; expected a number or None") from None
    except OverflowError:  # an int without limit; its digits would fill the message
        raise InvalidRecord(f"{field} is an integer beyond 64-bit floats; expected a finite number") from None
    if not math.isfinite(number):
        raise InvalidRecord(f"{field} is {number}; expected a finite number or None")
    return number


def checked_count(value: Any, *, field: str, low: int = 0) -> int:
    """Return the value as an int of at least `low` that fits in 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value < 2**63:
        raise InvalidRecord(
            f"{field} is {value!r}; expected an integer of at least {low} and at most 64 bits"
        )
    return int(value)


def checked_versions(versions: Mapping[Any, Any]) -> dict[str, str]:
    """Return component names with their version strings."""
    if type(versions) is dict and not versions:
        return {}
    named = checked_mapping(versions, field="origin.versions").items()
    return {str(name): check_text(text, field=f"origin.versions.{name}") for name, text in named}


def checked_costs(cost: Mapping[str, Any], *, field: str) -> JsonObject:
    """Return cost names with finite floats of at least 0."""
    result: JsonObject = {}
    if type(cost) is dict and not cost:
        return result
    for name, value in checked_mapping(cost, field=field).items():
        number = checked_number(value, field=f"{field}.{name}")
        if number is None or number < 0:
            raise InvalidRecord(f"{field}.{name} is {value!r}; expected a number of at least 0")
        result[check_text(name, field=field)] = number
    return result
