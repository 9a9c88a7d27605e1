"""A task kind: the name of a world and the options that it is made with, as one line of text.

`gym:FrozenLake-v1?is_slippery=false` is the world `gym:FrozenLake-v1`, made with `is_slippery=False`. Equal
kinds give equal texts, so that the text serves as the kind's name in configurations, rows and reports.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.records.json_values import JsonObject, JsonValue, canonical, to_json_object

FORM = "text such as babyai:UnlockPickup, or {kind: gym:FrozenLake-v1, options: {is_slippery: false}}"
KEYS = ("kind", "options")
ESCAPES = {"&": "\\u0026", "?": "\\u003f"}  # what separates options; in JSON they only occur within texts


@dataclass(frozen=True, slots=True)
class TaskKind:
    """A world and its options; `str` gives the text that `parse` reads.

    Attributes:
        name: Name of the world, such as `gym:FrozenLake-v1`.
        options: Keyword arguments of the world's factory, as JSON values.
    """

    name: str
    options: JsonObject = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name:
            raise ExperimentError(f"a task kind has no name; expected {FORM}")
        for key in self.options:
            if not isinstance(key, str) or not key.isidentifier():
                raise ExperimentError(
                    f"{self.name} has the option {key!r}, which is not a keyword; expected name: value"
                )
        options = to_json_object(self.options, field=f"options of {self.name}")
        object.__setattr__(self, "options", options)

    @classmethod
    def read(cls, given: object) -> Self:
        """Read an entry of `stream.kinds`: text, or a mapping with `kind` and `options`.

        Raises:
            ExperimentError: It is neither, or an option cannot be read.
            UnknownName: The mapping has another key.
            InvalidRecord: An option is not a JSON value.
        """
        if isinstance(given, str):
            return cls.parse(given)
        if not isinstance(given, Mapping) or not isinstance(given.get("kind"), str):
            raise ExperimentError(f"stream.kinds holds {given!r}; expected {FORM}")
        unknown = [key for key in given if key not in KEYS]
        if unknown:
            raise unknown_name(f"key of the task kind {given['kind']!r}", unknown[0], KEYS)
        options = given.get("options") or {}
        if not isinstance(options, Mapping):
            raise ExperimentError(f"options of {given['kind']} is {options!r}; expected a mapping: {FORM}")
        parsed = cls.parse(given["kind"])
        return cls(parsed.name, {**parsed.options, **options})

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a kind from its text, `name` or `name?option=JSON&option=JSON`.

        Raises:
            ExperimentError: An option is not `name=JSON`, or comes twice.
        """
        name, mark, rest = text.rpartition("?")
        if not mark or "=" not in rest:  # the question mark, if any, belongs to the name
            return cls(text)
        options: dict[str, JsonValue] = {}
        for part in rest.split("&"):
            key, _, value = part.partition("=")
            if key in options:
                raise ExperimentError(f"{text} gives the option {key} twice; give it once")
            options[key] = _value(value, key=key, kind=text)
        return cls(name, options)

    def __str__(self) -> str:
        """The text, with options in alphabetical order."""
        if not self.options:
            return self.name
        parts = (f"{key}={_escaped(canonical(value))}" for key, value in sorted(self.options.items()))
        return f"{self.name}?{'&'.join(parts)}"


def _value(text: str, *, key: str, kind: str) -> JsonValue:
    try:
        value: Any = json.loads(text)
    except ValueError:
        raise ExperimentError(
            f"{kind} has the option {key}={text}, whose value is not JSON; expected true, false, null, "
            'a number, [..], {..} or text in double quotes, such as "4x4"'
        ) from None
    plain: JsonValue = value
    return plain


def _escaped(text: str) -> str:
    for sign, escape in ESCAPES.items():
        text = text.replace(sign, escape)
    return text
