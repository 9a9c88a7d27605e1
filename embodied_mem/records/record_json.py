"""Records as JSON and back, by the types of their fields; how records travel between processes."""

import base64
import dataclasses
import enum
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from embodied_mem.errors import InvalidRecord
from embodied_mem.records import filters
from embodied_mem.records.codec import experience_from_document, experience_to_document
from embodied_mem.records.experience import Experience
from embodied_mem.records.json_values import JsonValue

Record = TypeVar("Record")

_FILTERS = {
    "equals": filters.Equals,
    "in": filters.In,
    "between": filters.Between,
    "near": filters.Near,
}
_FILTER_TYPES = (*_FILTERS.values(), filters.And, filters.Or, filters.Not)


def record_to_json(value: Any) -> JsonValue:
    """Return a record, or a value of one of its fields, as JSON; experiences go without their vectors."""
    if isinstance(value, Experience):
        return experience_to_document(value)
    if isinstance(value, _FILTER_TYPES):
        return filters.to_document(cast("filters.Where", value))
    if dataclasses.is_dataclass(value):
        return {field.name: record_to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return cast("JsonValue", value.value)
    if isinstance(value, np.ndarray):
        return {"dtype": str(value.dtype), "shape": list(value.shape), "data": _text_of(value.tobytes())}
    if isinstance(value, Mapping):
        return {str(name): record_to_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [record_to_json(item) for item in value]
    return cast("JsonValue", value)


def record_from_json(kind: type[Record], document: Any) -> Record:
    """Return the record of this type.

    Raises:
        InvalidRecord: The document does not describe one.
    """
    try:
        return cast("Record", _value(kind, document))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidRecord(f"not a {kind.__name__}: {type(error).__name__}: {error}") from error


def filter_from_document(document: Mapping[str, Any]) -> filters.Where:
    """Return the filter that `filters.to_document` described.

    Raises:
        InvalidQuery: The filter is invalid.
    """
    [(operator, said)] = document.items()
    if operator == "not":
        return filters.Not(filter_from_document(said))
    if operator in ("and", "or"):
        parts = tuple(filter_from_document(part) for part in said)
        return filters.And(parts) if operator == "and" else filters.Or(parts)
    return cast("filters.Where", _FILTERS[operator](**{**said, **_tuples(said)}))


def _tuples(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) for name, value in said.items() if isinstance(value, list)}


def _value(kind: Any, document: Any) -> Any:
    """Return a value of this type, given by a type hint."""
    origin = get_origin(kind)
    if kind is Experience:
        return experience_from_document(document)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), document)
    if origin is tuple:
        return tuple(_value(get_args(kind)[0], item) for item in document)
    if (isinstance(kind, type) and issubclass(kind, np.ndarray)) or origin is np.ndarray:
        return _array(document)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(document)
    if dataclasses.is_dataclass(kind):
        hints = _hints(cast("type", kind))
        return cast("Any", kind)(**{name: _value(hints[name], item) for name, item in document.items()})
    return document


def _one_of(kinds: tuple[Any, ...], document: Any) -> Any:
    if document is None and type(None) in kinds:
        return None
    if set(kinds) & set(_FILTER_TYPES):
        return filter_from_document(document)
    others = [kind for kind in kinds if kind is not type(None)]
    return _value(others[0], document) if len(others) == 1 else document


def _array(document: Mapping[str, Any]) -> Any:
    data = base64.b64decode(document["data"])
    return np.frombuffer(data, np.dtype(document["dtype"])).reshape(document["shape"])


def _text_of(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, localns={"JsonValue": Any})  # an alias that names itself
