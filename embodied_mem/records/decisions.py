"""What a planner is given and what it may answer."""

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
    """Why a planner is asked."""

    START = "start"  # the episode begins
    STEP = "step"  # as many steps passed as the last `Act.review_after_steps` said
    DONE = "done"  # every call of the plan succeeded and the episode goes on
    FAILURE = "failure"  # a call failed; the rest of the plan was dropped
    ANSWER = "answer"  # the question was answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Do this.

    Attributes:
        plan: `SkillCall`s in order; at least one.
        shown: Ids of recalled experiences that were put before whoever decided (a prompt, a ranking).
        acted_on: Ids of recalled experiences that this plan was made from.
        review_after_steps: Ask again after so many environment steps, >= 1, even if nothing failed; None does
            not.
        obstacle: The kind of obstacle the plan answers to, copied from the failed call; for measuring.
        reason: Why, for the log.
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
    """Go on with the plan that is running; only an answer to `Trigger.STEP`."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask whoever stands by; the answer comes with `Trigger.ANSWER`."""

    question: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Give up or be done; the episode ends here."""

    reason: str


Decision: TypeAlias = Act | Continue | Ask | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call that was made.

    Attributes:
        call: What was called.
        result: What became of it.
        first_step: The environment step it began at, from 0.
        last_step: The step count when it ended; equal to `first_step` if it took none.
        decision: Index of the decision that planned it.
    """

    call: SkillCall
    result: SkillResult
    first_step: int
    last_step: int
    decision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What is left of the episode's limits; None where there is no limit."""

    steps: int | None = None
    calls: int | None = None
    recalls: int | None = None
    questions: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything a planner may know when it decides.

    Attributes:
        trigger: Why it is asked.
        task: What is to be done.
        observation: What is perceived now.
        skills: What can be called now.
        scene: Asks what is known of the place, in words; empty where the world keeps no map.
        budget: What is left of the limits.
        history: Every call of this episode so far, oldest first.
        answer: The answer to the last question; empty otherwise.
        recall: Ask memory. Logged, counted against the budget, read-only; empty once the budget is spent.
        rng: The episode's own generator; all chance in a planner comes from it.
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
        """The call that ended last."""
        return self.history[-1] if self.history else None
