"""What an agent perceives and can do: observations, skills and what became of a call."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import InvalidRecord, unknown_name
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import JsonValue, clean_text

Detail: TypeAlias = Literal["signature", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the agent perceives now, described by its world.

    Attributes:
        text: In words; what a planner reads and memory stores as the state.
        facts: The same as JSON where the world can say so.
        pose: Position and heading, in the world's own documented frame and units; None where it has none.
        images: Named pictures, each (h, w, c) uint8.
        raw: The environment's own observation.
    """

    text: str
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    pose: tuple[float, ...] | None = None
    images: Mapping[str, npt.NDArray[np.uint8]] = field(default_factory=dict)
    raw: Any = None  # the environment's observation may be of any type

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _clean(self.text, field="observation.text"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument of a skill.

    Attributes:
        name: Its name.
        type: What it takes ("object", "text", "number", "action").
        choices: The values that make sense now; empty where any value of the type may be given.
    """

    name: str
    type: str = "text"
    choices: tuple[JsonValue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """Something the agent can do now, typed.

    Attributes:
        name: Its name.
        parameters: Its arguments in order.
        phrases: How an instruction names it, with a {parameter} in braces: "put {item} next to {target}".
        description: What it does, for planners that read; empty at detail `signature`.
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    phrases: tuple[str, ...] = ()
    description: str = ""


class SkillStatus(enum.StrEnum):
    """How a call ended. `ended` means that the episode ended while it ran."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillResult:
    """What became of a call.

    Attributes:
        status: How it ended.
        reason: What was wrong, in words; names the obstacle and never the remedy.
        obstacle: A short code for its kind ("locked", "unseen"), for measuring and never for planning.
        subjects: References to the objects that `reason` speaks of, most important first.
    """

    status: SkillStatus
    reason: str = ""
    obstacle: str = ""
    subjects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("reason", "obstacle"):
            object.__setattr__(self, name, _clean(getattr(self, name), field=f"result.{name}"))
        subjects = tuple(_clean(subject, field="result.subjects") for subject in self.subjects)
        object.__setattr__(self, "subjects", subjects)

    @property
    def is_success(self) -> bool:
        """Whether the skill did what it says."""
        return self.status is SkillStatus.SUCCESS


def _clean(text: object, *, field: str) -> str:
    """Text of a simulator, without what no store could keep; checked here, where its origin is known."""
    if not isinstance(text, str):
        raise InvalidRecord(f"{field} is {type(text).__name__}; expected a string")
    return text if text.isascii() else clean_text(text)


def check_call(call: SkillCall, skills: Sequence[Skill]) -> None:
    """Refuse a call that none of these skills can answer.

    Raises:
        UnknownName: No skill of that name can be called now; the message gives the nearest.
        InvalidRecord: An argument is missing or not one of the skill's.
    """
    by_name = {skill.name: skill for skill in skills}
    if call.name not in by_name:
        raise unknown_name("skill", call.name, by_name)
    expected = {parameter.name for parameter in by_name[call.name].parameters}
    if set(call.arguments) != expected:
        given = ", ".join(sorted(call.arguments)) or "none"
        raise InvalidRecord(
            f"{call.name} takes {', '.join(sorted(expected)) or 'no arguments'}; given {given}"
        )
