"""Phases of an episode's continuous actions, found without keeping each action."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAX_SPANS = 32  # kept while the episode runs
MAX_PHASES = 8  # reported at its end
ALIKE = 0.1  # neighbouring phases are one if their means differ by less than this share of the range


class Spans(NamedTuple):
    """Consecutive stretches of steps, m of them.

    Attributes:
        counts: (m,) number of steps.
        sums: (m, d) sum of their actions.
        lows: (m, d) smallest value of each dimension.
        highs: (m, d) largest value of each dimension.
    """

    counts: npt.NDArray[np.int64]
    sums: Floats
    lows: Floats
    highs: Floats

    @property
    def means(self) -> Floats:
        """(m, d) mean action of each span."""
        return self.sums / self.counts[:, None]

    def followed_by(self, later: "Spans") -> "Spans":
        """Return these spans and later ones of the same length of actions."""
        return Spans(
            np.concatenate((self.counts, later.counts)),
            np.concatenate((self.sums, later.sums)),
            np.concatenate((self.lows, later.lows)),
            np.concatenate((self.highs, later.highs)),
        )

    def joined(self, starts: npt.NDArray[np.int64]) -> "Spans":
        """Return the spans joined into fewer, each from one start to the next."""
        with np.errstate(over="ignore", invalid="ignore"):  # an action may hold anything
            return Spans(
                np.add.reduceat(self.counts, starts),
                np.add.reduceat(self.sums, starts),
                np.minimum.reduceat(self.lows, starts),
                np.maximum.reduceat(self.highs, starts),
            )


def spans_of(actions: Floats) -> Spans:
    """Return each of (n, d) actions as a span of one step."""
    return Spans(np.ones(len(actions), np.int64), actions, actions, actions)


class SpanLog:
    """Keeps at most 32 spans of equal length, which doubles when they are full."""

    __slots__ = ("_length", "spans")

    def __init__(self) -> None:
        self.spans: Spans | None = None
        self._length = 1

    def extend(self, actions: Floats) -> None:
        """Add (n, d) actions, n > 0.

        Raises:
            ValueError: They have another length than those before.
        """
        spans = spans_of(actions)
        if self.spans is not None:
            spans = self.spans.followed_by(spans)
        first_steps = np.cumsum(spans.counts) - spans.counts
        while first_steps[-1] // self._length >= MAX_SPANS:
            self._length *= 2
        is_first = np.diff(first_steps // self._length, prepend=-1) > 0
        self.spans = spans.joined(np.flatnonzero(is_first))


def phases_of(spans: Spans) -> Spans:
    """Return at most 8 phases: the most alike neighbours are joined until those left differ."""
    ranges = spans.highs.max(axis=0) - spans.lows.min(axis=0)
    ranges[ranges == 0] = 1.0
    while len(spans.counts) > 1:
        with np.errstate(over="ignore", invalid="ignore"):
            gaps = np.abs(np.diff(spans.means, axis=0) / ranges).max(axis=1)
        closest = int(gaps.argmin())
        if gaps[closest] >= ALIKE and len(spans.counts) <= MAX_PHASES:
            break
        spans = spans.joined(np.delete(np.arange(len(spans.counts)), closest + 1))
    return spans
