"""A run folder, read into typed rows: `run.json` and one JSON line an episode below `lifetimes/`.

Reading never writes. A line torn by a kill is left out and noted; anything else that is wrong is an error
that names the file, the line and the field, because a silently dropped episode would shift every number.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from embodied_mem.errors import ExperimentError

Phase: TypeAlias = Literal["learn", "held_out"]
PHASES: tuple[Phase, ...] = ("learn", "held_out")


class Row(BaseModel):
    """Base of the rows: immutable; unknown keys are kept out so that newer writers stay readable."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CallRow(Row):
    """One skill call: what was called, what became of it, and which decision planned it."""

    call: str
    status: str
    reason: str = ""
    obstacle: str = ""
    first_step: int = 0
    last_step: int = 0
    decision: int = 0


class RecalledRow(Row):
    """One memory that came back; `score` is the sum of `parts`."""

    id: str
    score: float = 0.0
    parts: dict[str, float] = Field(default_factory=dict)
    reason: str = ""
    plan: str = ""
    obstacle: str = ""


class DecisionRow(Row):
    """One answer of the planner, with the memories before it."""

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
    """What happened within an episode: every skill call and every decision."""

    calls: tuple[CallRow, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()


class EpisodeRow(Row):
    """One finished episode; its calls and decisions, nine tenths of a row, are parsed when asked for.

    Attributes:
        arm: Name of the arm.
        lifetime: Which lifetime of the arm, from 0; arms are paired by it.
        phase: `learn`, or `held_out` with memory frozen.
        index: Its place within the lifetime; only the order within a phase is used.
        kind: The task family.
        task: The instruction.
        seed: The seed of the environment.
        instance: Id of the problem; equal across the arms of a lifetime.
        status: How it ended, as judged.
        success: Whether the environment confirmed the goal.
        steps: Environment steps taken.
        max_steps: The environment's own limit, >= 1.
        reward: Sum of rewards; None where there was none or it was not finite.
        ended_by: What ended it.
        memory_size: Experiences in memory after it; None where the arm has no memory.
        leaks: Recalled memories of the very problem being solved; None where nobody counted.
        decisions: How many decisions were made.
        line: The row as it was read, as JSON.
    """

    arm: str
    lifetime: int = Field(ge=0)
    phase: Phase
    index: int = Field(ge=0)
    kind: str
    task: str = ""
    seed: int | None = None
    instance: str = ""
    status: str
    success: bool
    steps: int = Field(ge=0)
    max_steps: int = Field(ge=1)
    reward: float | None = None
    ended_by: str = ""
    memory_size: int | None = None
    leaks: int | None = None
    decisions: int = 0
    line: bytes = b""

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """A row from a line of `episodes.jsonl`, checked whole.

        Raises:
            pydantic.ValidationError: It is no episode row.
        """
        EpisodeDetails.model_validate_json(line)  # checked now, built again when needed: it is large
        return cls.model_validate_json(line).model_copy(update={"line": line})

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
        """What was to be solved; two arms are paired where these agree."""
        return self.kind, self.seed, self.instance


class RunInfo(Row):
    """What `run.json` says of a run; see `docs/reports.md` for the file."""

    name: str = "run"
    config: dict[str, Any] = Field(default_factory=dict)
    seeds: dict[str, Any] = Field(default_factory=dict)
    arms: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    focus: str | None = None
    comparisons: tuple[tuple[str, str], ...] | None = None
    lifetimes: int = Field(ge=1)
    learning_episodes: int = Field(ge=0)
    held_out_episodes: int = Field(ge=0)
    kinds: tuple[str, ...] = ()
    versions: dict[str, Any] = Field(default_factory=dict)
    machine: dict[str, Any] = Field(default_factory=dict)
    started: Any = None
    ended: Any = None
    status: str = ""
    knowledge: tuple[Any, ...] = ()
    command: str = ""

    @model_validator(mode="before")
    @classmethod
    def _accept_variants(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            data = {key: value for key, value in data.items() if value is not None}
            if isinstance(data.get("command"), list):
                data["command"] = " ".join(str(part) for part in data["command"])
            for older in ("baselines", "beside_rows"):
                data.setdefault("beside", data.get(older, ()))
        return data


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The episodes of one lifetime of one arm, each phase in order."""

    arm: str
    number: int
    learn: tuple[EpisodeRow, ...]
    held_out: tuple[EpisodeRow, ...]

    def phase(self, phase: Phase) -> tuple[EpisodeRow, ...]:
        """The episodes of one phase, in order."""
        return self.learn if phase == "learn" else self.held_out


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder in memory.

    Attributes:
        folder: Where it was read from.
        info: What `run.json` says.
        arms: Every arm in the order of the report: the run's own order, then the rows beside.
        beside: Arms that only stand beside (floor, ceiling): they were never given anything to learn.
        lifetimes: Arm -> its lifetimes in order, complete or not.
        notes: What a reader should know: torn lines, repeated episodes.
    """

    folder: Path
    info: RunInfo
    arms: tuple[str, ...]
    beside: tuple[str, ...]
    lifetimes: Mapping[str, tuple[Lifetime, ...]]
    notes: tuple[str, ...]

    def complete(self, arm: str, phase: Phase) -> list[Lifetime]:
        """The lifetimes of an arm in which every episode of a phase was run."""
        wanted = self.info.learning_episodes if phase == "learn" else self.info.held_out_episodes
        return [life for life in self.lifetimes.get(arm, ()) if 0 < wanted == len(life.phase(phase))]

    def episodes(self) -> Iterable[EpisodeRow]:
        """Every episode, complete lifetime or not, in the order arm, lifetime, phase, index."""
        for arm in self.arms:
            for life in self.lifetimes.get(arm, ()):
                yield from life.learn
                yield from life.held_out


def read_run(folder: str | Path) -> Run:
    """Read a run folder.

    Raises:
        ExperimentError: Not a run folder, or a file in it cannot be read; the message names the file and
            line.
    """
    root = Path(folder)
    info = _read_info(root)
    notes: list[str] = []
    rows: dict[tuple[str, int], dict[tuple[Phase, int], EpisodeRow]] = {}
    for path in sorted(root.glob("lifetimes/*/*/episodes.jsonl")):
        for row in read_rows(path, notes=notes):
            episodes = rows.setdefault((row.arm, row.lifetime), {})
            if (row.phase, row.index) in episodes:
                notes.append(
                    f"{row.arm}, lifetime {row.lifetime}: {row.phase} episode {row.index} is there "
                    "twice; the last counts"
                )
            episodes[row.phase, row.index] = row
    lifetimes = _lifetimes(rows)
    beside = _beside(info, lifetimes)
    listed = [arm for arm in info.arms if arm not in beside]
    unlisted = sorted(set(lifetimes) - set(listed) - set(beside))
    return Run(root, info, (*listed, *unlisted, *beside), beside, lifetimes, tuple(notes))


def read_rows(path: Path, *, notes: list[str] | None = None) -> list[EpisodeRow]:
    """The episodes of one file, in the order of writing.

    Args:
        path: An `episodes.jsonl`.
        notes: Gets a line where the last line was torn by a kill; that line is left out.

    Raises:
        ExperimentError: A whole line is no episode row.
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
        raise ExperimentError(f"{path}, line {number}: {_first(error)}; expected an episode row") from None


def _read_info(root: Path) -> RunInfo:
    path = root / "run.json"
    try:
        return RunInfo.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ExperimentError(
            f"{root} has no run.json; give the folder of a run, such as one made by `embodied-mem run`"
        ) from None
    except ValidationError as error:
        raise ExperimentError(f"{path}: {_first(error)}") from None
    except ValueError as error:
        raise ExperimentError(f"{path} is not JSON: {error}") from None


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "the line"
    return f"{where} is {str(problem['input'])[:80]!r}: {problem['msg']}"


def _lifetimes(
    rows: Mapping[tuple[str, int], Mapping[tuple[Phase, int], EpisodeRow]],
) -> dict[str, tuple[Lifetime, ...]]:
    found: dict[str, tuple[Lifetime, ...]] = {}
    for (arm, number), episodes in sorted(rows.items()):
        ordered = [episodes[key] for key in sorted(episodes)]
        learn = tuple(row for row in ordered if row.phase == "learn")
        held_out = tuple(row for row in ordered if row.phase == "held_out")
        found[arm] = (*found.get(arm, ()), Lifetime(arm, number, learn, held_out))
    return found


def _beside(info: RunInfo, lifetimes: Mapping[str, tuple[Lifetime, ...]]) -> tuple[str, ...]:
    if info.beside:
        return info.beside
    unlisted = sorted(set(lifetimes) - set(info.arms)) if info.arms else []
    return tuple(arm for arm in unlisted if not any(life.learn for life in lifetimes[arm]))
