"""Means and differences with intervals, from one value per lifetime.

Every interval uses the same bootstrap seed, so adding an arm changes no other arm's interval.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from embodied_mem.experiments import statistics
from embodied_mem.experiments.rows import EpisodeRow
from embodied_mem.experiments.run_folder import Lifetime

BOOTSTRAP_SEED = 20_260_101
DIGITS = 6


def lifetime_values(lives: Iterable[Lifetime], of: Callable[[EpisodeRow], float]) -> list[float]:
    """Mean over the held-out episodes of each lifetime."""
    return [math.fsum(of(row) for row in life.held_out) / len(life.held_out) for life in lives]


def mean_with_interval(values: Sequence[float], *, highest: float = 1.0) -> dict[str, Any]:
    """Return `mean`, `ci95` and `per_lifetime`; None where there are too few lifetimes.

    Args:
        values: One value per lifetime, from 0 to `highest`; the interval is clipped to that range.
        highest: Greatest possible value.
    """
    if not values:
        return {"mean": None, "ci95": None, "per_lifetime": []}
    interval = statistics.bootstrap_interval(values, rng=_rng())
    if interval is not None:
        interval = max(0.0, interval[0]), min(highest, interval[1])
    return {"mean": math.fsum(values) / len(values), "ci95": interval, "per_lifetime": list(values)}


def mean_with_band(values: statistics.Values) -> dict[str, Any]:
    """Return `mean`, `low` and `high` of each column of (n, m) shares, one row per lifetime."""
    low, high = statistics.bootstrap_bounds(values, rng=_rng())
    ends = {"low": np.clip(low, 0.0, 1.0).tolist(), "high": np.clip(high, 0.0, 1.0).tolist()}
    return {"mean": values.mean(axis=0).tolist(), **ends}


def same_problems(a: Lifetime, b: Lifetime) -> bool:
    """Whether two lifetimes have the same held-out problems in the same order."""
    return [row.problem for row in a.held_out] == [row.problem for row in b.held_out]


def compared_lifetimes(
    a: Sequence[Lifetime], b: Sequence[Lifetime]
) -> tuple[list[Lifetime], list[Lifetime], bool]:
    """The lifetimes of two arms to compare, and whether they are paired.

    Paired are lifetimes of equal number, if all of them have the same problems; else every lifetime counts.
    """
    left, right = {life.number: life for life in a}, {life.number: life for life in b}
    shared = sorted(left.keys() & right.keys())
    if shared and all(same_problems(left[n], right[n]) for n in shared):
        return [left[n] for n in shared], [right[n] for n in shared], True
    return list(left.values()), list(right.values()), False


def difference(
    a: Sequence[float], b: Sequence[float], *, is_paired: bool, highest: float = math.inf
) -> dict[str, Any]:
    """Return the difference of two arms with its interval, from one value per lifetime.

    Args:
        a: (n,) values.
        b: (n,) values of the same lifetimes if paired, else (m,).
        is_paired: Whether a[i] and b[i] faced the same problems.
        highest: Greatest possible value and so greatest difference; the interval is clipped to it.

    Returns:
        `pairs`, `is_paired`, `mean_a`, `mean_b`, `difference`, `ci95`, `excludes_zero`, `detectable`, and per
        lifetime `differences` with the counts `ahead`, `level`, `behind` (paired only).
    """
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    pairs = [x - y for x, y in zip(a, b, strict=True)] if is_paired else []
    interval = (
        statistics.bootstrap_interval(pairs, rng=_rng())
        if is_paired
        else statistics.unpaired_interval(a, b, rng=_rng())
    )
    if interval is not None:
        interval = max(-highest, interval[0]), min(highest, interval[1])
    return {
        "pairs": len(pairs),
        "is_paired": is_paired,
        "mean_a": mean_a,
        "mean_b": mean_b,
        "difference": math.fsum(pairs) / len(pairs) if is_paired else mean_a - mean_b,
        "ci95": interval,
        "excludes_zero": interval is not None and (interval[0] > 0 or interval[1] < 0),
        "detectable": statistics.detectable_difference(pairs) if is_paired else None,
        "differences": pairs,
        "ahead": sum(d > 1e-12 for d in pairs),
        "level": sum(abs(d) <= 1e-12 for d in pairs),
        "behind": sum(d < -1e-12 for d in pairs),
    }


def _rng() -> np.random.Generator:
    return np.random.default_rng(BOOTSTRAP_SEED)


def rounded(value: Any) -> Any:
    """Round floats to `DIGITS` places, so results ignore the last bit of a sum; NaN becomes None."""
    if isinstance(value, float):
        return round(value, DIGITS) + 0.0 if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value
