"""The tracker that is always on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embodied_mem.experiments.trackers import JsonlTracker, read_metrics
from embodied_mem.testing.tracker import TrackerContract
from tests.experiments.conftest import TOY_RUN

TOY = (*TOY_RUN, "arms=[none]", "lifetimes=1", "learning_episodes=2", "held_out_episodes=2", "workers=1")


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


def test_a_run_leaves_its_numbers(run_cli, tmp_path):
    code, _, err = run_cli("run", *TOY, "out=here")
    assert code == 0, err
    steps = read_metrics(tmp_path / "here" / "metrics.jsonl")
    assert steps[-1][1]["episodes/none"] == 4
    assert 0 <= steps[-1][1]["held_out_success/none"] <= 1


def test_a_run_without_a_tracker_leaves_none(run_cli, tmp_path):
    run_cli("run", *TOY, "out=here", "tracker=''")
    assert not (tmp_path / "here" / "metrics.jsonl").exists()


def test_an_unknown_tracker_gives_the_nearest_name(run_cli):
    code, _, err = run_cli("run", *TOY, "tracker=json")
    assert code == 1
    assert "Did you mean 'jsonl'" in err
