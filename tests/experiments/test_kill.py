"""Killed at ten random points of a run on real tasks, and resumed: `summary.json` equals the unbroken one's.

One command, about a minute, with the points printed as they come:

    python -m pytest -m nightly -s tests/experiments/test_kill.py
"""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1_200)]

RUN = ("seeds=tuning", "lifetimes=2", "learning_episodes=8", "held_out_episodes=6")
N_ROWS = 2 * (3 * 14 + 4 * 6)  # three arms that learn, four that play held-out episodes only
N_POINTS = 10


def test_killed_at_ten_random_points_and_resumed_the_summary_is_the_unbroken_one(tmp_path, child_environment):
    pytest.importorskip("minigrid")
    program = Program(tmp_path, child_environment)
    assert program.start(*RUN, "workers=2", "out=unbroken").wait() == 0
    expected = (tmp_path / "unbroken" / "summary.json").read_bytes()
    assert n_rows(tmp_path / "unbroken") == N_ROWS
    rng, points = random.Random(0), []
    for number in itertools.count():
        folder = tmp_path / f"killed_{number}"
        process = program.start(*RUN, f"workers={rng.randint(1, 3)}", f"out={folder.name}")
        for _ in range(rng.randint(1, 3)):
            points += kill(
                process, folder, rows=rng.randint(n_rows(folder), N_ROWS), delay_s=rng.random() / 2
            )
            process = program.start(f"resume={folder.name}", f"workers={rng.randint(1, 3)}")
        assert process.wait() == 0
        assert n_rows(folder) == N_ROWS
        assert (folder / "summary.json").read_bytes() == expected, points
        print(f"\n{folder.name}: equal, byte for byte; killed so far after {points} of {N_ROWS} episodes")
        if len(points) >= N_POINTS:
            break


class Program:
    """Starts `embodied-mem run`, each time in a process group of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder, self._environment = folder, environment

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "embodied_mem", "run", *words],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def kill(process: "subprocess.Popen[bytes]", folder: Path, *, rows: int, delay_s: float) -> list[int]:
    """`kill -9` the whole group at a point: how many episodes were finished, nothing if it had ended."""
    while process.poll() is None and (not (folder / "run.json").exists() or n_rows(folder) < rows):
        time.sleep(0.001)
    time.sleep(delay_s)
    was_running = process.poll() is None
    if was_running:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return [n_rows(folder)] if was_running else []


def n_rows(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("lifetimes/*/*/episodes.jsonl"))
