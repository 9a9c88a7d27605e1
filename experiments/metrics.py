"""Metrics of an episode, each with the label and description that readers see."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from embodied_mem.experiments.rows import EpisodeRow

UNKNOWN = "–"  # noqa: RUF001

MetricUnit: TypeAlias = Literal["share", "area", "steps"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number per episode; a lifetime's value is its mean over the lifetime's held-out episodes.

    Attributes:
        name: Key in `summary.json`.
        label: A few words for tables and axes.
        unit: `share` (0 to 1, printed as per cent), `area` (0 to 1, printed as a fraction) or `steps`.
        description: What it counts, in one or two sentences.
        of: Its value for an episode.
    """

    name: str
    label: str
    unit: MetricUnit
    description: str
    of: Callable[[EpisodeRow], float]

    @property
    def highest(self) -> float:
        """Greatest possible value; the least is 0."""
        return math.inf if self.unit == "steps" else 1.0

    def text(self, value: float | None, *, signed: bool = False) -> str:
        """Format a value: `93.1 %`, `0.712`, `41.3`; a dash if it is None."""
        if value is None:
            return UNKNOWN
        sign = "+" if signed and value >= 0 else "−" if value < 0 else ""  # noqa: RUF001
        size = abs(value)
        if self.unit == "share":
            return f"{sign}{100 * size:.1f}" if signed else f"{sign}{100 * size:.1f} %"
        return f"{sign}{size:.3f}" if self.unit == "area" else f"{sign}{size:.1f}"

    def size_text(self, value: float) -> str:
        """Format the size of a difference with its unit: `8.4 points`, `0.076`."""
        return self.text(abs(value)).replace(" %", " points")

    def interval_text(self, interval: list[float] | None, *, signed: bool = False) -> str:
        """Format an interval: `[90.2, 95.8]`; a dash if it is None."""
        if interval is None:
            return UNKNOWN
        low, high = (self.text(end, signed=signed).removesuffix(" %") for end in interval)
        return f"[{low}, {high}]"


def _success_at(percent: int) -> Metric:
    return Metric(
        name=f"success_at_{percent}",
        label=f"Success within {percent} % of the steps",
        unit="share",
        description=(
            f"Share of held-out episodes that succeeded within {percent} % of the environment's own step "
            "limit."
        ),
        of=lambda row: float(row.is_success_within(percent / 100)),
    )


BUDGETS = (10, 25, 50, 100)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "success",
            "Success",
            "share",
            "Share of held-out episodes in which the environment confirmed the goal.",
            lambda row: float(row.success),
        ),
        Metric(
            "area",
            "Area under success over budget",
            "area",
            "Mean of 1 − steps / limit where the episode succeeded and 0 where it "  # noqa: RUF001
            "failed. It is the area under the success-over-budget curve: 1 would be "
            "success at once, 0 no success at any budget.",
            lambda row: row.area,
        ),
        *(_success_at(percent) for percent in BUDGETS),
        Metric(
            "steps",
            "Steps",
            "steps",
            "Mean number of environment steps per episode, failed episodes included.",
            lambda row: float(row.steps),
        ),
    )
}

COMPARED = ("success", "area", "success_at_25")


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 lifetime`, `12 lifetimes`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
