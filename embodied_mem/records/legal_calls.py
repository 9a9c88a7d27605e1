"""The calls that can be made at a moment: as a list, read from text, and as a JSON schema.

A planner gets the skills of the moment as `Context.skills`. A language model that writes calls as JSON is
held to `call_schema`, one that writes them as text is read by `parse_call`, and one that picks from a list
gets `legal_calls`.
"""

import itertools
import json
import math
import re
from collections.abc import Sequence

from embodied_mem.errors import InvalidRecord, unknown_name
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import JsonObject, JsonValue
from embodied_mem.records.skills import Parameter, Skill, check_call

MAX_LEGAL_CALLS = 1_000
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_END = re.compile(r"(?P<arguments>.*)\)(?: x(?P<count>[1-9]\d{0,18}))?", re.DOTALL)
_COMMA = re.compile(r"\s*,\s*")
_JSON = json.JSONDecoder()


def listable(skills: Sequence[Skill]) -> list[Skill]:
    """Return the skills whose every parameter lists its choices, so that their calls can be listed."""
    return [skill for skill in skills if all(parameter.choices for parameter in skill.parameters)]


def legal_calls(skills: Sequence[Skill], *, limit: int = MAX_LEGAL_CALLS) -> list[SkillCall]:
    """Return every call of these skills, in their order, with every combination of choices.

    A skill with a parameter that lists no choices is left out: any value may fit it.

    Args:
        skills: The skills that can be called now.
        limit: Largest number of calls to return.

    Raises:
        InvalidRecord: There are more calls than `limit`; the message names the skill with the most.
    """
    skills = listable(skills)
    counts = {skill.name: math.prod(len(p.choices) for p in skill.parameters) for skill in skills}
    if sum(counts.values()) > limit:
        most = max(counts, key=lambda name: counts[name])
        raise InvalidRecord(
            f"there are {sum(counts.values()):,} legal calls, {counts[most]:,} of them of {most}; limit is "
            f"{limit:,}. Draw some with random_call, or describe them by call_schema"
        )
    return [call for skill in skills for call in calls_of(skill)]


def calls_of(skill: Skill) -> list[SkillCall]:
    """Return every call of one skill; none if a parameter lists no choices."""
    names = [parameter.name for parameter in skill.parameters]
    combinations = itertools.product(*(parameter.choices for parameter in skill.parameters))
    return [SkillCall(skill.name, dict(zip(names, values, strict=True))) for values in combinations]


def in_order(call: SkillCall, skills: Sequence[Skill]) -> SkillCall:
    """Return a call with its arguments in the order of the skill's parameters, as `parse_call` reads them.

    A plan from a store has them in the order of their names.

    Args:
        call: The call.
        skills: The skills that can be called now; a call of another skill is returned as it is.
    """
    for skill in skills:
        names = [parameter.name for parameter in skill.parameters]
        if skill.name == call.name and set(names) == set(call.arguments):
            return SkillCall(call.name, {name: call.arguments[name] for name in names}, call.count)
    return call


def write_call(call: SkillCall, skills: Sequence[Skill]) -> str:
    """Return a call as `parse_call` reads it; see `in_order`."""
    return str(in_order(call, skills))


def parse_call(text: str, skills: Sequence[Skill]) -> SkillCall:
    """Read a call as `write_call` writes it: `put(red ball 1, "on, not in", 3) x2`.

    Arguments are given in the order of the skill's parameters. Text needs double quotes, as in JSON, only
    where it could be misread: if it holds a comma, or looks like a number or another JSON value.

    Args:
        text: The call; white space around it does not count.
        skills: The skills that can be called now.

    Raises:
        UnknownName: No skill has this name; the message gives the nearest names.
        InvalidRecord: The text is no call, or the arguments do not fit the skill.
    """
    skill, rest = _skill_of(text.rstrip(), skills)
    found = _END.fullmatch(rest)
    if found is None:
        raise InvalidRecord(f"{text[:200]!r} is no call; expected {skill.name}(...), maybe followed by ' x2'")
    values = _values(found["arguments"].strip(), skill)
    arguments = {
        parameter.name: _choice(parameter, value)
        for parameter, value in zip(skill.parameters, values, strict=True)
    }
    call = SkillCall(skill.name, arguments, int(found["count"] or 1))
    check_call(call, (skill,))
    return call


def call_schema(skills: Sequence[Skill], *, with_count: bool = True) -> JsonObject:
    """Return the JSON schema (draft 2020-12) of a plan: an array of calls of these skills.

    `SkillCall(**call)` makes a call of each item.

    Args:
        skills: The skills that can be called now.
        with_count: Whether a call may say how many times in a row it is made.
    """
    branches: list[JsonValue] = [_call_schema(skill, with_count=with_count) for skill in skills]
    if not branches:
        return {"$schema": SCHEMA_DIALECT, "type": "array", "maxItems": 0}
    return {"$schema": SCHEMA_DIALECT, "type": "array", "minItems": 1, "items": {"anyOf": branches}}


def _skill_of(text: str, skills: Sequence[Skill]) -> tuple[Skill, str]:
    """Return the skill that a call begins with, and what follows its opening parenthesis."""
    for written in (text, text.lstrip()):  # a name may begin with white space
        named = [skill for skill in skills if written.startswith(f"{skill.name}(")]
        if named:
            skill = max(named, key=lambda skill: len(skill.name))
            return skill, written[len(skill.name) + 1 :]
    name, parenthesis, _ = text.partition("(")
    if not parenthesis:
        raise InvalidRecord(f"{text[:200]!r} is no call; expected a skill and its arguments, as in go(north)")
    raise unknown_name("skill", name.strip(), [skill.name for skill in skills])


def _values(text: str, skill: Skill) -> list[JsonValue]:
    """Return the arguments of a call; text with commas counts as one if the skill has one parameter."""
    values: list[JsonValue] = []
    at = 0
    while at < len(text):
        value, at = _value_at(text, at)
        values.append(value)
    if len(values) == len(skill.parameters):
        return values
    if len(skill.parameters) == 1 and values:
        return [text]
    names = ", ".join(parameter.name for parameter in skill.parameters) or "no arguments"
    raise InvalidRecord(
        f"{skill.name} takes {names}; given {len(values)} in {text[:200]!r}, where text that holds a comma "
        "needs double quotes"
    )


def _value_at(text: str, at: int) -> tuple[JsonValue, int]:
    """Return the argument that begins at an index, and the index of the next one."""
    try:
        value, end = _JSON.raw_decode(text, at)
    except (ValueError, RecursionError):
        value, end = None, -1
    comma = _COMMA.match(text, end) if end >= 0 else None
    if end == len(text) or comma is not None:
        return value, comma.end() if comma is not None else end
    comma = _COMMA.search(text, at)
    if comma is None:
        return text[at:], len(text)
    return text[at : comma.start()], comma.end()


def _choice(parameter: Parameter, value: JsonValue) -> JsonValue:
    """Return the choice that is written like the value, such as the text "3" for the number 3."""
    if parameter.allows(value):
        return value
    return next((choice for choice in parameter.choices if str(choice) == str(value)), value)


def _call_schema(skill: Skill, *, with_count: bool) -> JsonObject:
    properties: JsonObject = {parameter.name: _value_schema(parameter) for parameter in skill.parameters}
    described: JsonObject = {"description": skill.description} if skill.description else {}
    count: JsonObject = {"count": {"type": "integer", "minimum": 1}} if with_count else {}
    return {
        **described,
        "type": "object",
        "properties": {
            "name": {"const": skill.name},
            "arguments": {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            },
            **count,
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _value_schema(parameter: Parameter) -> JsonObject:
    by_type: dict[str, JsonObject] = {"number": {"type": "number"}, "action": {}}
    of_type = by_type.get(parameter.type, {"type": "string"})
    if not parameter.choices:
        return of_type
    listed: JsonObject = {"enum": list(parameter.choices)}
    return {"anyOf": [listed, of_type]} if parameter.is_open else listed
