"""Observations, skills and the results of skill calls."""

import difflib
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import InvalidRecord, unknown_name
from embodied_mem.records.arrays import as_array
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import JsonValue, canonical, check_text, clean_text
from embodied_mem.records.record_checks import checked_mapping, checked_pose, checked_position

Detail: TypeAlias = Literal["signature", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The agent's current perception, described by its world.

    Attributes:
        text: Description in words; planners read it, and memory stores it as the state.
        facts: The same as JSON, if the world provides it.
        pose: Position and heading, in the world's own documented frame and units; None if it has none.
        position_m: (x, y) or (x, y, z) in metres in the map frame of the place, x forward, z up; None if the
            world has no metric space. Kept in the experience, for `Near` filters.
        images: Named pictures, each (h, w, c) uint8.
        raw: The environment's own observation.

    Raises:
        InvalidRecord: A field does not hold what it should; the message names it.
    """

    text: str
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    pose: tuple[float, ...] | None = None
    position_m: tuple[float, ...] | None = None
    images: Mapping[str, npt.NDArray[np.uint8]] = field(default_factory=dict)
    raw: Any = None  # the environment's observation may be of any type

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _clean(self.text, field="observation.text"))
        checked_mapping(self.facts, field="observation.facts")
        if self.pose is not None:
            object.__setattr__(self, "pose", checked_pose(self.pose))
        if self.position_m is not None:
            object.__setattr__(self, "position_m", checked_position(self.position_m))
        if self.images:
            object.__setattr__(self, "images", _checked_images(self.images))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a skill.

    Attributes:
        name: The role that the value plays ("object", "target", "tool"); see docs/write-a-world.md.
        type: Kind of value ("object", "text", "number", "action").
        choices: The values allowed now; empty if any value of the type is allowed. A world does not offer a
            skill for which there is no value now.
        is_open: Whether the world accepts values beyond `choices` too, such as descriptions of objects.
    """

    name: str
    type: str = "text"
    choices: tuple[JsonValue, ...] = ()
    is_open: bool = False

    def allows(self, value: JsonValue) -> bool:
        """Whether the value is one of the choices, or any value is allowed."""
        if self.is_open or not self.choices:
            return True
        wanted = canonical(value)  # `in` would take True for 1
        return any(canonical(choice) == wanted for choice in self.choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """A skill that the agent can call now, with typed parameters.

    Attributes:
        name: Name of the skill.
        parameters: Parameters in order.
        phrases: Phrases of instructions that name it, parameters in braces: "put {item} next to {target}".
        description: Effect of the skill, for language-model planners; empty at detail `signature`.
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    phrases: tuple[str, ...] = ()
    description: str = ""


class SkillStatus(enum.StrEnum):
    """How a call ended. `ended`: the episode ended during the call."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillResult:
    """Result of a skill call.

    Attributes:
        status: How the call ended.
        reason: Cause of the failure, in words; names the obstacle, never the remedy.
        obstacle: Short code of the obstacle's kind ("locked", "unseen"); for measuring, never for planning.
        subjects: References to the objects named in `reason`, most important first.
    """

    status: SkillStatus
    reason: str = ""
    obstacle: str = ""
    subjects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.status, SkillStatus):
            raise InvalidRecord(f"result.status is {self.status!r:.200}; expected a SkillStatus")
        for name in ("reason", "obstacle"):
            object.__setattr__(self, name, _clean(getattr(self, name), field=f"result.{name}"))
        subjects = tuple(_clean(subject, field="result.subjects") for subject in self.subjects)
        object.__setattr__(self, "subjects", subjects)

    @property
    def is_success(self) -> bool:
        """Whether the skill achieved its effect."""
        return self.status is SkillStatus.SUCCESS


def _clean(text: object, *, field: str) -> str:
    """Return a simulator's text with lone surrogates replaced; rejected here, where its origin is known."""
    if not isinstance(text, str):
        raise InvalidRecord(f"{field} is {type(text).__name__}; expected a string")
    return check_text(text, field=field) if text.isascii() else clean_text(text)


def _checked_images(images: Mapping[str, Any]) -> dict[str, npt.NDArray[np.uint8]]:
    kept: dict[str, npt.NDArray[np.uint8]] = {}
    for name, image in checked_mapping(images, field="observation.images").items():
        array = as_array(image)
        if array is None or array.dtype.hasobject:
            raise InvalidRecord(
                f"observation.images[{name!r}] is {image!r:.200}; expected an (h, w, c) array of uint8"
            )
        kept[name] = array
    return kept


def check_call(call: SkillCall, skills: Sequence[Skill]) -> None:
    """Reject a call that matches none of these skills.

    Raises:
        UnknownName: No skill of that name can be called now; the message gives the nearest names.
        InvalidRecord: The arguments are not exactly the skill's parameters, or a value is none of the choices
            of its parameter; the message gives the nearest choices.
    """
    by_name = {skill.name: skill for skill in skills}
    if call.name not in by_name:
        raise unknown_name("skill", call.name, by_name)
    parameters = by_name[call.name].parameters
    expected = {parameter.name for parameter in parameters}
    if set(call.arguments) != expected:
        given = ", ".join(sorted(call.arguments)) or "none"
        raise InvalidRecord(
            f"{call.name} takes {', '.join(sorted(expected)) or 'no arguments'}; given {given}"
        )
    for parameter in parameters:
        value = call.arguments[parameter.name]
        if not parameter.allows(value):
            raise InvalidRecord(
                f"{call.name}.{parameter.name} is {value!r:.200}; {_choices(parameter, value)}"
            )


def _choices(parameter: Parameter, value: JsonValue) -> str:
    names = list(map(str, parameter.choices))
    close = difflib.get_close_matches(str(value)[:200], names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"{hint}expected one of {', '.join(names[:20])}{more}"
