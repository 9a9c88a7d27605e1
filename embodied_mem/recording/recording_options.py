"""What a user may say about recording."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Literal, TypeAlias

import numpy as np

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.recording.outcomes import OutcomeRule, parse_rule
from embodied_mem.records.experience import Experience, Scope, Task
from embodied_mem.records.json_values import to_json_object

TaskSource: TypeAlias = Task | str | Callable[[Any, Mapping[str, Any]], Task | str]
Keep: TypeAlias = Literal["all", "successes"] | Callable[[Experience], bool]


class RecordingError(EmbodiedMemError, ValueError):
    """An environment cannot be recorded, or not with these options; the message says what to do instead."""


def new_id() -> str:
    """A random id of 32 hex digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """How episodes become experiences; the keywords of `record_experience`.

    Attributes:
        task: What was asked for: a text, a `Task`, or a function of the first observation and info that gives
            one. None takes the environment's own words (see `embodied_mem.recording.describe.task_text`).
        outcome: Who judges: a function of an `EpisodeSummary` that gives an `Outcome`, a status or None, or a
            rule such as "reward>0". Asked for episodes that the environment ended and for spans cut by
            `max_steps_per_experience`. None leaves them `unverified`, or `truncated`.
        scope: Whose experience it is; an empty `world` becomes the environment's id.
        keep: Which finished episodes are recorded: "all", "successes", or a function of the experience.
        sample: The share of episodes that is recorded at all, in (0, 1]; drawn when an episode begins.
        rng: Draws the sample; needed where `sample` is below 1.
        clock: Seconds since the Unix epoch.
        make_id: Makes the ids of experiences and attempts.
        max_calls: At most this many calls of a plan are kept, >= 2; the middle is left out and counted.
        max_steps_per_experience: Cut an episode into experiences of at most this many steps; None never cuts.
        keep_continuous: Whether continuous actions are kept one by one too, and not only as a summary.
        action_names: Names of discrete actions by index; None asks the environment.
        metadata: Kept with every experience.
    """

    task: TaskSource | None = None
    outcome: OutcomeRule | str | None = None
    scope: Scope = field(default_factory=Scope)
    keep: Keep = "all"
    sample: float = 1.0
    rng: np.random.Generator | None = None
    clock: Callable[[], float] = time.time
    make_id: Callable[[], str] = new_id
    max_calls: int = 200
    max_steps_per_experience: int | None = None
    keep_continuous: bool = False
    action_names: Sequence[str] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (types, said) in _TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, types) or (name == "action_names" and isinstance(value, str)):
                raise _unusable(name, value, said)
        to_json_object(self.metadata, field="metadata")
        if isinstance(self.outcome, str) and parse_rule(self.outcome) is None:
            raise _unusable("outcome", self.outcome, "'reward>NUMBER', 'reward>=NUMBER' or a function")
        if not callable(self.keep) and self.keep not in ("all", "successes"):
            raise _unusable("keep", self.keep, "'all', 'successes' or a function of an Experience")
        if self.keep == "successes" and self.outcome is None:
            raise RecordingError(
                "keep='successes' keeps nothing while nobody judges; give outcome='reward>0' too"
            )
        if not 0 < self.sample <= 1:
            raise _unusable("sample", self.sample, "a share above 0 and up to 1")
        if self.sample < 1 and self.rng is None:
            raise RecordingError(
                f"sample={self.sample} needs rng=numpy.random.default_rng(SEED) to be repeatable"
            )
        if self.max_calls < 2:
            raise _unusable("max_calls", self.max_calls, "at least 2")
        if self.max_steps_per_experience is not None and self.max_steps_per_experience < 1:
            raise _unusable("max_steps_per_experience", self.max_steps_per_experience, "at least 1, or None")

    @property
    def rule(self) -> OutcomeRule | None:
        """The outcome rule as a function."""
        return parse_rule(self.outcome) if isinstance(self.outcome, str) else self.outcome


_TYPES: dict[str, tuple[Any, str]] = {
    "task": ((Task, str, Callable, NoneType), "a text, a Task, a function of observation and info, or None"),
    "outcome": ((str, Callable, NoneType), "a rule such as 'reward>0', a function, or None"),
    "scope": (Scope, "a Scope"),
    "sample": ((int, float), "a share above 0 and up to 1"),
    "rng": ((np.random.Generator, NoneType), "numpy.random.default_rng(SEED), or None"),
    "clock": (Callable, "a function that gives seconds"),
    "make_id": (Callable, "a function that gives ids"),
    "max_calls": (int, "at least 2"),
    "max_steps_per_experience": ((int, NoneType), "at least 1, or None"),
    "action_names": ((Sequence, NoneType), "a list of names, or None"),
}


def _unusable(name: str, value: object, expected: str) -> RecordingError:
    return RecordingError(f"{name} is {value!r}; expected {expected}")
