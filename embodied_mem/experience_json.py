"""Experiences as canonical JSON at once, without the document that recording would throw away.

The text is `canonical(experience_to_document(experience))`, character by character, because the hashes of
entries are made of it.
"""

import json.encoder
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embodied_mem.codec import DOCUMENT_VERSION
from embodied_mem.json_values import JsonValue, canonical
from embodied_mem.records import Attachment, Experience, Origin, Outcome, Scope, SkillCall, Task

_quoted = json.encoder.encode_basestring  # as the canonical encoder writes a text
# What is empty or None is written in place, without a call: calls are most of what a short record takes.
_EMPTY = "{}"


def experience_json(experience: Experience, *, scope: Scope, happened_at_s: float) -> str:
    """The canonical JSON of the document of an experience with this scope and time in it.

    Raises:
        TypeError, ValueError: Something in it was changed since it was made, into what JSON cannot carry.
    """
    position = experience.position_m  # left out where there is none, as in the document
    position_m = "" if position is None else f',"position_m":[{",".join(map(repr, position))}]'
    return (
        f'{{"attachments":[{_joined(_attachment, experience.attachments) if experience.attachments else ""}]'
        f',"facts":{_object(experience.facts) if experience.facts else _EMPTY}'
        f',"happened_at_s":{happened_at_s!r}'
        f',"id":{_quoted(experience.id)}'
        f',"kind":{_quoted(experience.kind)}'
        f',"metadata":{_object(experience.metadata) if experience.metadata else _EMPTY}'
        f',"origin":{_origin(experience.origin)}'
        f',"outcome":{_outcome(experience.outcome)}'
        f',"plan":[{_plan(experience.plan) if experience.plan else ""}]'
        f"{position_m}"
        f',"recalled":[{_joined(_quoted, experience.recalled) if experience.recalled else ""}]'
        f',"schema_version":{DOCUMENT_VERSION}'
        f',"scope":{_scope(scope)}'
        f',"sources":[{_joined(_quoted, experience.sources) if experience.sources else ""}]'
        f',"state":{_quoted(experience.state)}'
        f',"state_after":{_quoted(experience.state_after)}'
        f',"task":{_task(experience.task)}}}'
    )


def texts_json(texts: Mapping[str, str]) -> str:
    """The canonical JSON of searchable texts by field name; those that are empty are left out."""
    written = [f"{_quoted(name)}:{_quoted(texts[name])}" for name in sorted(texts) if texts[name]]
    return f"{{{','.join(written)}}}"


def _plan(plan: Sequence[SkillCall]) -> str:
    try:
        written = [call.as_json for call in plan]
    except AttributeError:
        written = [getattr(call, "as_json", "") or _written(call) for call in plan]
    return ",".join(written)


def _written(call: SkillCall) -> str:
    """The JSON of a call, kept with it: a wrapper's long plans name the same few calls again and again."""
    text = f'{{"arguments":{_object(call.arguments)},"count":{call.count},"name":{_quoted(call.name)}}}'
    object.__setattr__(call, "as_json", text)
    return text


def _outcome(outcome: Outcome) -> str:
    cost, reward, steps = outcome.cost, outcome.reward, outcome.steps
    return (
        f'{{"cost":{_object(cost) if cost else _EMPTY},"explanation":{_quoted(outcome.explanation)}'
        f',"reward":{"null" if reward is None else repr(reward)},"status":{_quoted(outcome.status)}'
        f',"steps":{"null" if steps is None else repr(steps)}}}'
    )


def _origin(origin: Origin) -> str:
    episode, first, last, versions = origin.episode, origin.first_step, origin.last_step, origin.versions
    return (
        f'{{"attempt":{_quoted(origin.attempt)},"episode":{"null" if episode is None else repr(episode)}'
        f',"first_step":{"null" if first is None else repr(first)}'
        f',"last_step":{"null" if last is None else repr(last)}'
        f',"model":{_quoted(origin.model)},"planner":{_quoted(origin.planner)},"run":{_quoted(origin.run)}'
        f',"versions":{_object(versions) if versions else _EMPTY}}}'
    )


def _scope(scope: Scope) -> str:
    return (
        f'{{"agent":{_quoted(scope.agent)},"person":{_quoted(scope.person)},"place":{_quoted(scope.place)}'
        f',"run":{_quoted(scope.run)},"world":{_quoted(scope.world)}}}'
    )


def _task(task: Task) -> str:
    return f'{{"instance":{_quoted(task.instance)},"kind":{_quoted(task.kind)},"text":{_quoted(task.text)}}}'


def _attachment(attachment: Attachment) -> str:
    return (
        f'{{"digest":{_quoted(attachment.digest)},"media_type":{_quoted(attachment.media_type)}'
        f',"role":{_quoted(attachment.role)}}}'
    )


def _joined(spell: Callable[[Any], str], items: Sequence[Any]) -> str:
    return ",".join(map(spell, items))


def _object(value: Mapping[str, JsonValue]) -> str:
    """Like `canonical`, in a third of the time where no value is a list."""
    try:
        written = [f"{_quoted(name)}:{_WRITERS[type(item)](item)}" for name, item in sorted(value.items())]
    except (KeyError, RecursionError):  # of a list, or of what was changed to hold itself
        return canonical(dict(value))
    return f"{{{','.join(written)}}}"


def _finite(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number of JSON")
    return repr(value)


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: _quoted,
    int: repr,
    float: _finite,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
    dict: _object,
}
