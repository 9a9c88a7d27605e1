"""The lifetime protocol: one memory, learning episodes, then held-out episodes with the memory frozen."""

import asyncio
import contextlib
import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from embodied_mem.agent import Agent, EpisodeProcesses, Mode
from embodied_mem.contracts import CanWithdraw, HasHorizon, Memory
from embodied_mem.errors import ExperimentError, ModelError, NotRecorded, OverBudget
from embodied_mem.experiments.arms import Arm, make_memory
from embodied_mem.experiments.at_once import take_in_order
from embodied_mem.experiments.budget import allowance_of
from embodied_mem.experiments.config import RunPlan
from embodied_mem.experiments.controls import Control, NoMemory
from embodied_mem.experiments.episode_row import episode_row
from embodied_mem.experiments.journal import AHEAD, Journal, recover
from embodied_mem.experiments.locks import folder_lock
from embodied_mem.experiments.part_factories import make_judge, make_reflector
from embodied_mem.experiments.recipes import planner_recipe, policy_recipes, world_recipe
from embodied_mem.experiments.seeds import Phase
from embodied_mem.experiments.streams import Trial
from embodied_mem.memory.modes import with_mode
from embodied_mem.records import Scope
from embodied_mem.records.episodes import Episode
from embodied_mem.records.limits import Limits

Row: TypeAlias = Mapping[str, Any]  # a row of episodes.jsonl

# A language model that cannot be reached says nothing of the agent: the run stops here and can be resumed.
NO_ANSWER = tuple(f"{error.__name__}:" for error in (ModelError, NotRecorded, OverBudget))
ORPHAN_WAIT_S = 30.0  # a worker of a killed run ends at once; this only covers a slow machine


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of work of a process: one lifetime of one arm."""

    arm: Arm
    lifetime: int

    def folder(self, run_folder: Path) -> Path:
        """Folder of its rows and its memory."""
        return _folder(run_folder, self.arm.name, self.lifetime)

    def memory_folder(self, run_folder: Path) -> Path:
        """Folder of the memory it reads; another arm's if it shares one."""
        return _folder(run_folder, self.arm.shares or self.arm.name, self.lifetime) / "memory"


def _folder(run_folder: Path, arm: str, lifetime: int) -> Path:
    return run_folder / "lifetimes" / arm / f"{lifetime:02d}"


class LifetimeRun:
    """Plays the remaining episodes of a lifetime.

    Args:
        plan: The experiment.
        unit: The arm and lifetime.
        run_folder: Folder of the run.
        attempt: How often the run was started before; makes the ids of each attempt distinct.
        processes: Where the episodes are played.
        notify: Called with `note_of` each row after it is written.
    """

    def __init__(
        self,
        plan: RunPlan,
        unit: Unit,
        run_folder: Path,
        *,
        attempt: int,
        processes: EpisodeProcesses,
        notify: Callable[[Row], None],
    ) -> None:
        self._plan, self._unit, self._run_folder = plan, unit, run_folder
        self._arm, self._attempt = unit.arm, attempt
        self._processes, self._notify = processes, notify
        self._memory: Memory | None = None
        self._memory_size: int | None = None

    def play(self) -> None:
        """Play every episode that has no row yet.

        Raises:
            ExperimentError: An episode could not be played; the message names arm, lifetime and episode.
        """
        folder = self._unit.folder(self._run_folder)
        with folder_lock(folder, wait_s=ORPHAN_WAIT_S), contextlib.ExitStack() as stack:
            trials = self._plan.trials(self._arm, self._unit.lifetime)
            n_finished = self._restore(recover(folder), trials)
            stack.callback(self._close_memory)
            journal = Journal(folder)
            stack.callback(journal.close)

            def finish(row: Row) -> None:
                journal.append(dict(row))
                self._notify(note_of(row))

            left, learner = trials[n_finished:], self._make_agent(Phase.LEARN)
            for trial in (each for each in left if each.phase is Phase.LEARN):
                finish(self._play(trial, learner))
            self._play_held_out([each for each in left if each.phase is Phase.HELD_OUT], finish)

    def _play_held_out(self, trials: Sequence[Trial], finish: Callable[[Row], None]) -> None:
        """Play held-out episodes: their memory is frozen, so they may be played at once."""
        folder, agent = self._unit.folder(self._run_folder), self._make_agent(Phase.HELD_OUT)
        kept = {row["index"]: row for row in recover(folder, AHEAD)}
        at_once = min(self._plan.config.episodes_at_once, len(trials))
        if at_once > 1:
            with contextlib.closing(Journal(folder, AHEAD)) as ahead:
                asyncio.run(self._play_at_once(trials, agent, kept, ahead, finish, at_once=at_once))
        else:
            for trial in trials:
                finish(kept.get(trial.index) or self._play(trial, agent))
        (folder / AHEAD).unlink(missing_ok=True)

    async def _play_at_once(
        self,
        trials: Sequence[Trial],
        agent: Agent,
        kept: Mapping[int, Row],
        ahead: Journal,
        finish: Callable[[Row], None],
        *,
        at_once: int,
    ) -> None:
        async def play(trial: Trial) -> Row:
            if trial.index in kept:
                return kept[trial.index]
            row = await self._play_async(trial, agent)
            ahead.append(row)  # an earlier episode may be in play, and a kill must not cost this one
            return row

        await take_in_order(play, trials, finish, at_once=at_once)

    def _restore(self, rows: list[dict[str, Any]], trials: tuple[Trial, ...]) -> int:
        """Open the memory as the last finished episode left it; return the number of finished episodes."""
        check_rows(rows, trials, self._unit)
        self._open_memory()
        if self._arm.learns and not self._withdraw_unfinished(rows):
            self._set_aside()
            rows = []
            self._open_memory()
        self._memory_size = self._initial_size(rows)
        return len(rows)

    def _open_memory(self) -> None:
        if self._arm.memory:
            path = self._unit.memory_folder(self._run_folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            seed = self._plan.lifetime_seed(self._unit.lifetime)
            self._memory = make_memory(self._arm.memory, path, seed=seed, options=self._arm.memory_options)

    def _withdraw_unfinished(self, rows: list[dict[str, Any]]) -> bool:
        """Withdraw entries written after the last row; False if that is needed and the memory cannot."""
        is_first_time = not rows and self._attempt == 0
        if self._memory is None or is_first_time:
            return True
        sequence = rows[-1]["log_sequence"] if rows else 0
        inner = self._memory.inner if isinstance(self._memory, Control) else self._memory
        if (
            sequence is None
            or not isinstance(self._memory, CanWithdraw)
            or not isinstance(inner, CanWithdraw)
        ):
            return False
        self._memory.withdraw(sequence)
        return True

    def _set_aside(self) -> None:
        """Move an interrupted lifetime whose memory cannot withdraw to `set_aside`, to start it over."""
        self._close_memory()
        source = self._unit.folder(self._run_folder)
        target = (
            self._run_folder / "set_aside" / f"{self._arm.name}_{self._unit.lifetime:02d}_{self._attempt}"
        )
        target.mkdir(parents=True)
        for item in source.iterdir():
            if item.name != ".lock":  # held by this process
                shutil.move(item, target / item.name)

    def _initial_size(self, rows: list[dict[str, Any]]) -> int | None:
        if self._memory is None:
            return None
        if rows:
            size: int = rows[-1]["memory_size"]
            return size
        if self._arm.shares:
            source = recover(_folder(self._run_folder, self._arm.shares, self._unit.lifetime))
            return int(source[-1]["memory_size"])
        return 0

    def _close_memory(self) -> None:
        close_memory(self._memory)
        self._memory = None

    def _make_agent(self, phase: Phase) -> Agent:
        mode: Mode = "off" if self._memory is None else "learn" if phase is Phase.LEARN else "frozen"
        config, folder = self._plan.config, self._unit.folder(self._run_folder)
        seed = self._plan.lifetime_seed(self._unit.lifetime)
        judge, reflector = config.judge, config.reflector
        given: Any = {"seed": seed, "budget": allowance_of(config.budget, self._run_folder)}
        return Agent(
            planner=planner_recipe(self._arm, phase, folder=folder / "planner", **given),
            judge=make_judge(judge.name, options=judge.options, folder=folder / "judge", **given),
            reflector=make_reflector(
                reflector.name, options=reflector.options, folder=folder / "reflector", **given
            ),
            policies=policy_recipes(self._arm),
            memory=None if self._memory is None else with_mode(self._memory, mode),
            mode=mode,
            limits=Limits(**dataclasses.asdict(self._plan.config.limits)),
            scope=Scope(agent=self._arm.name, run=self._plan.config.name),
            guard_leakage=True,
            record_decisions=config.record_decisions,
        )

    def _play(self, trial: Trial, agent: Agent) -> dict[str, Any]:
        started_s = time.perf_counter()
        with self._asked(trial) as asked:
            episode = agent.run_episode(**asked)
        return self._row(trial, episode, seconds=time.perf_counter() - started_s)

    async def _play_async(self, trial: Trial, agent: Agent) -> dict[str, Any]:
        started_s = time.perf_counter()
        with self._asked(trial) as asked:
            episode = await agent.run_episode_async(**asked)
        return self._row(trial, episode, seconds=time.perf_counter() - started_s)

    @contextlib.contextmanager
    def _asked(self, trial: Trial) -> Iterator[dict[str, Any]]:
        """Give what an episode is played with; an exception then names the place."""
        offset = self._plan.config.learning_episodes if trial.phase is Phase.HELD_OUT else 0
        process = self._processes.take()
        try:
            yield {
                "world": world_recipe(trial.kind),
                "seed": trial.seed,
                "attempt": self._attempt_id(trial),
                "episode": offset + trial.index,
                "isolate": process,
            }
        except Exception as error:
            raise ExperimentError(f"{self._place(trial)}: {type(error).__name__}: {error}") from error
        finally:
            self._processes.give_back(process)

    def _attempt_id(self, trial: Trial) -> str:
        return f"{self._arm.name}-{trial.lifetime:02d}-{trial.phase}-{trial.index:03d}-{self._attempt}"

    def _row(self, trial: Trial, episode: Episode, *, seconds: float) -> dict[str, Any]:
        if episode.trace.error.startswith(NO_ANSWER):
            raise ExperimentError(f"{self._place(trial)}: {episode.trace.error}")
        if self._memory_size is not None and not isinstance(self._memory, NoMemory):
            self._memory_size += len(episode.recorded)
        return episode_row(
            trial,
            episode,
            arm=self._arm.name,
            attempt=self._attempt_id(trial),
            max_steps=episode.trace.step_limit
            or self._plan.config.limits.max_steps
            or max(1, episode.trace.steps),
            seconds=seconds,
            memory_size=self._memory_size,
            log_sequence=self._memory.horizon() if isinstance(self._memory, HasHorizon) else None,
        )

    def _place(self, trial: Trial) -> str:
        return (
            f"arm {self._arm.name}, lifetime {trial.lifetime}, {trial.phase} episode {trial.index} "
            f"({trial.kind}, seed {trial.seed})"
        )


def close_memory(memory: Memory | None) -> None:
    """Close a memory if it has `close`."""
    close = getattr(memory, "close", None)
    if close is not None:
        close()


def note_of(row: Row) -> Row:
    """The fields of a row that progress reports and budgets use."""
    kept = {key: row[key] for key in ("arm", "lifetime", "phase", "index", "success", "error")}
    return kept | {"cost": row.get("cost", {})}  # rows of 0.1.0 have none


def check_rows(rows: list[dict[str, Any]], trials: tuple[Trial, ...], unit: Unit) -> None:
    """Check that rows are the first episodes of this lifetime.

    Raises:
        ExperimentError: A row belongs to another episode, or there are more rows than episodes.
    """
    found = [(row.get("phase"), row.get("index"), row.get("kind"), row.get("seed")) for row in rows]
    expected = [(str(trial.phase), trial.index, trial.kind, trial.seed) for trial in trials]
    if found != expected[: len(found)]:
        where = next(
            (i for i, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]),
            len(expected),
        )
        raise ExperimentError(
            f"row {where + 1} of arm {unit.arm.name}, lifetime {unit.lifetime} is {found[where]}; "
            f"expected {expected[where] if where < len(expected) else 'no more rows'}; start a new run"
        )
