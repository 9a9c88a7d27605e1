"""What an episode leaves behind: every decision with its memories, every call, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from embodied_mem.records.decisions import CallRecord, Trigger
from embodied_mem.records.experience import Experience, Outcome, SkillCall, Task
from embodied_mem.records.json_values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRecord:
    """One memory that came back to a planner.

    Attributes:
        experience_id: Which.
        score: Its score, the sum of `parts`.
        parts: Named contributions.
        reason: Why it was selected.
        plan: Its plan, in words.
        obstacle: The kind of obstacle it met ("" if none is noted), for measuring.
        is_leak: Whether it comes from the very task instance being solved; then it was held back.
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
    """One answer of the planner.

    Attributes:
        index: Its place among the decisions of the episode, from 0.
        step: The environment step at which it was made.
        trigger: Why the planner was asked.
        plan: What it decided to do; empty for an `Ask`, `Continue` or `Stop`.
        recalled: What memory returned while it decided.
        shown: Ids that were put before whoever decided.
        acted_on: Ids the plan was made from.
        obstacle: The kind of obstacle it answered to, for measuring.
        reason: Why, in the planner's words.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What happened in an episode, before anyone judged it.

    Attributes:
        task: What was to be done.
        seed: The seed the environment was reset with.
        first_state: The first observation, in words.
        last_state: The last one.
        calls: Every call, oldest first.
        decisions: Every decision, oldest first.
        steps: Environment steps taken.
        reward: Sum of rewards; None if one was not finite.
        is_terminated: Whether the environment said the episode is over.
        is_truncated: Whether a limit of the environment or of the agent ended it.
        ended_by: What ended it: "environment", the name of a limit, "planner" or "error".
        error: What the environment or its world raised, if that ended it.
        goal_reached: What the world's goal check says; None if it has none.
        info: The short JSON entries of the last step's `info`; the names of the others under `left_out`.
    """

    task: Task
    seed: int | None
    first_state: str
    last_state: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflection:
    """What is learnt from an episode.

    Attributes:
        experiences: To be recorded beside the episode itself.
        feedback: Id of a recalled experience -> whether acting on it helped.
    """

    experiences: tuple[Experience, ...] = ()
    feedback: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A finished episode.

    Attributes:
        trace: What happened.
        outcome: How it was judged.
        recorded: Ids of the experiences that were stored; empty where memory is frozen or off.
        feedback: The feedback that was given.
    """

    trace: Trace
    outcome: Outcome
    recorded: tuple[str, ...] = ()
    feedback: Mapping[str, bool] = field(default_factory=dict)
