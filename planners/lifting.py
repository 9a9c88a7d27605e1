"""Lifting: replace the names of this episode's objects by roles, so that a repair applies to other objects.

"the way to red ball 1 is blocked by green door 1" becomes "the way to <object> is blocked by <obstacle>",
and the call `pick_up(green key 2)` that helped becomes `pick_up(<obstacle.0> key)`: the first word of the
obstacle's name. This works for every world; it only compares words.
"""

import re
from collections.abc import Mapping

from embodied_mem.planners.grounding import words
from embodied_mem.records import SkillCall
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.skills import SkillResult

OBSTACLE = "obstacle"

_ROLE = re.compile(r"<(\w+)(?:\.(\d+))?>")


def roles_of(call: SkillCall, result: SkillResult) -> dict[str, str]:
    """Role -> object reference: the call's arguments by parameter name, and the obstacles of its failure."""
    roles = {name: value for name, value in call.arguments.items() if isinstance(value, str) and value}
    obstacles = [subject for subject in result.subjects if subject not in roles.values()]
    for index, subject in enumerate(obstacles):
        roles[OBSTACLE if index == 0 else f"{OBSTACLE}{index + 1}"] = subject
    return roles


def lift_text(text: str, roles: Mapping[str, str]) -> str:
    """The text with every role's reference replaced by `<role>`, longest references first."""
    for role, reference in sorted(roles.items(), key=lambda item: -len(item[1])):
        text = re.sub(rf"(?<!\w){re.escape(reference)}(?!\w)", f"<{role}>", text)
    return text


def lift_call(call: SkillCall, roles: Mapping[str, str]) -> SkillCall:
    """The call with the objects in its arguments replaced by roles."""
    arguments = {name: _lift(value, roles) for name, value in call.arguments.items()}
    return SkillCall(call.name, arguments, count=call.count)


def is_about(call: SkillCall, roles: Mapping[str, str]) -> bool:
    """Whether a call is about the objects of the roles, so that it may carry over to other objects.

    Every text argument must be a role's object, or share a word with one without being another thing of the
    same type: after a failure on the green door, "the green key" is about it; "the red door" and "the ball"
    are not.
    """
    texts = [value for value in call.arguments.values() if isinstance(value, str)]
    return all(_is_about(text, roles) for text in texts)


def ground_call(call: SkillCall, roles: Mapping[str, str]) -> SkillCall | None:
    """The lifted call applied to these objects; None if one of its roles is missing."""
    arguments: dict[str, JsonValue] = {}
    for name, value in call.arguments.items():
        grounded = _ground(value, roles)
        if grounded is None:
            return None
        arguments[name] = grounded
    return SkillCall(call.name, arguments, count=call.count)


def _lift(value: JsonValue, roles: Mapping[str, str]) -> JsonValue:
    if not isinstance(value, str):
        return value
    # Obstacles first: a word shared with the obstacle explains more than one shared with the goal.
    ordered = sorted(roles.items(), key=lambda item: not item[0].startswith(OBSTACLE))
    for role, reference in ordered:
        if value == reference:
            return f"<{role}>"
    lifted = []
    for word in words(value):
        lifted.append(
            next((f"<{role}.{words(ref).index(word)}>" for role, ref in ordered if word in words(ref)), word)
        )
    return " ".join(lifted) or value


def _is_about(text: str, roles: Mapping[str, str]) -> bool:
    own = words(text)
    names = [words(reference) for reference in roles.values()]
    if text in roles.values():
        return True
    is_another_of_a_kind = any(own[-1:] == name[-1:] for name in names)
    return not is_another_of_a_kind and any(set(own) & set(name) for name in names)


def _ground(value: JsonValue, roles: Mapping[str, str]) -> JsonValue | None:
    if not isinstance(value, str):
        return value
    missing = False

    def fill(found: re.Match[str]) -> str:
        nonlocal missing
        reference = roles.get(found[1])
        if reference is None:
            missing = True
            return ""
        if found[2] is None:
            return reference
        parts, index = words(reference), int(found[2])
        missing = missing or index >= len(parts)
        return parts[index] if index < len(parts) else ""

    text = _ROLE.sub(fill, value)
    return None if missing else text
