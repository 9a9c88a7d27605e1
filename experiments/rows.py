"""Read episode rows: the lines of an `episodes.jsonl` that `episode_row` wrote.

Reading never writes. A last line torn by a kill is left out and noted; any other invalid line is an error
that names the file, the line and the field, because a silently dropped episode would shift every number.
"""

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from embodied_mem.errors import ExperimentError

Phase: TypeAlias = Literal["learn", "held_out"]
PHASES: tuple[Phase, ...] = ("learn", "held_out")


class Row(BaseModel):
    """Base of the rows: immutable; unknown keys are ignored, so files of newer versions stay readable."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CallRow(Row):
    """One skill call: the call, its result, and the index of the decision that planned it."""

    call: str
    status: str
    reason: str = ""
    obstacle: str = ""
    first_step: int = 0
    last_step: int = 0
    decision: int = 0


class RecalledRow(Row):
    """One recalled memory; `score` is the sum of `parts`."""

    id: str
    score: float = 0.0
    parts: dict[str, float] = Field(default_factory=dict)
    reason: str = ""
    plan: str = ""
    obstacle: str = ""


class DecisionRow(Row):
    """One decision of the planner, with the memories recalled for it."""

    index: int = 0
    step: int = 0
    trigger: str = ""
    plan: tuple[str, ...] = ()
    recalled: tuple[RecalledRow, ...] = ()
    shown: tuple[str, ...] = ()
    acted_on: tuple[str, ...] = ()
    obstacle: str = ""
    reason: str = ""


class EpisodeDetails(Row):
    """Every skill call and every decision of an episode, and the ids of what it recorded."""

    calls: tuple[CallRow, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()
    recorded: tuple[str, ...] = ()


class EpisodeRow(Row):
    """One finished episode; its calls and decisions, nine tenths of a row, are parsed on demand.

    Attributes:
        arm: Name of the arm.
        lifetime: Number of the lifetime, from 0; arms are paired by it.
        phase: `learn`, or `held_out` with memory frozen.
        index: Position within its phase; only the order is used.
        kind: The task family.
        task: The instruction.
        seed: The seed of the environment.
        instance: Id of the problem; equal across the arms of a lifetime.
        attempt: Id of the attempt; empty in rows without one.
        status: Status of the outcome, as judged.
        success: Whether the environment confirmed the goal.
        steps: Environment steps taken.
        max_steps: The environment's own limit, >= 1.
        reward: Sum of rewards; None if there was none or it was not finite.
        ended_by: What ended it.
        memory_size: Experiences in memory after it; None if the arm has no memory.
        leaks: Number of recalled memories of the same problem; None if not counted.
        decisions: Number of decisions.
        n_given: Memories that recalls gave back.
        n_recalls: Recalls that the planner asked for; None in rows of versions that did not count them.
        recalls_spent: Whether the budget of recalls ran out.
        cost: Named costs, such as `tokens`, each >= 0.
        line: The unparsed row, as JSON.
    """

    arm: str
    lifetime: int = Field(ge=0)
    phase: Phase
    index: int = Field(ge=0)
    kind: str
    task: str = ""
    seed: int | None = None
    instance: str = ""
    attempt: str = ""
    status: str
    success: bool
    steps: int = Field(ge=0)
    max_steps: int = Field(ge=1)
    reward: float | None = None
    ended_by: str = ""
    memory_size: int | None = None
    leaks: int | None = None
    decisions: int = 0
    n_given: int = 0
    n_recalls: int | None = Field(default=None, ge=0)
    recalls_spent: bool = False
    cost: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    line: bytes = b""

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Parse and fully validate a line of `episodes.jsonl`.

        Raises:
            pydantic.ValidationError: The line is not a valid episode row.
        """
        details = EpisodeDetails.model_validate_json(line)  # large: not kept, but parsed again on demand
        n_given = sum(len(decision.recalled) for decision in details.decisions)
        return cls.model_validate_json(line).model_copy(update={"line": line, "n_given": n_given})

    def details(self) -> EpisodeDetails:
        """Its calls and decisions."""
        return EpisodeDetails.model_validate_json(self.line)

    @field_validator("reward")
    @classmethod
    def _finite_reward(cls, reward: float | None) -> float | None:
        return reward if reward is not None and math.isfinite(reward) else None

    @field_validator("decisions", mode="before")
    @classmethod
    def _count_decisions(cls, decisions: Any) -> Any:
        return len(decisions) if isinstance(decisions, list) else decisions

    @field_validator("leaks", mode="before")
    @classmethod
    def _count_leaks(cls, leaks: Any) -> Any:
        return len(leaks) if isinstance(leaks, list) else leaks

    @property
    def area(self) -> float:
        """1 - steps / max_steps where it succeeded, else 0: the area under success over budget."""
        return max(0.0, 1.0 - self.steps / self.max_steps) if self.success else 0.0

    def is_success_within(self, share: float) -> bool:
        """Whether it succeeded within this share of `max_steps`."""
        return self.success and self.steps <= share * self.max_steps + 1e-9  # .1 * 30 is 3.0000000000000004

    @property
    def problem(self) -> tuple[str, int | None, str]:
        """Identity of the problem; arms are paired if they agree on it.

        A seed and the options draw one problem, so its name does not count where there is a seed: releases
        name problems in different ways, and an old run that is resumed would not pair with itself.
        """
        if self.seed is None:
            return self.kind, None, self.instance
        return self.kind, self.seed, self.instance.partition("?")[2]


def read_rows(path: Path, *, notes: list[str] | None = None) -> list[EpisodeRow]:
    """Read the episodes of one file, in the order of writing.

    Args:
        path: An `episodes.jsonl`.
        notes: Receives a note if the last line was torn by a kill and left out.

    Raises:
        ExperimentError: A complete line is not a valid episode row.
    """
    *lines, tail = path.read_bytes().split(b"\n")
    if tail and notes is not None:
        notes.append(
            f"{path.parent.parent.name}/{path.parent.name}: the last line was cut off and is left out"
        )
    return [_row(line, path, number) for number, line in enumerate(lines, start=1) if line.strip()]


def _row(line: bytes, path: Path, number: int) -> EpisodeRow:
    try:
        return EpisodeRow.parse(line)
    except ValidationError as error:
        raise ExperimentError(
            f"{path}, line {number}: {first_problem(error)}; expected an episode row"
        ) from None


def first_problem(error: ValidationError) -> str:
    """Describe the first validation error: the field, its value, and what was expected."""
    problem = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "the line"
    if problem["type"] == "missing":
        return f"{where} is missing"
    return f"{where} is {str(problem['input'])[:80]!r}: {problem['msg']}"
