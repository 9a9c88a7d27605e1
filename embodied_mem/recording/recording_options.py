"""Options of recording."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Literal, TypeAlias

import numpy as np

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.recording.outcomes import OutcomeRule, parse_rule, success_in_info
from embodied_mem.records.experience import Experience, Scope, Task
from embodied_mem.records.json_values import to_json_object

TaskSource: TypeAlias = Task | str | Callable[[Any, Mapping[str, Any]], Task | str]
Keep: TypeAlias = Literal["all", "successes"] | Callable[[Experience], bool]


class RecordingError(EmbodiedMemError, ValueError):
    """An environment cannot be recorded, or not with these options; the message gives the next step."""


def new_id() -> str:
    """Return a random id of 32 hex digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """The options of `record_experience`.

    Attributes:
        task: The task: a text, a `Task`, or a function of the first observation and info that returns one.
            None: the environment's own text (see `embodied_mem.recording.describe.task_text`).
        outcome: The judge: a function of an `EpisodeSummary` returning an `Outcome`, a status or None, or a
            rule such as "reward>0". Used for episodes that the environment ended and for spans cut by
            `max_steps_per_experience`. None: what the last info says under `success` or `is_success` (see
            `success_in_info`); else they stay `unverified`, or `truncated`.
        scope: Scope of the experiences; an empty `world` becomes the environment's id.
        keep: The finished episodes to record: "all", "successes", or a function of the experience.
        sample: Fraction of episodes to record, in (0, 1]; drawn at the start of an episode.
        rng: Random generator of the sample; required if `sample` is below 1.
        clock: Returns seconds since the Unix epoch.
        make_id: Returns a new id for an experience or attempt.
        max_calls: Maximum number of calls of a plan, >= 2; calls in the middle are omitted and counted.
        max_steps_per_experience: Cut an episode into experiences of at most this many steps; None: never.
        keep_continuous: Whether to keep each continuous action instead of a summary.
        action_names: Names of discrete actions by index, or of the numbers of a continuous action; None: the
            environment's names.
        observation_names: Names of the numbers of an array observation; None: the environment's names.
        record_copies: Whether copies of the environment (`copy.deepcopy`, `pickle`) record too, with
            `metadata["is_copy"]`; by default they do not, as planners imagine on them.
        metadata: Stored with every experience.
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
    observation_names: Sequence[str] | None = None
    record_copies: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (types, expected) in _TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, types) or (name.endswith("_names") and isinstance(value, str)):
                raise _unusable(name, value, expected)
        to_json_object(self.metadata, field="metadata")
        if isinstance(self.outcome, str) and parse_rule(self.outcome) is None:
            raise _unusable("outcome", self.outcome, "'reward>NUMBER', 'reward>=NUMBER' or a function")
        if not callable(self.keep) and self.keep not in ("all", "successes"):
            raise _unusable("keep", self.keep, "'all', 'successes' or a function of an Experience")
        if self.keep == "successes" and self.outcome is None:
            raise RecordingError(
                "keep='successes' needs to know what a success is; also pass outcome='reward>0', or "
                "outcome=embodied_mem.recording.success_in_info for an environment that says so in its info"
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
        if self.outcome is None:
            return success_in_info
        return parse_rule(self.outcome) if isinstance(self.outcome, str) else self.outcome


_TYPES: dict[str, tuple[Any, str]] = {
    "task": ((Task, str, Callable, NoneType), "a text, a Task, a function of observation and info, or None"),
    "outcome": ((str, Callable, NoneType), "a rule such as 'reward>0', a function, or None"),
    "scope": (Scope, "a Scope"),
    "sample": ((int, float), "a share above 0 and up to 1"),
    "rng": ((np.random.Generator, NoneType), "numpy.random.default_rng(SEED), or None"),
    "clock": (Callable, "a function that returns seconds"),
    "make_id": (Callable, "a function that returns ids"),
    "max_calls": (int, "at least 2"),
    "max_steps_per_experience": ((int, NoneType), "at least 1, or None"),
    "action_names": ((Sequence, NoneType), "a list of names, or None"),
    "observation_names": ((Sequence, NoneType), "a list of names, or None"),
    "record_copies": (bool, "True or False"),
}


def _unusable(name: str, value: object, expected: str) -> RecordingError:
    return RecordingError(f"{name} is {value!r}; expected {expected}")
