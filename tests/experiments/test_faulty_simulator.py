"""A run over a simulator that raises, hangs, dies, is dead at reset or gives NaN, each in some episodes."""

import collections
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from embodied_mem.experiments.run_command import RunResult, run

FAULTY_RUN = (
    "seeds=tuning",
    "planner=puller",
    "arms=[none,memory]",
    "stream.kinds=[faulty:a]",
    "lifetimes=1",
    "learning_episodes=10",
    "held_out_episodes=5",
    "limits.max_step_seconds=1.0",
    "report=false",
)
ENDS = {  # by the seed's fault
    0: "error",
    1: "max_step_seconds",
    2: "error",
    3: "reset_error",
}

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("toy_parts")]


def play(folder: Path, *overrides: str) -> RunResult:
    return run([*FAULTY_RUN, f"out={folder}", *overrides], command="test", say=lambda line: None)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("lifetimes/*/*/episodes.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_run_ends_by_itself_and_accounts_for_every_episode(tmp_path: Path, workers: int) -> None:
    began_s = time.monotonic()
    result = play(tmp_path / "run", f"workers={workers}")
    assert time.monotonic() - began_s < 60  # one hang alone would take as long
    rows = rows_of(tmp_path / "run")
    assert len(rows) == 30
    assert all(row["ended_by"] == ENDS.get(row["seed"] % 5, row["ended_by"]) for row in rows)
    assert collections.Counter(row["seed"] % 5 for row in rows) == dict.fromkeys(range(5), 6)
    assert all(row["reward"] is None for row in rows if row["seed"] % 5 == 4)
    assert any("exit status 3" in failure for failure in result.failed)
    assert any("no simulator at this port" in failure for failure in result.failed)


def test_a_repeated_run_has_an_equal_summary(tmp_path: Path) -> None:
    play(tmp_path / "one", "workers=1")
    play(tmp_path / "two", "workers=2")
    first, second = (tmp_path / name / "summary.json" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_a_killed_run_resumes_to_an_equal_summary(tmp_path: Path, start_cli: Any) -> None:
    play(tmp_path / "whole", "workers=1")
    folder = tmp_path / "killed"
    process = start_cli("run", *FAULTY_RUN, f"out={folder}", "workers=2")
    while len(rows_of(folder)) < 7 and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(rows_of(folder)) < 30
    run([f"resume={folder}"], command="test", say=lambda line: None)
    assert (folder / "summary.json").read_bytes() == (tmp_path / "whole" / "summary.json").read_bytes()
