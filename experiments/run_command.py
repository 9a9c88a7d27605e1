"""`embodied-mem run`: starts a run, or resumes an interrupted one."""

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embodied_mem import registry
from embodied_mem.contracts import Tracker
from embodied_mem.errors import EmbodiedMemError, ExperimentError
from embodied_mem.experiments import outputs
from embodied_mem.experiments.budget import Spending, restart_allowance
from embodied_mem.experiments.compose import compose_config, keys_of
from embodied_mem.experiments.config import NOT_COMPARED, RunConfig, RunPlan, differences, make_plan
from embodied_mem.experiments.expert_check import leave_out_expert
from embodied_mem.experiments.lifetime import Row
from embodied_mem.experiments.locks import folder_lock
from embodied_mem.experiments.metrics import counted
from embodied_mem.experiments.progress import Progress
from embodied_mem.experiments.runner import all_units, finished_rows, run_lifetimes, try_parts
from embodied_mem.experiments.worlds import Worlds


class RunStopped(ExperimentError):
    """A run ended before its last episode; finished episodes are kept in its folder."""

    def __init__(self, message: str, folder: Path) -> None:
        super().__init__(
            f"{message}\nFinished episodes are kept; resume with: embodied-mem run resume={folder}"
        )


class RunInterrupted(KeyboardInterrupt):
    """Ctrl-C during a run; the message says how to resume it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"interrupted; resume with: embodied-mem run resume={folder}")


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run.

    Attributes:
        folder: The run's folder.
        summary: Content of `summary.json`.
        report: Path of the report; None if not requested.
        failed: Descriptions of episodes that ended in an error of the environment.
    """

    folder: Path
    summary: dict[str, Any]
    report: Path | None
    failed: tuple[str, ...]


def run(overrides: Sequence[str], *, command: str, say: Callable[[str], None]) -> RunResult:
    """Run the experiment that the overrides describe, or resume the run that `resume=` names.

    Args:
        overrides: Hydra overrides.
        command: The full command line, stored in `run.json`.
        say: Called with a line on the run's size and folder.

    Raises:
        RunStopped: An episode could not be played.
        RunInterrupted: Ctrl-C.
        EmbodiedMemError: The configuration or the folder cannot be used.
    """
    config = compose_config(overrides)
    now = datetime.datetime.now().astimezone()
    if config.resume:
        plan, folder = _resumed(config, overrides)
    else:
        plan, notice = _without_missing_expert(config)
        if notice:
            say(notice)
        try_parts(plan)
        document = outputs.start_document(plan, command=command, now=now, notes=[notice] if notice else [])
        folder = outputs.new_folder(plan.config, now=now)  # last, so that a failed plan leaves no folder
    with folder_lock(folder):
        if config.resume:
            document = _next_attempt(folder, plan)
        outputs.write_document(folder, document)
        say(f"{_size(plan)}; kept in {folder}")
        return _Run(plan, folder, document, workers=config.workers).play()


def _without_missing_expert(config: RunConfig) -> tuple[RunPlan, str]:
    worlds = Worlds()
    try:
        return leave_out_expert(make_plan(config), worlds)
    finally:
        worlds.close()


def _resumed(config: RunConfig, overrides: Sequence[str]) -> tuple[RunPlan, Path]:
    folder = Path(config.resume)
    kept = outputs.read_config(outputs.read_document(folder))
    given = keys_of(overrides)
    if "out" in given:
        raise ExperimentError(f"a resumed run stays in its folder, {folder}; remove out=")
    changed = given - set(NOT_COMPARED)
    wanted = _without_missing_expert(config)[0].config if changed else config
    different = [
        line
        for line in differences(kept, wanted)
        if "experiment" in changed or line.split(":")[0].split(".")[0] in changed
    ]
    if different:
        raise ExperimentError(
            f"{folder} was started with another configuration ({'; '.join(different)}); "
            "remove these overrides to resume, or start a new run"
        )
    free_keys = ("report", "tracker", "budget", "episodes_at_once")
    free = {key: getattr(config, key) for key in free_keys if key in given}
    return make_plan(dataclasses.replace(kept, workers=config.workers, **free)), folder


def _next_attempt(folder: Path, plan: RunPlan) -> dict[str, Any]:
    document = outputs.read_document(folder)
    document["config"]["budget"] = dataclasses.asdict(plan.config.budget)
    return {**document, "attempt": document["attempt"] + 1, "status": "running"}


class _Run:
    """Plays a plan and keeps the status in `run.json` correct, also after an error."""

    def __init__(self, plan: RunPlan, folder: Path, document: dict[str, Any], *, workers: int) -> None:
        self._plan, self._folder, self._document, self._workers = plan, folder, document, workers

    def play(self) -> RunResult:
        try:
            attempt = self._document["attempt"]
            failed = play_lifetimes(self._plan, self._folder, attempt=attempt, workers=self._workers)
            return self._finish(failed)
        except KeyboardInterrupt:
            self._note("interrupted")
            raise RunInterrupted(self._folder) from None
        except EmbodiedMemError as error:
            self._note("interrupted")
            raise RunStopped(str(error), self._folder) from error

    def _finish(self, failed: list[str]) -> RunResult:
        from embodied_mem.experiments.report import write_report
        from embodied_mem.experiments.run_folder import read_run
        from embodied_mem.experiments.summary import write_summary

        self._note("finished")  # before the report, which shows it; a resumed run writes both files again
        played = read_run(self._folder)
        summary = write_summary(self._folder, played)
        report = write_report(self._folder, played, summary) if self._plan.config.report else None
        return RunResult(self._folder, summary, report, tuple(failed))

    def _note(self, status: str) -> None:
        ended = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        self._document.update(status=status, ended=ended)
        outputs.write_document(self._folder, self._document)


def play_lifetimes(plan: RunPlan, folder: Path, *, attempt: int, workers: int) -> list[str]:
    """Play every episode that has no row yet, with live progress; see `runner.run_lifetimes`.

    Raises:
        BudgetSpent: The finished episodes have cost the budget of the run, and some are left to play.

    Returns:
        Descriptions of episodes that ended in an error of the environment, earlier attempts first.
    """
    progress = Progress(_totals(plan), tracker=_tracker(plan, folder))
    errors: dict[str, str] = {}
    finished, spending = finished_rows(plan, folder), Spending(plan.config.budget)
    n_left = sum(_totals(plan).values()) - sum(map(len, finished.values()))

    def count(row: Row) -> None:
        progress.episode(row)
        place = f"arm {row['arm']}, lifetime {row['lifetime']}, {row['phase']} episode {row['index']}"
        errors[place] = row["error"]
        spending.add(row["cost"])

    def count_and_check(row: Row) -> None:
        nonlocal n_left
        count(row)
        n_left -= 1
        if n_left:
            spending.check()

    for rows in finished.values():
        for row in rows:
            count(row)
    if n_left:
        spending.check()
    restart_allowance(plan.config.budget, folder)
    progress.start()
    try:
        run_lifetimes(plan, folder, finished, attempt=attempt, workers=workers, notify=count_and_check)
    finally:
        progress.close()
    return [f"{place}: {error}" for place, error in errors.items() if error]


def _tracker(plan: RunPlan, folder: Path) -> Tracker | None:
    name = plan.config.tracker
    made: Tracker | None = registry.load("trackers", name)(folder) if name else None
    return made


def _totals(plan: RunPlan) -> dict[str, int]:
    totals = dict.fromkeys((arm.name for arm in plan.arms), 0)
    for unit in all_units(plan):
        totals[unit.arm.name] += len(plan.trials(unit.arm, unit.lifetime))
    return totals


def _size(plan: RunPlan) -> str:
    config = plan.config
    return (
        f"{counted(len(plan.arms), 'arm')}, {counted(config.lifetimes, 'lifetime')} of "
        f"{config.learning_episodes} learning and {config.held_out_episodes} held-out episodes, "
        f"{counted(len(config.stream.kinds), 'task kind')}, {plan.seeds.name} seeds"
    )
