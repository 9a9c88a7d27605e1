"""Tests that every `Tracker` must pass."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from embodied_mem.contracts import Tracker
from embodied_mem.errors import EmbodiedMemError


class TrackerContract:
    """Subclass it and define a `tracker` fixture that makes a fresh tracker for each test.

    If logged metrics can be read back, also define a `logged` fixture: a function that returns
    (step, metrics) pairs in the order of logging. Without it the tests of content are skipped.

    Example:
        class TestMine(TrackerContract):
            @pytest.fixture
            def tracker(self) -> Tracker:
                return MyTracker()
    """

    @pytest.fixture
    def tracker(self) -> Tracker:
        """A fresh tracker."""
        raise NotImplementedError("define a `tracker` fixture that returns a fresh tracker")

    @pytest.fixture
    def logged(self) -> "Callable[[], Sequence[tuple[int, Any]]] | None":
        """A function that reads back the logged metrics; None if that is not possible."""
        return None

    def test_is_a_tracker(self, tracker: Tracker) -> None:
        """It has both methods."""
        assert isinstance(tracker, Tracker)

    def test_keeps_what_was_logged_in_order(self, tracker: Tracker, logged: Any) -> None:
        """Nothing is lost or reordered, and `close` writes buffered metrics."""
        told = [(0, {"success": 0.5}), (3, {"success": 0.75, "steps": 12.0}), (7, {"success": 1.0})]
        for step, metrics in told:
            tracker.log(step, metrics)
        tracker.close()
        assert _read(logged) == told

    def test_accepts_the_same_step_again(self, tracker: Tracker, logged: Any) -> None:
        """Two callers may log at one step."""
        tracker.log(2, {"loss": 1.0})
        tracker.log(2, {"success": 0.5})
        tracker.close()
        assert [step for step, _ in _read(logged)] == [2, 2]

    def test_refuses_a_step_that_goes_down(self, tracker: Tracker) -> None:
        """A lower step raises an error."""
        tracker.log(5, {"success": 0.5})
        with pytest.raises(EmbodiedMemError):
            tracker.log(4, {"success": 0.5})

    def test_does_not_fail_a_run_over_a_value_that_is_not_finite(self, tracker: Tracker) -> None:
        """NaN and infinity are logged without an error: a loss that became NaN is a result."""
        tracker.log(0, {"loss": float("nan"), "return": float("inf")})
        tracker.close()

    def test_leaves_the_metrics_as_they_were(self, tracker: Tracker) -> None:
        """`log` does not change the caller's mapping."""
        metrics = {"success": 0.5}
        tracker.log(0, metrics)
        assert metrics == {"success": 0.5}

    def test_is_not_changed_by_metrics_that_change_later(self, tracker: Tracker, logged: Any) -> None:
        """The tracker copies the metrics."""
        metrics = {"success": 0.5}
        tracker.log(0, metrics)
        metrics["success"] = 0.0
        tracker.close()
        assert _read(logged) == [(0, {"success": 0.5})]

    def test_closes_twice(self, tracker: Tracker) -> None:
        """Closing twice is allowed."""
        tracker.close()
        tracker.close()

    def test_refuses_to_log_after_it_was_closed(self, tracker: Tracker) -> None:
        """Metrics are not dropped silently."""
        tracker.close()
        with pytest.raises(EmbodiedMemError):
            tracker.log(0, {"success": 0.5})


def _read(logged: "Callable[[], Sequence[tuple[int, Any]]] | None") -> list[tuple[int, dict[str, Any]]]:
    if logged is None:
        pytest.skip("the metrics of this tracker cannot be read back")
    return [(step, dict(metrics)) for step, metrics in logged()]
