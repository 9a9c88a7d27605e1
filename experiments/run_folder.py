"""Read a run folder: `run.json` and every episode, by arm and lifetime."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.rows import EpisodeRow, Phase, Row, first_problem, read_rows


class RunInfo(Row):
    """Content of `run.json`; `docs/reports.md` describes the file."""

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
    notes: tuple[str, ...] = ()
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
        info: Content of `run.json`.
        arms: Every arm in the order of the report: the run's own order, then the reference arms.
        beside: Reference arms (floor, ceiling), which never learn.
        lifetimes: Arm -> its lifetimes in order, complete or not.
        notes: Warnings for the reader: torn lines, repeated episodes.
    """

    folder: Path
    info: RunInfo
    arms: tuple[str, ...]
    beside: tuple[str, ...]
    lifetimes: Mapping[str, tuple[Lifetime, ...]]
    notes: tuple[str, ...]

    def complete(self, arm: str, phase: Phase) -> list[Lifetime]:
        """The lifetimes of an arm in which every episode of a phase was played."""
        wanted = self.info.learning_episodes if phase == "learn" else self.info.held_out_episodes
        return [life for life in self.lifetimes.get(arm, ()) if 0 < wanted == len(life.phase(phase))]

    def episodes(self) -> Iterable[EpisodeRow]:
        """Yield every episode, complete lifetime or not, ordered by arm, lifetime, phase and index."""
        for arm in self.arms:
            for life in self.lifetimes.get(arm, ()):
                yield from life.learn
                yield from life.held_out


def read_run(folder: str | Path) -> Run:
    """Read a run folder.

    Raises:
        ExperimentError: The folder is not a run folder, or a file in it is invalid; the message names the
            file and line.
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
                    f"{row.arm}, lifetime {row.lifetime}: {row.phase} episode {row.index} is stored "
                    "twice; the last one counts"
                )
            episodes[row.phase, row.index] = row
    lifetimes = _lifetimes(rows)
    beside = _beside(info, lifetimes)
    listed = [arm for arm in info.arms if arm not in beside]
    unlisted = sorted(set(lifetimes) - set(listed) - set(beside))
    return Run(root, info, (*listed, *unlisted, *beside), beside, lifetimes, tuple(notes))


def _read_info(root: Path) -> RunInfo:
    path = root / "run.json"
    try:
        return RunInfo.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        raise ExperimentError(
            f"{root} has no run.json; give the folder of a run, such as one made by `embodied-mem run`"
        ) from None
    except ValidationError as error:
        raise ExperimentError(f"{path}: {first_problem(error)}") from None
    except ValueError as error:
        raise ExperimentError(f"{path} is not JSON: {error}") from None


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
