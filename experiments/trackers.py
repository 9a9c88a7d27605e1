"""Write a run's metrics while it runs: one JSON line per step, readable after a kill."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from embodied_mem.errors import ExperimentError


class JsonlTracker:
    """Appends `{"step": ..., "metrics": {...}}` lines to a file; implements `Tracker`.

    A line is handed to the operating system before `log` returns, so it survives a kill of the process.
    Opening an existing file keeps its lines; only a last line torn by a kill, which no `log` acknowledged, is
    removed.
    """

    def __init__(self, path: str | Path) -> None:
        """Open a file for appending; creates missing folders.

        Args:
            path: Path of the file, such as `metrics.jsonl` in a run folder.
        """
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO | None = self._path.open("ab", buffering=0)
        self._file.truncate(_whole_bytes(self._path))
        self._step: int | None = None

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write metrics at a step; a value that is not finite is written as null.

        Args:
            step: At least the step of the last call of this tracker.
            metrics: Name -> value.

        Raises:
            ExperimentError: The step is below the last one, or the tracker is closed.
        """
        if self._file is None:
            raise ExperimentError(f"the tracker of {self._path} is closed; open a new one")
        if self._step is not None and step < self._step:
            raise ExperimentError(f"step is {step}; expected at least {self._step}, the step logged last")
        values = {str(name): _finite(value) for name, value in metrics.items()}
        line = json.dumps({"step": int(step), "metrics": values}, allow_nan=False)
        self._file.write(line.encode("ascii") + b"\n")
        self._step = int(step)

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_metrics(path: str | Path) -> list[tuple[int, dict[str, float | None]]]:
    """Read the (step, metrics) pairs that a `JsonlTracker` wrote, in order; skips a torn last line."""
    *lines, _ = Path(path).read_bytes().split(b"\n")
    rows = [json.loads(line) for line in lines]
    return [(row["step"], row["metrics"]) for row in rows]


def _finite(value: float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _whole_bytes(path: Path) -> int:
    return path.read_bytes().rfind(b"\n") + 1


def make_jsonl(folder: Path) -> JsonlTracker:
    """Make the tracker `jsonl` of a run: `metrics.jsonl` in its folder."""
    return JsonlTracker(folder / "metrics.jsonl")
