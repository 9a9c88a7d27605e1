"""The tracker that is always on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embodied_mem.experiments.trackers import JsonlTracker, read_metrics
from embodied_mem.testing.tracker import TrackerContract


class TestJsonlTracker(TrackerContract):
    @pytest.fixture
    def tracker(self, tmp_path: Path) -> Iterator[JsonlTracker]:
        tracker = JsonlTracker(tmp_path / "deep" / "metrics.jsonl")
        yield tracker
        tracker.close()

    @pytest.fixture
    def logged(self, tmp_path: Path) -> Callable[[], list[tuple[int, Any]]]:
        return lambda: read_metrics(tmp_path / "deep" / "metrics.jsonl")


def test_what_was_there_is_kept(tmp_path: Path) -> None:
    for step in (3, 1):  # a resumed run may begin at a lower step: only one tracker's own steps never go down
        tracker = JsonlTracker(tmp_path / "m.jsonl")
        tracker.log(step, {"success": 1.0})
        tracker.close()
    assert [step for step, _ in read_metrics(tmp_path / "m.jsonl")] == [3, 1]


def test_a_line_is_in_the_file_before_the_tracker_is_closed(tmp_path: Path) -> None:
    tracker = JsonlTracker(tmp_path / "m.jsonl")
    tracker.log(0, {"success": 1.0})
    assert read_metrics(tmp_path / "m.jsonl") == [(0, {"success": 1.0})]
    tracker.close()


def test_a_torn_last_line_is_cut_off_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"step": 0, "metrics": {"a": 1.0}}\n{"step": 1, "met')
    tracker = JsonlTracker(path)
    tracker.log(1, {"a": 2.0})
    tracker.close()
    assert read_metrics(path) == [(0, {"a": 1.0}), (1, {"a": 2.0})]


def test_a_value_that_is_not_finite_is_written_as_null(tmp_path: Path) -> None:
    tracker = JsonlTracker(tmp_path / "m.jsonl")
    tracker.log(0, {"loss": float("nan")})
    tracker.close()
    assert read_metrics(tmp_path / "m.jsonl") == [(0, {"loss": None})]
