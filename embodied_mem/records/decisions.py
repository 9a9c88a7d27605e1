"""The input of a planner (`Context`) and its possible answers (`Decision`)."""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.experience import Recalled, SkillCall, Task
from embodied_mem.records.queries import Query
from embodied_mem.records.skills import Observation, Skill, SkillResult


class Trigger(enum.StrEnum):
    """Why the planner is asked."""

    START = "start"  # the episode begins
    STEP = "step"  # the last `Act.review_after_steps` steps have passed
    DONE = "done"  # every call of the plan succeeded and the episode goes on
    FAILURE = "failure"  # a call failed; the rest of the plan was dropped
    ANSWER = "answer"  # the question was answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Execute a plan.

    Attributes:
        plan: `SkillCall`s in order; at least one.
        shown: Ids of recalled experiences that the planner was shown (in a prompt, in a ranking).
        acted_on: Ids of recalled experiences that the plan is based on.
        review_after_steps: Ask the planner again after this many environment steps, >= 1, even without a
            failure; None: do not.
        obstacle: Kind of obstacle the plan responds to, copied from the failed call; for measuring.
        reason: The planner's reason, for the log.
    """

    plan: tuple[SkillCall, ...]
    shown: tuple[str, ...] = ()
    acted_on: tuple[str, ...] = ()
    review_after_steps: int | None = None
    obstacle: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        for name, member in (("plan", SkillCall), ("shown", str), ("acted_on", str)):
            members = getattr(self, name)
            if not isinstance(members, tuple | list) or not all(isinstance(each, member) for each in members):
                raise InvalidRecord(f"act.{name} is {members!r:.200}; expected a tuple of {member.__name__}")
            object.__setattr__(self, name, tuple(members))
        steps = self.review_after_steps
        if steps is not None and (not isinstance(steps, int) or steps < 1):
            raise InvalidRecord(f"act.review_after_steps is {steps!r}; expected at least 1, or None")


@dataclass(frozen=True, slots=True)
class Continue:
    """Continue the running plan; valid only for `Trigger.STEP`."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a person or other helper; the answer comes with `Trigger.ANSWER`."""

    question: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End the episode: the planner gives up or is done."""

    reason: str


Decision: TypeAlias = Act | Continue | Ask | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One executed skill call.

    Attributes:
        call: The call.
        result: Its result.
        first_step: Environment step at its start, from 0.
        last_step: Step count at its end; equal to `first_step` if it took no step.
        decision: Index of the decision that planned it.
    """

    call: SkillCall
    result: SkillResult
    first_step: int
    last_step: int
    decision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Remainder of the episode's limits; None: no limit."""

    steps: int | None = None
    calls: int | None = None
    recalls: int | None = None
    questions: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Input of a decision.

    Attributes:
        trigger: Why the planner is asked.
        task: The task of the episode.
        observation: The current observation.
        skills: Skills that can be called now.
        scene: Returns a description of the known surroundings; empty if the world keeps no map.
        budget: Remainder of the limits.
        history: Every call of this episode so far, oldest first.
        answer: The answer to the last question; empty otherwise.
        recall: Queries memory. Logged, counted against the budget, read-only; empty once the budget is spent.
        rng: Random generator of the episode; a planner must draw all randomness from it.
    """

    trigger: Trigger
    task: Task
    observation: Observation
    skills: Sequence[Skill]
    recall: Callable[[Query], list[Recalled]]
    rng: np.random.Generator
    scene: Callable[[], str] = str
    budget: Budget = field(default_factory=Budget)
    history: Sequence[CallRecord] = ()
    answer: str = ""

    @property
    def last(self) -> CallRecord | None:
        """The most recent call; None before the first."""
        return self.history[-1] if self.history else None
