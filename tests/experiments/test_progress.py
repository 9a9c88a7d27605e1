"""What a watching user is told."""

import io
import itertools
from typing import Any

from embodied_mem.experiments.progress import Progress

NUMBERS = itertools.count()


def row(phase: str, *, success: bool = True) -> dict[str, Any]:
    return {"arm": "memory", "lifetime": 0, "phase": phase, "index": next(NUMBERS), "success": success}


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_only_held_out_episodes_count_as_success():
    progress = Progress({"memory": 4}, file=io.StringIO())
    progress.episode(row("learn"))
    progress.episode(row("held_out"))
    progress.episode(row("held_out", success=False))
    assert "held-out success: memory 0.50" in progress.line()


def test_the_time_left_is_estimated_from_this_attempt_alone():
    clock = Clock()
    progress = Progress({"memory": 100}, file=io.StringIO(), clock=clock)
    for _ in range(50):
        progress.episode(row("learn"))
    progress.start()
    clock.now_s = 10.0
    for _ in range(10):
        progress.episode(row("learn"))
    assert "60 of 100 episodes, about 40 s left" in progress.line()


def test_a_file_gets_a_line_every_five_seconds():
    clock, file = Clock(), io.StringIO()
    progress = Progress({"memory": 1000}, file=file, clock=clock)
    progress.start()
    for _ in range(200):
        clock.now_s += 0.1
        progress.episode(row("learn"))
    assert 4 <= len(file.getvalue().splitlines()) <= 6


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_table_with_a_row_for_each_arm(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    file = Terminal()
    progress = Progress({"none": 2, "memory": 2}, file=file)
    progress.start()
    progress.episode(row("held_out"))
    progress.close()
    last = file.getvalue().split("held-out success")[-1]
    assert "none" in last
    assert "1 of 2" in last
    assert "1.00" in last


def test_an_episode_that_is_played_again_counts_once():
    progress = Progress({"memory": 2}, file=io.StringIO())
    lost = row("held_out", success=False)
    progress.episode(lost)
    progress.episode({**lost, "success": True})
    assert progress.line().startswith("1 of 2 episodes")
    assert progress.line().endswith("memory 1.00")


class Noting:
    def __init__(self) -> None:
        self.lines: list[tuple[int, dict[str, float]]] = []
        self.is_closed = False

    def log(self, step, metrics) -> None:
        self.lines.append((step, dict(metrics)))

    def close(self) -> None:
        self.is_closed = True


def test_a_tracker_gets_the_numbers_that_are_shown():
    tracker = Noting()
    progress = Progress({"memory": 3}, file=io.StringIO(), tracker=tracker)
    progress.start()
    progress.episode(row("learn"))
    progress.episode(row("held_out"))
    progress.episode(row("held_out", success=False))
    progress.close()
    assert tracker.lines[0] == (0, {"episodes/memory": 0.0})
    assert tracker.lines[-1] == (3, {"episodes/memory": 3.0, "held_out_success/memory": 0.5})
    assert tracker.is_closed
