"""The tracker contract passes a right tracker and notices each planted fault."""

from collections.abc import Mapping
from typing import Any

import pytest
from planted import failures

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.testing.tracker import TrackerContract


class ListTracker:
    """A right tracker that keeps everything in memory."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, Any]] = []
        self.is_closed = False

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        if self.is_closed or (self.rows and step < self.rows[-1][0]):
            raise EmbodiedMemError(f"step is {step}; closed or going down")
        self.rows.append((step, dict(metrics)))

    def close(self) -> None:
        self.is_closed = True


class TestListTracker(TrackerContract):
    @pytest.fixture
    def tracker(self) -> ListTracker:
        return ListTracker()

    @pytest.fixture
    def logged(self, tracker: ListTracker) -> Any:
        return lambda: tracker.rows


class LosesTheLast(ListTracker):
    def close(self) -> None:
        del self.rows[-1:]
        super().close()


class KeepsTheSameMapping(ListTracker):
    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        super().log(step, {})
        self.rows[-1] = (step, metrics)


class GoesDown(ListTracker):
    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.rows.append((step, dict(metrics)))


class ClosesOnce(ListTracker):
    def close(self) -> None:
        if self.is_closed:
            raise EmbodiedMemError("closed already")
        super().close()


class OneRowAStep(ListTracker):
    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        if self.rows and self.rows[-1][0] == step:
            return
        super().log(step, metrics)


class RefusesNan(ListTracker):
    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        if any(value != value for value in metrics.values()):
            raise EmbodiedMemError("a metric is no number")
        super().log(step, metrics)


class EmptiesTheMetrics(ListTracker):
    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        super().log(step, metrics)
        metrics.clear()  # type: ignore[attr-defined]


class NeverCloses(ListTracker):
    def close(self) -> None:
        return


class HasNoClose:
    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        return


@pytest.mark.parametrize(
    ("faulty", "noticed"),
    [
        (LosesTheLast, "test_keeps_what_was_logged_in_order"),
        (KeepsTheSameMapping, "test_is_not_changed_by_metrics_that_change_later"),
        (GoesDown, "test_refuses_a_step_that_goes_down"),
        (ClosesOnce, "test_closes_twice"),
        (OneRowAStep, "test_accepts_the_same_step_again"),
        (RefusesNan, "test_does_not_fail_a_run_over_a_value_that_is_not_finite"),
        (EmptiesTheMetrics, "test_leaves_the_metrics_as_they_were"),
        (NeverCloses, "test_refuses_to_log_after_it_was_closed"),
        (HasNoClose, "test_is_a_tracker"),
    ],
)
def test_a_planted_fault_is_noticed(faulty: type, noticed: str) -> None:
    made: list[Any] = []

    def tracker() -> Any:
        made.append(faulty())
        return made[-1]

    assert noticed in failures(TrackerContract, tracker=tracker, logged=lambda: lambda: made[-1].rows)


def test_content_cannot_be_judged_where_nothing_can_be_read_back() -> None:
    assert failures(TrackerContract, tracker=LosesTheLast) == []
