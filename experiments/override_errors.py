"""What is wrong with an override, in one line: its value, what was expected, and how to write it."""

import dataclasses
import re
import shlex
import typing
from collections.abc import Iterator
from typing import Any

from embodied_mem.errors import EmbodiedMemError, ExperimentError, unknown_name
from embodied_mem.experiments.config import RunConfig

VALUES = "a number, a word, [a,b] or {a: 1}"
EXPECTED: dict[Any, tuple[str, str]] = {  # type of a setting -> what it accepts, and an example
    int: ("a whole number", "3"),
    int | None: ("a whole number or null", "50"),
    float | None: ("a number or null", "0.5"),
    str: ("text", "mine"),
    bool: ("true or false", "true"),
    list: ("a list", "[a,b]"),
    list[list[str]]: ("a list of lists", "[[a,b]]"),
    dict: ("a mapping", "{a: 1}"),
    dict[str, dict[str, Any]]: ("a mapping of mappings", "{mine: {base: memory}}"),
}


# Hydra names the override only in these messages.
MERGING = re.compile(r"Error merging override (?:\+\+)?(.*)", re.DOTALL)
SEVERAL_VALUES = re.compile(r"Ambiguous value for argument '(?:\+\+)?(.*)'$", re.MULTILINE)


def explain(error: BaseException) -> EmbodiedMemError:
    """A one-line error for an exception of Hydra or OmegaConf."""
    from hydra.errors import OverrideParseException
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError, MissingMandatoryValue

    for cause in _causes(error):
        if isinstance(cause, OverrideParseException):
            return _unreadable(cause.override.removeprefix("++"))
        if isinstance(cause, ConfigAttributeError | ConfigKeyError) and cause.full_key:
            return unknown_name("configuration key", cause.full_key, _settings())
        if isinstance(cause, MissingMandatoryValue) and cause.full_key:
            return _missing(cause.full_key)
        if found := SEVERAL_VALUES.match(str(cause)):
            return _unreadable(found[1])
        if found := MERGING.fullmatch(str(cause)):
            return _wrong_type(found[1])
    return ExperimentError(str(error).splitlines()[0])


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _missing(key: str) -> ExperimentError:
    key = key.replace("planner.options.llm.options.", "llm.")  # as it is given
    return ExperimentError(f"{key} has no value; give it, as in {key}=...")


def _unreadable(override: str) -> ExperimentError:
    key, _, value = override.partition("=")
    if value[:1] in ("[", "{", '"', "'"):
        advice = 'close every bracket and quote, and put text with other signs in quotes, as in ["a=b"]'
    elif typing.get_origin(_type_of(key)) is list:
        advice = f"write a list: {shlex.quote(f'{key}=[{value}]')}"
    else:
        text = value.replace("\\", "\\\\").replace('"', '\\"')
        advice = "put text with other signs in quotes: " + shlex.quote(f'{key}="{text}"')
    return ExperimentError(f"{key} is {value!r}, which cannot be read; expected {VALUES}; {advice}")


def _wrong_type(override: str) -> ExperimentError:
    key, _, value = override.partition("=")
    kind = _type_of(key)
    words, example = EXPECTED.get(kind) or EXPECTED.get(typing.get_origin(kind)) or (VALUES, "3")
    if words == "a list" and re.fullmatch(r"[\w:./-]+", value):
        example = f"[{value}]"
    return ExperimentError(f"{key} is {value!r}; expected {words}, as in {key}={example}")


def _type_of(key: str) -> Any:
    """The type of a setting, or dict for a group of them; None where anything goes."""
    kind: Any = RunConfig
    for part in key.split("."):
        if dataclasses.is_dataclass(kind):
            kind = typing.get_type_hints(kind).get(part)
        else:
            kind = typing.get_args(kind)[1] if typing.get_origin(kind) is dict else None
    return dict if dataclasses.is_dataclass(kind) else kind


def _settings() -> list[str]:
    """The keys of all settings, and of their groups."""
    groups = {"": RunConfig} | {f"{name}.": kind for name, kind in typing.get_type_hints(RunConfig).items()}
    return [
        f"{group}{field.name}"
        for group, kind in groups.items()
        if dataclasses.is_dataclass(kind)
        for field in dataclasses.fields(kind)
    ]
