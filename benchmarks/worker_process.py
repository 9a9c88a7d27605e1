"""The parent's side of `worker`: a single-threaded child process, controlled line by line."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.measuring import ONE_THREAD, QUIET
from embodied_mem.errors import ExperimentError
from tests.durability.file_calls import count_syncs

MODULE = "benchmarks.worker"


class WorkerProcess:
    """A child process that measures one subject.

    Args:
        name: The subject.
        prepared: Folder of the workload.
        folder: Where the subject keeps its files; made if absent.
    """

    def __init__(self, name: str, prepared: Path, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._name = name
        self._errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, name, str(prepared), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=_environment(folder),
        )

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait for the answer.

        Raises:
            ExperimentError: The process ended; the message has the end of its output.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ExperimentError(f"{self._name} ended while asked to {do}: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process; stopping twice is allowed."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _last_words(self) -> str:
        self._process.wait(timeout=60)
        self._errors.seek(0)
        return self._errors.read()[-3_000:].strip() or f"exit code {self._process.returncode}, nothing said"


def syncs_per_add(name: str, prepared: Path, folder: Path, *, few: int = 10, many: int = 30) -> float:
    """How often a store waits for the disk for each record it acknowledges, counted at the system calls.

    Two runs that differ only in the number of adds, so that opening, loading and closing cancel.
    """
    totals = []
    for n_added in (few, many):
        own = folder / f"syncs-{n_added}"
        command = [sys.executable, "-m", MODULE, name, str(prepared), str(own), "--adds", str(n_added)]
        totals.append(sum(count_syncs(command, own, environment=_environment(own)).values()))
    return (totals[1] - totals[0]) / (many - few)


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        **ONE_THREAD,
        **QUIET,
        "MEM0_DIR": str(folder / "mem0"),
        "ROBOTMEM_HOME": str(folder),
    }
