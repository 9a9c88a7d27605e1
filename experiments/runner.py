"""Run an experiment: every lifetime of every arm, in this process or in workers."""

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from embodied_mem.agent import EpisodeProcesses
from embodied_mem.experiments.arms import make_memory, make_planner
from embodied_mem.experiments.config import RunPlan
from embodied_mem.experiments.journal import recover
from embodied_mem.experiments.lifetime import LifetimeRun, Row, Unit, check_rows, close_memory, note_of
from embodied_mem.experiments.outputs import n_cores
from embodied_mem.experiments.part_factories import make_judge, make_reflector
from embodied_mem.records.limits import Limits

Finished: TypeAlias = dict[tuple[str, int], list[Row]]

MAX_DEFAULT_WORKERS = 4


def all_units(plan: RunPlan) -> list[Unit]:
    """Every lifetime of every arm."""
    return [Unit(arm, lifetime) for arm in plan.arms for lifetime in plan.lifetimes]


def finished_rows(plan: RunPlan, run_folder: Path) -> Finished:
    """Return (arm, lifetime) -> rows of its finished episodes; moves a last line torn by a kill aside.

    Raises:
        ExperimentError: Rows are damaged or belong to another experiment.
    """
    found: Finished = {}
    for unit in all_units(plan):
        rows = recover(unit.folder(run_folder))
        check_rows(rows, plan.trials(unit.arm, unit.lifetime), unit)
        found[unit.arm.name, unit.lifetime] = [note_of(row) for row in rows]
    return found


def try_parts(plan: RunPlan) -> None:
    """Make every part of a plan once, so that invalid options raise before anything is written.

    Raises:
        EmbodiedMemError: A planner, memory or limit rejects its options.
    """
    Limits(**dataclasses.asdict(plan.config.limits))
    seed, config = plan.lifetime_seed(0), plan.config
    with tempfile.TemporaryDirectory() as folder:
        given: Any = {"folder": Path(folder) / "part", "seed": seed}
        make_judge(config.judge.name, options=config.judge.options, **given)
        make_reflector(config.reflector.name, options=config.reflector.options, **given)
        for arm in plan.arms:
            if not arm.plays_expert:
                make_planner(arm.planner, options=arm.planner_options, **given)
            if arm.learns and arm.learner:
                make_planner(arm.learner, options=arm.learner_options, **given)
            if arm.memory:
                path = Path(folder) / arm.name
                close_memory(make_memory(arm.memory, path, seed=seed, options=arm.memory_options))


class Schedule:
    """The remaining units, in an order that keeps all workers busy.

    A unit that reads another arm's memory waits for that arm; of the units that can start, the longest comes
    first.

    Args:
        plan: The experiment.
        finished: Rows of finished episodes; see `finished_rows`.
    """

    def __init__(self, plan: RunPlan, finished: Finished) -> None:
        left = [(_n_left(plan, unit, finished), unit) for unit in all_units(plan)]
        self._waiting = [unit for n, unit in sorted(left, key=lambda pair: -pair[0]) if n]
        self._unfinished = {(unit.arm.name, unit.lifetime) for unit in self._waiting}

    def take(self) -> Unit | None:
        """Take the next unit that can start; None if there is none now."""
        for unit in self._waiting:
            if (unit.arm.shares, unit.lifetime) not in self._unfinished:
                self._waiting.remove(unit)
                return unit
        return None

    def finish(self, unit: Unit) -> None:
        """Mark a unit as finished."""
        self._unfinished.discard((unit.arm.name, unit.lifetime))

    @property
    def is_done(self) -> bool:
        """Whether every unit is finished."""
        return not self._unfinished

    def __len__(self) -> int:
        """Number of units that are not finished."""
        return len(self._unfinished)

    def __iter__(self) -> Iterator[Unit]:
        """Yield every unit, for a single process; requesting the next one marks a unit as finished."""
        while (unit := self.take()) is not None:
            yield unit
            self.finish(unit)


def run_lifetimes(
    plan: RunPlan,
    run_folder: Path,
    finished: Finished,
    *,
    attempt: int,
    workers: int,
    notify: Callable[[Row], None],
) -> None:
    """Play every episode that has no row yet. Results do not depend on the number of workers.

    Args:
        plan: The experiment.
        run_folder: Folder of the rows and memories.
        finished: Rows of finished episodes; see `finished_rows`.
        attempt: How often this run was started before.
        workers: Processes; 1 plays in this one, 0 uses one per core, at most 4.
        notify: Called with `note_of` the row of each finished episode.

    Raises:
        ExperimentError: An episode could not be played, or a worker died; rows written so far are kept.
    """
    schedule = Schedule(plan, finished)
    n_workers = min(workers or min(n_cores(), MAX_DEFAULT_WORKERS), len(schedule))
    if n_workers > 1:
        from embodied_mem.experiments.pool import run_in_workers

        run_in_workers(plan, schedule, run_folder, attempt=attempt, workers=n_workers, notify=notify)
        return
    processes = EpisodeProcesses(is_quiet=True)
    try:
        for unit in schedule:
            LifetimeRun(plan, unit, run_folder, attempt=attempt, processes=processes, notify=notify).play()
    finally:
        processes.close()


def _n_left(plan: RunPlan, unit: Unit, finished: Finished) -> int:
    return len(plan.trials(unit.arm, unit.lifetime)) - len(finished[unit.arm.name, unit.lifetime])
