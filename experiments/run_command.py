"""`embodied-mem run`: a new run, or an interrupted one that goes on."""

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
from embodied_mem.experiments.compose import compose_config, keys_of
from embodied_mem.experiments.config import NOT_COMPARED, RunConfig, RunPlan, differences, make_plan
from embodied_mem.experiments.lifetime import Row
from embodied_mem.experiments.locks import folder_lock
from embodied_mem.experiments.metrics import counted
from embodied_mem.experiments.progress import Progress
from embodied_mem.experiments.runner import all_units, finished_rows, run_lifetimes, try_parts


class RunStopped(ExperimentError):
    """A run ended before its last episode; what it has done is kept in its folder."""

    def __init__(self, message: str, folder: Path) -> None:
        super().__init__(
            f"{message}\nEverything so far is kept; go on with: embodied-mem run resume={folder}"
        )


class RunInterrupted(KeyboardInterrupt):
    """Ctrl-C; the run's folder is noted so that the user learns how to go on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"interrupted; go on with: embodied-mem run resume={folder}")


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run leaves.

    Attributes:
        folder: The run's folder.
        summary: What `summary.json` holds.
        report: Path of the report; None if none was asked for.
        failed: Episodes that an environment broke off by an error, in words.
    """

    folder: Path
    summary: dict[str, Any]
    report: Path | None
    failed: tuple[str, ...]


def run(overrides: Sequence[str], *, command: str, say: Callable[[str], None]) -> RunResult:
    """Play what the overrides describe, or go on with the run that `resume=` names.

    Args:
        overrides: Hydra overrides.
        command: The whole command, for the record.
        say: Told in a line where the run is kept.

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
        plan = make_plan(config)
        try_parts(plan)
        document = outputs.start_document(plan, command=command, now=now)
        folder = outputs.new_folder(plan.config, now=now)  # last: what cannot be played leaves no folder
    with folder_lock(folder):
        if config.resume:
            document = _next_attempt(folder)
        outputs.write_document(folder, document)
        say(f"{_size(plan)}; kept in {folder}")
        return _Run(plan, folder, document, workers=config.workers).play()


def _resumed(config: RunConfig, overrides: Sequence[str]) -> tuple[RunPlan, Path]:
    folder = Path(config.resume)
    kept = outputs.read_config(outputs.read_document(folder))
    given = keys_of(overrides)
    if "out" in given:
        raise ExperimentError(f"a resumed run stays in its folder, {folder}; leave out= away")
    changed = given - set(NOT_COMPARED)
    different = [
        line
        for line in differences(kept, config)
        if "experiment" in changed or line.split(":")[0].split(".")[0] in changed
    ]
    if different:
        raise ExperimentError(
            f"{folder} was begun with another configuration ({'; '.join(different)}); "
            "leave these out to resume, or start a new run"
        )
    free = {key: getattr(config, key) for key in ("report", "tracker") if key in given}
    return make_plan(dataclasses.replace(kept, workers=config.workers, **free)), folder


def _next_attempt(folder: Path) -> dict[str, Any]:
    document = outputs.read_document(folder)
    return {**document, "attempt": document["attempt"] + 1, "status": "running"}


class _Run:
    """Plays a plan and keeps `run.json` true whatever happens."""

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
    """Play everything that has no row yet, with live progress; see `runner.run_lifetimes`.

    Returns:
        Episodes that an environment broke off by an error, in words, those of earlier attempts first.
    """
    progress = Progress(_totals(plan), tracker=_tracker(plan, folder))
    errors: dict[str, str] = {}
    finished = finished_rows(plan, folder)

    def count(row: Row) -> None:
        progress.episode(row)
        place = f"arm {row['arm']}, lifetime {row['lifetime']}, {row['phase']} episode {row['index']}"
        errors[place] = row["error"]

    for rows in finished.values():
        for row in rows:
            count(row)
    progress.start()
    try:
        run_lifetimes(plan, folder, finished, attempt=attempt, workers=workers, notify=count)
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
