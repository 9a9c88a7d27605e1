"""The input of a planner (`Context`) and its possible answers (`Decision`)."""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.experience import Recalled, SkillCall, Task
from embodied_mem.records.json_values import check_text
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.queries import Query
from embodied_mem.records.record_checks import checked_costs
from embodied_mem.records.scene import SceneView
from embodied_mem.records.skills import Observation, Skill, SkillResult


class Trigger(enum.StrEnum):
    """Why the planner is asked."""

    START = "start"  # the episode begins
    STEP = "step"  # the last `Act.review_after_steps` steps have passed
    DONE = "done"  # every call of the plan succeeded and the episode goes on
    FAILURE = "failure"  # a call failed; the rest of the plan was dropped
    ANSWER = "answer"  # the question was answered


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What every decision carries.

    Attributes:
        shown: Ids of recalled experiences that the planner was shown (in a prompt, in a ranking).
        cost: Named costs of the decision ("tokens", "usd", "seconds"), each finite and >= 0.
    """

    shown: tuple[str, ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_members(self, "shown", str)
        object.__setattr__(self, "cost", checked_costs(self.cost, field=f"{_name(self)}.cost"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(_Answer):
    """Execute a plan.

    Attributes:
        plan: `SkillCall`s in order; at least one.
        shown: See `Ask`.
        cost: See `Ask`.
        acted_on: Ids of recalled experiences that the plan is based on.
        review_after_steps: Ask the planner again after this many environment steps, >= 1, even without a
            failure; None: do not.
        obstacle: Kind of obstacle the plan responds to, copied from the failed call; for measuring.
        reason: The planner's reason, for the log.

    Raises:
        InvalidRecord: The plan is empty, or a field has the wrong type.
    """

    plan: tuple[SkillCall, ...]
    acted_on: tuple[str, ...] = ()
    review_after_steps: int | None = None
    obstacle: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        _Answer.__post_init__(self)
        _check_members(self, "plan", SkillCall)
        _check_members(self, "acted_on", str)
        check_text(self.obstacle, field="act.obstacle")
        if not self.plan:
            raise InvalidRecord("act.plan is empty; answer Stop(reason) to end the episode")
        steps = self.review_after_steps
        if steps is not None and (not isinstance(steps, int) or steps < 1):
            raise InvalidRecord(f"act.review_after_steps is {steps!r}; expected at least 1, or None")


@dataclass(frozen=True, slots=True)
class Continue(_Answer):
    """Continue the running plan; valid only for `Trigger.STEP`.

    Attributes:
        shown: See `Ask`.
        cost: See `Ask`.
    """


@dataclass(frozen=True, slots=True)
class Ask(_Answer):
    """Ask a person or other helper; the answer comes with `Trigger.ANSWER`.

    Attributes:
        question: The question.
        shown: Ids of recalled experiences that the planner was shown (in a prompt, in a ranking).
        cost: Named costs of the decision ("tokens", "usd", "seconds"), each finite and >= 0.
    """

    question: str


@dataclass(frozen=True, slots=True)
class Stop(_Answer):
    """End the episode: the planner gives up or is done.

    Attributes:
        reason: The planner's reason, for the log.
        shown: See `Ask`.
        cost: See `Ask`.
    """

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
        before: What was perceived when it started.
        after: What was perceived when it ended.
        reward: Sum of the rewards of its steps; None if one was not finite.
    """

    call: SkillCall
    result: SkillResult
    first_step: int
    last_step: int
    decision: int
    before: ObservationRecord = field(default_factory=ObservationRecord)
    after: ObservationRecord = field(default_factory=ObservationRecord)
    reward: float | None = 0.0

    @property
    def steps(self) -> int:
        """Environment steps it took."""
        return self.last_step - self.first_step


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Remainder of the episode's limits; None: no limit."""

    steps: int | None = None
    calls: int | None = None
    recalls: int | None = None
    questions: int | None = None
    seconds: float | None = None


class DescribeScene(Protocol):
    """Describes the known surroundings to a planner."""

    def __call__(self, budget_tokens: int | None = None, *, about: Sequence[str] = ()) -> SceneView:
        """Return what is known, within a budget.

        Args:
            budget_tokens: Length limit of the text, at about four characters a token; None: no limit.
            about: References to objects; what concerns them comes first and is dropped last.
        """
        ...


@runtime_checkable
class CanAwait(Protocol):
    """A recall function that can also be awaited."""

    async def awaited(self, query: Query) -> list[Recalled]:
        """Return what calling it would return."""
        ...


def no_scene(budget_tokens: int | None = None, *, about: Sequence[str] = ()) -> SceneView:
    """The scene of a world that keeps no map."""
    return SceneView()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Input of a decision.

    Attributes:
        trigger: Why the planner is asked.
        task: The task of the episode.
        observation: The current observation.
        skills: Skills that can be called now, at detail `signature`.
        skills_in_full: Returns the same skills with their descriptions (detail `full`).
        episode: Id of the episode, the same for all its decisions.
        scene: Describes the known surroundings; empty if the world keeps no map.
        recent: Describes what the short-term memory holds; empty without one.
        budget: Remainder of the limits.
        history: Every call of this episode so far, oldest first; a view that does not grow.
        answer: The answer to the last question; empty otherwise.
        recall: Queries memory. Logged, counted against the budget, read-only; empty once the budget is spent
            (`budget.recalls` is 0).
        rng: Random generator of the episode; a planner must draw all randomness from it.
    """

    trigger: Trigger
    task: Task
    observation: Observation
    skills: Sequence[Skill]
    recall: Callable[[Query], list[Recalled]]
    rng: np.random.Generator
    skills_in_full: Callable[[], Sequence[Skill]] = tuple
    episode: str = ""
    scene: DescribeScene = no_scene
    recent: DescribeScene = no_scene
    budget: Budget = field(default_factory=Budget)
    history: Sequence[CallRecord] = ()
    answer: str = ""

    async def arecall(self, query: Query) -> list[Recalled]:
        """Query memory as `recall` does, for `async` planners: other episodes go on while memory answers."""
        if isinstance(self.recall, CanAwait):
            return await self.recall.awaited(query)
        return self.recall(query)

    @property
    def last(self) -> CallRecord | None:
        """The most recent call; None before the first."""
        return self.history[-1] if self.history else None


def _check_members(answer: _Answer, name: str, member: type) -> None:
    members = getattr(answer, name)
    if not isinstance(members, tuple | list) or not all(isinstance(each, member) for each in members):
        raise InvalidRecord(
            f"{_name(answer)}.{name} is {members!r:.200}; expected a tuple of {member.__name__}"
        )
    object.__setattr__(answer, name, tuple(members))


def _name(answer: _Answer) -> str:
    return type(answer).__name__.lower()
