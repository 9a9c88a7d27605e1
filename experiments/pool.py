"""Worker processes of a run, driven over pipes."""

import logging
import selectors
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.config import RunPlan, to_document
from embodied_mem.experiments.lifetime import Row, Unit
from embodied_mem.experiments.runner import Schedule
from embodied_mem.isolation.json_process import JsonProcess, ProcessEnded

logger = logging.getLogger(__name__)


class WorkerProcess(JsonProcess):
    """One worker and the unit it plays."""

    def __init__(self) -> None:
        super().__init__("embodied_mem.experiments.worker")
        self.unit: Unit | None = None

    def events(self) -> list[dict[str, Any]]:
        """The events received since the last call.

        Raises:
            ExperimentError: The worker died.
        """
        try:
            return self.receive()
        except ProcessEnded as ended:
            raise ExperimentError(
                f"a worker process died (exit status {ended.status}) while it played {self}"
            ) from None

    def __str__(self) -> str:
        return f"arm {self.unit.arm.name}, lifetime {self.unit.lifetime}" if self.unit else "nothing"


def run_in_workers(
    plan: RunPlan,
    schedule: Schedule,
    run_folder: Path,
    *,
    attempt: int,
    workers: int,
    notify: Callable[[Row], None],
) -> None:
    """Play a schedule in worker processes; stops them all at the end, also after an error.

    Raises:
        ExperimentError: A worker failed or died.
    """
    setup = {"config": to_document(plan.config), "folder": str(run_folder.absolute()), "attempt": attempt}
    pool: list[WorkerProcess] = []
    try:
        with selectors.DefaultSelector() as selector:
            for _ in range(workers):
                worker = WorkerProcess()
                pool.append(worker)
                selector.register(worker, selectors.EVENT_READ, worker)
                worker.send(setup)
            _assign(pool, schedule)
            while not schedule.is_done:
                for key, _ in selector.select():
                    _handle(key.data, schedule, notify)
                _assign(pool, schedule)
    finally:
        for worker in pool:
            worker.stop()


def _assign(pool: list[WorkerProcess], schedule: Schedule) -> None:
    for worker in pool:
        if worker.unit is None:
            worker.unit = schedule.take()
            if worker.unit is not None:
                worker.send({"arm": worker.unit.arm.name, "lifetime": worker.unit.lifetime})


def _handle(worker: WorkerProcess, schedule: Schedule, notify: Callable[[Row], None]) -> None:
    for event in worker.events():
        if event["event"] == "episode":
            notify(event["row"])
        elif event["event"] == "failed":
            logger.debug("%s", event["traceback"])
            raise ExperimentError(event["message"])
        elif worker.unit is not None:
            schedule.finish(worker.unit)
            worker.unit = None
