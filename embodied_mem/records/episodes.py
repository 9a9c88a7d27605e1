"""Records of a finished episode: decisions with their recalled memories, calls, and the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from embodied_mem.records.decisions import CallRecord, Trigger
from embodied_mem.records.experience import Experience, Outcome, SkillCall, Task
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.record_checks import check_items, checked_costs, checked_mapping, checked_tuple

THIS_EPISODE = "@episode"  # as a source in a reflection: the episode, whose id the reflector does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRecord:
    """One experience that memory returned to a planner.

    Attributes:
        experience_id: Id of the experience.
        score: Its score, the sum of `parts`.
        parts: Named contributions.
        reason: Why it was selected.
        plan: Its plan, in words.
        obstacle: Kind of obstacle it met ("" if none is noted), for measuring.
        is_leak: Whether it comes from the task instance being solved; if so, the planner did not get it.
    """

    experience_id: str
    score: float
    parts: Mapping[str, float]
    reason: str
    plan: str = ""
    obstacle: str = ""
    is_leak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision of the planner.

    Attributes:
        index: Index among the decisions of the episode, from 0.
        step: Environment step of the decision.
        trigger: Why the planner was asked.
        plan: The chosen calls; empty for an `Ask`, `Continue` or `Stop`.
        recalled: Experiences that memory returned for the decision.
        shown: Ids of experiences that the planner was shown.
        acted_on: Ids of experiences that the plan is based on.
        obstacle: Kind of obstacle it responded to, for measuring.
        reason: The planner's reason, in its own words.
        cost: Named costs of the decision.
    """

    index: int
    step: int
    trigger: Trigger
    plan: tuple[SkillCall, ...] = ()
    recalled: tuple[RecallRecord, ...] = ()
    shown: tuple[str, ...] = ()
    acted_on: tuple[str, ...] = ()
    obstacle: str = ""
    reason: str = ""
    cost: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Record of an episode before it is judged.

    Attributes:
        task: The task.
        seed: Seed of the environment's reset.
        first: The first observation.
        last: The last observation.
        calls: Every call, oldest first.
        decisions: Every decision, oldest first.
        steps: Environment steps taken.
        reward: Sum of rewards; None if one was not finite.
        is_terminated: Whether the environment terminated the episode.
        is_truncated: Whether a limit of the environment or of the agent ended it.
        ended_by: Cause of the end: "environment", the name of a limit, "planner" (it stopped), "error" (the
            environment or its world raised), "reset_error" (it could not begin), "planner_error" or
            "memory_error" (they raised), "answer_error" (who answers the planner's questions raised), or
            "cancelled".
        error: The exception that ended the episode; empty otherwise.
        goal_reached: Result of the world's goal check; None if it has none.
        info: The short JSON entries of the last step's `info`; the names of the others under `left_out`.
        step_limit: The environment's own step limit in this episode; None if it has none.
        n_recalls: Queries that memory answered.
        n_recalls_refused: Queries after the budget of recalls was spent, which returned nothing.
    """

    task: Task
    seed: int | None
    first: ObservationRecord
    last: ObservationRecord
    calls: tuple[CallRecord, ...]
    decisions: tuple[DecisionRecord, ...]
    steps: int
    reward: float | None
    is_terminated: bool
    is_truncated: bool
    ended_by: str
    error: str = ""
    goal_reached: bool | None = None
    info: JsonObject = field(default_factory=dict)
    step_limit: int | None = None
    n_recalls: int = 0
    n_recalls_refused: int = 0

    @property
    def first_state(self) -> str:
        """The first observation, in words."""
        return self.first.text

    @property
    def last_state(self) -> str:
        """The last observation, in words."""
        return self.last.text

    @property
    def cost(self) -> dict[str, float]:
        """Sum of the named costs of all decisions."""
        return added_costs(*(decision.cost for decision in self.decisions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflection:
    """Knowledge derived from an episode.

    Attributes:
        experiences: Experiences to record in addition to the episode; among their sources `THIS_EPISODE`
            stands for its id.
        feedback: Id of a recalled experience -> whether acting on it helped.
        cost: Named costs of reflecting ("tokens", "usd", "seconds").
    """

    experiences: tuple[Experience, ...] = ()
    feedback: Mapping[str, bool] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        experiences = checked_tuple(self.experiences, field="reflection.experiences")
        check_items(experiences, Experience, field="reflection.experiences")
        object.__setattr__(self, "experiences", experiences)
        checked_mapping(self.feedback, field="reflection.feedback")
        object.__setattr__(self, "cost", checked_costs(self.cost, field="reflection.cost"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A finished episode.

    Attributes:
        trace: Decisions, calls and end of the episode.
        outcome: The judged outcome; its cost holds those of deciding, judging and reflecting.
        recorded: Ids of the stored experiences; empty if memory is frozen or off.
        feedback: The feedback given to memory.
    """

    trace: Trace
    outcome: Outcome
    recorded: tuple[str, ...] = ()
    feedback: Mapping[str, bool] = field(default_factory=dict)


def added_costs(*costs: Mapping[str, float]) -> dict[str, float]:
    """Return the sum of named costs."""
    total: dict[str, float] = {}
    for each in costs:
        for name, value in each.items():
            total[name] = total.get(name, 0.0) + value
    return total
