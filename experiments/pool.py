"""Worker processes of a run, driven over pipes."""

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.config import RunPlan, to_document
from embodied_mem.experiments.lifetime import Row, Unit
from embodied_mem.experiments.runner import Schedule

logger = logging.getLogger(__name__)

STOP_WAIT_S = 5.0


class WorkerProcess:
    """One worker and the unit it plays."""

    def __init__(self) -> None:
        self.unit: Unit | None = None
        self._buffer = b""
        with _sigint_blocked():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "embodied_mem.experiments.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
            )

    @property
    def output(self) -> int:
        """File descriptor of its events."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; `events` detects a dead worker."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            logger.warning("a worker process has died")

    def events(self) -> list[dict[str, Any]]:
        """The events received since the last call.

        Raises:
            ExperimentError: The worker died.
        """
        chunk = os.read(self.output, 65_536)
        if not chunk:
            raise ExperimentError(
                f"a worker process died (exit status {self._process.wait()}) while it played {self}"
            )
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        return [json.loads(line) for line in lines]

    def stop(self) -> None:
        """Stop it now; safe at any moment, because a resumed run continues after the last complete row."""
        self._process.terminate()
        try:
            self._process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except BrokenPipeError:
                continue

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
                selector.register(worker.output, selectors.EVENT_READ, worker)
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


def _environment() -> dict[str, str]:
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)
    return {**os.environ, "PYTHONPATH": paths}


@contextlib.contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Block SIGINT in this process during the block, and for good in a process started within it.

    A worker that is still importing cannot ignore Ctrl-C itself and would print a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
