"""Clocks and gauges: wall and CPU time, memory, disk, and the machine they were taken on."""

import datetime
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from embodied_mem.experiments.outputs import machine, versions

ONE_THREAD = {  # environment of a child process, set before it imports numpy and faiss
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
QUIET = {"MEM0_TELEMETRY": "False", "ANONYMIZED_TELEMETRY": "False", "LANGSMITH_TRACING": "false"}

COMPARED_PACKAGES = (
    "faiss-cpu",
    "langchain-community",
    "langgraph-checkpoint",
    "langgraph-checkpoint-sqlite",
    "mem0ai",
    "pysqlite3-binary",
    "robotmem",
    "sqlite-vec",
)


@dataclass(frozen=True, slots=True)
class Timings:
    """Calls of one kind, timed one by one.

    Attributes:
        wall_s: Wall-clock seconds of each.
        cpu_s: CPU seconds of all together, over every thread of the process.
    """

    wall_s: tuple[float, ...]
    cpu_s: float

    @classmethod
    def joined(cls, parts: "Sequence[Timings]") -> "Timings":
        """Concatenate timings."""
        return cls(
            tuple(second for part in parts for second in part.wall_s), sum(part.cpu_s for part in parts)
        )

    def percentile_ms(self, percent: float) -> float:
        """A percentile of the wall-clock milliseconds; NaN without calls."""
        return float(np.percentile(self.wall_s, percent)) * 1e3 if self.wall_s else float("nan")

    @property
    def p50_ms(self) -> float:
        """Median wall-clock milliseconds."""
        return self.percentile_ms(50)

    @property
    def cpu_mean_ms(self) -> float:
        """Mean CPU milliseconds a call."""
        return self.cpu_s / len(self.wall_s) * 1e3 if self.wall_s else float("nan")

    def document(self) -> dict[str, float]:
        """The figures that are reported, in milliseconds."""
        names = {"p50_ms": 50, "p95_ms": 95, "p99_ms": 99}
        figures = {name: round(self.percentile_ms(percent), 4) for name, percent in names.items()}
        return {"n": len(self.wall_s), **figures, "cpu_mean_ms": round(self.cpu_mean_ms, 4)}


def time_calls(
    calls: Sequence[Callable[[], Any]], *, budget_s: float, at_least: int = 5
) -> tuple[Timings, list[Any]]:
    """Time calls one by one until the budget is spent, and what they returned."""
    walls: list[float] = []
    results = []
    cpu_began = time.process_time()
    for call in calls:
        if sum(walls) > budget_s and len(walls) >= at_least:
            break
        began = time.perf_counter()
        result = call()
        walls.append(time.perf_counter() - began)
        results.append(result)
    return Timings(tuple(walls), time.process_time() - cpu_began), results


def restart_with_one_thread(module: str) -> None:
    """Start this program again as `python -m module`, unless it has `ONE_THREAD`.

    The settings are read when numpy is imported, which has happened by now.
    """
    environment = {**os.environ, **ONE_THREAD}
    if environment != dict(os.environ):
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], environment)


def rss_bytes() -> int:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def folder_bytes(folder: Path) -> int:
    """Size of every file below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def label(n: int) -> str:
    """A number of records in a row's name: `10k`, `1M`."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if n >= unit and n % unit == 0:
            return f"{n // unit}{name}"
    return str(n)


def circumstances() -> dict[str, Any]:
    """Machine, versions, load and date, all given by the machine."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "machine": machine(),
        "versions": {**versions(), "sqlite": sqlite3.sqlite_version, **_compared_versions()},
    }


def _compared_versions() -> dict[str, str]:
    found = {}
    for package in COMPARED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
