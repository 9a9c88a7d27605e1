"""Conversion of metadata, facts and arguments to plain JSON values.

NumPy scalars and arrays are converted. A value that JSON cannot carry raises an error that names its field,
instead of being dropped later by a writer (a defect measured in other memory libraries).
"""

import json
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from embodied_mem.errors import InvalidRecord

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None
JsonObject: TypeAlias = dict[str, JsonValue]

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

MAX_TEXT_CHARS = 16 * 1024 * 1024
MAX_DEPTH = 64


def check_text(value: object, *, field: str) -> str:
    """Return the text if it can be stored.

    Raises:
        InvalidRecord: The value is not a string, exceeds 16 Mi characters or holds a lone surrogate.
    """
    if not isinstance(value, str):
        raise InvalidRecord(f"{field} is {type(value).__name__}; expected a string")
    if len(value) > MAX_TEXT_CHARS:
        raise InvalidRecord(f"{field} has {len(value):,} characters; at most {MAX_TEXT_CHARS:,} are kept")
    if value.isascii():
        return value
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidRecord(
            f"{field} holds a lone surrogate at character {error.start}; pass it through clean_text() first"
        ) from None
    return value


def clean_text(value: object) -> str:
    """Return the value as text, at most 16 Mi characters, with each lone surrogate replaced by U+FFFD."""
    text = value if isinstance(value, str) else str(value)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")[:MAX_TEXT_CHARS]


def error_text(error: BaseException) -> str:
    """Return an exception as clean text, such as `KeyError: 'x'`; its type alone if it cannot be printed."""
    name = type(error).__name__
    try:
        return clean_text(f"{name}: {error}")
    except Exception:  # foreign code prints its own exceptions
        return name


def to_json(value: Any, *, field: str, depth: int = 0) -> JsonValue:
    """Return the value as plain JSON: numpy scalars become numbers; arrays, tuples and sets become lists.

    Raises:
        InvalidRecord: JSON cannot hold it: NaN, infinity, bytes, an object, a key not a string, depth > 64.
    """
    if depth > MAX_DEPTH:
        raise InvalidRecord(f"{field} is nested deeper than {MAX_DEPTH} levels")
    plain = type(value)  # strings and integers first: most values are one of them
    if plain is str:
        return check_text(value, field=field)
    if plain is int and -(2**63) <= value < 2**63:
        number: int = value
        return number
    return _converted(value, field=field, depth=depth)


def to_json_object(value: Mapping[str, Any], *, field: str) -> JsonObject:
    """Return a mapping as a plain JSON object; see `to_json`."""
    if type(value) is dict and not value:
        return {}
    if type(value) is not dict and not isinstance(value, Mapping):
        raise InvalidRecord(f"{field} is {type(value).__name__}; expected a mapping")
    return _object(value, field=field, depth=0)


def canonical(value: JsonValue) -> str:
    """Return the canonical JSON text: sorted keys, no spaces; equal values give equal texts."""
    return _ENCODER.encode(value)


def _object(value: Mapping[Any, Any], *, field: str, depth: int) -> JsonObject:
    result: JsonObject = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise InvalidRecord(f"{field} has the key {key!r}; expected text keys")
        check_text(key, field=f"a key of {field}")
        result[key] = to_json(item, field=f"{field}.{key}", depth=depth + 1)
    return result


def _converted(value: Any, *, field: str, depth: int) -> JsonValue:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise InvalidRecord(f"{field} is {value}; expected an integer of at most 64 bits")
        return int(value)
    if isinstance(value, str):
        return check_text(str(value), field=field)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidRecord(f"{field} is {value}; expected a finite number")
        return float(value)
    if isinstance(value, Mapping):
        return _object(value, field=field, depth=depth)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return [to_json(item, field=f"{field}[{i}]", depth=depth + 1) for i, item in enumerate(items)]
    raise InvalidRecord(f"{field} is {type(value).__name__}; expected a number, text, list, mapping or None")
