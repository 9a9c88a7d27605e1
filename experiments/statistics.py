"""Intervals for small numbers of lifetimes: bootstrap, Wilson, paired and detectable differences.

The unit is the lifetime (one memory, one order of tasks). Episodes of one lifetime share a memory and are not
independent, so an interval over pooled episodes is too narrow; every interval here resamples whole lifetimes.

Only numpy is used. The random generator is an argument, so equal values give equal intervals.
"""

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Values: TypeAlias = npt.NDArray[np.float64]
Interval: TypeAlias = tuple[float, float]

RESAMPLES = 10_000
CONFIDENCE = 0.95
LEAST_FOR_BOOTSTRAP = 6
FEW_LIFETIMES = 10  # below this the report warns: the ends of an interval are rough


def bootstrap_bounds(
    values: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> tuple[Values, Values]:
    """Interval of the mean over lifetimes: expanded percentile bootstrap (Hesterberg 2015, section 5.3).

    The plain percentile interval of a mean is too short for few units: it uses n where n - 1 is due and
    normal where Student tails are due (11 % short at n = 10). Its quantile level alpha / 2 is replaced by
    Phi(-sqrt(n / (n - 1)) * t[n - 1, 1 - alpha / 2]). BCa corrects skewness but not this shortness, and the
    bootstrap-t is erratic where lifetimes tie, as shares of 40 episodes do.

    No bootstrap interval reaches beyond the lifetimes seen, so it excludes zero whenever all have one sign:
    without a true effect, one time in four for n = 3 and one in 32 for n = 6. Below 6 lifetimes Student's
    interval, mean +- t[n - 1, 1 - alpha / 2] * sd / sqrt(n), is returned instead.

    Args:
        values: (n,) one value per lifetime, or (n, m) for m quantities with a pointwise interval each;
            finite, n >= 1.
        rng: Source of the resamples; all m columns share one draw.
        confidence: Nominal coverage, in (0, 1).
        resamples: Number of resamples.

    Returns:
        Lower and upper ends, () or (m,) each; NaN if n is 1, because one lifetime shows no spread.
    """
    array = np.asarray(values, dtype=np.float64)
    count = array.shape[0]
    if count < 2:
        unknown = np.full(array.shape[1:], np.nan)
        return unknown, unknown
    if count < LEAST_FOR_BOOTSTRAP:
        error = array.std(axis=0, ddof=1) / math.sqrt(count)
        half = student_quantile(0.5 + confidence / 2.0, count - 1) * error
        return array.mean(axis=0) - half, array.mean(axis=0) + half
    means = _resampled_means(array, rng, resamples)
    level = expanded_level(count, confidence)
    low, high = np.quantile(means, [level, 1.0 - level], axis=0)
    return low, high


def bootstrap_interval(
    values: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """`bootstrap_bounds` of one quantity as two floats; None for fewer than two lifetimes."""
    array = np.asarray(values, dtype=np.float64)
    if array.size < 2:
        return None
    low, high = bootstrap_bounds(array, rng=rng, confidence=confidence, resamples=resamples)
    return float(low), float(high)


def unpaired_interval(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """Interval of mean(a) - mean(b) for lifetimes of the two arms that did not face the same problems.

    Each arm is resampled by itself; the level is expanded for the smaller arm, which errs on the wide side.
    Below 6 lifetimes in an arm it is Student's interval with the degrees of freedom of the smaller arm.

    Args:
        a: (n,) one value per lifetime.
        b: (m,) one value per lifetime of the other arm.
        rng: Source of the resamples.
        confidence: Nominal coverage.
        resamples: Number of resamples.

    Returns:
        Lower and upper end; None if an arm has fewer than two lifetimes.
    """
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if min(left.size, right.size) < 2:
        return None
    least = min(left.size, right.size)
    if least < LEAST_FOR_BOOTSTRAP:
        error = math.sqrt(left.var(ddof=1) / left.size + right.var(ddof=1) / right.size)
        half = student_quantile(0.5 + confidence / 2.0, least - 1) * error
        middle = float(left.mean() - right.mean())
        return middle - half, middle + half
    means = _resampled_means(left, rng, resamples) - _resampled_means(right, rng, resamples)
    level = expanded_level(least, confidence)
    low, high = np.quantile(means, [level, 1.0 - level])
    return float(low), float(high)


def expanded_level(count: int, confidence: float = CONFIDENCE) -> float:
    """Lower quantile level of the expanded percentile interval for n >= 2 units; see `bootstrap_bounds`."""
    tail = student_quantile(0.5 + confidence / 2.0, count - 1)
    return NormalDist().cdf(-math.sqrt(count / (count - 1)) * tail)


def wilson_interval(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval | None:
    """Score interval of a share (Wilson 1927), for independent trials: only a reference for pooled episodes.

    (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    Args:
        successes: 0 to `trials`.
        trials: Number of trials.
        confidence: Nominal coverage.

    Returns:
        Lower and upper end within [0, 1]; None without trials.
    """
    if trials == 0:
        return None
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low = (
        0.0 if successes == 0 else (centre - half) / scale
    )  # exact at the ends, where rounding would miss by 1e-17
    high = 1.0 if successes == trials else (centre + half) / scale
    return low, high


def detectable_difference(
    differences: npt.ArrayLike, *, confidence: float = CONFIDENCE, power: float = 0.8
) -> float | None:
    """The true paired difference that a run of this size and spread would have shown with this power.

    (t[n - 1, 1 - alpha / 2] + t[n - 1, power]) * sd / sqrt(n), the usual approximation to the noncentral t
    (Cohen 1988, section 2.4); sd is the sample deviation of the differences, so the result is itself an
    estimate.

    Args:
        differences: (n,) one paired difference per lifetime.
        confidence: Confidence of the interval that should exclude zero.
        power: Probability that it does.

    Returns:
        A size >= 0 in the metric's unit; None for fewer than two lifetimes.
    """
    array = np.asarray(differences, dtype=np.float64)
    if array.size < 2:
        return None
    degrees = array.size - 1
    quantiles = student_quantile(0.5 + confidence / 2.0, degrees) + student_quantile(power, degrees)
    return float(quantiles * array.std(ddof=1) / math.sqrt(array.size))


def interquartile_mean(values: npt.ArrayLike) -> float:
    """Mean of the middle half (Agarwal et al. 2021, "rliable"); robust to a few outliers.

    A quarter of the weight is cut from either end; if n is not a multiple of four, the lifetimes at the cut
    count in part, so that the value is continuous in n (scipy's `trim_mean` rounds instead).

    Args:
        values: (n,) n >= 1.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    edges = np.arange(ordered.size + 1) / ordered.size
    weights = np.clip(edges[1:], 0.25, 0.75) - np.clip(edges[:-1], 0.25, 0.75)
    return float(np.sum(ordered * weights) / np.sum(weights))


def probability_of_improvement(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Share of pairs (a lifetime of a, one of b) in which a is higher, ties half (Mann-Whitney U / nm).

    Args:
        a: (n,) n >= 1.
        b: (m,) m >= 1.
    """
    left = np.asarray(a, dtype=np.float64)[:, None]
    right = np.asarray(b, dtype=np.float64)[None, :]
    return float(np.mean((left > right) + 0.5 * (left == right)))


def binned_means(values: npt.ArrayLike, edges: Sequence[int]) -> Values:
    """Mean of the columns within each bin.

    Args:
        values: (n, episodes) one row per lifetime.
        edges: First column of each bin, then the end of the last; strictly increasing.

    Returns:
        (n, len(edges) - 1).
    """
    array = np.asarray(values, dtype=np.float64)
    bins = [array[:, start:end].mean(axis=1) for start, end in itertools.pairwise(edges)]
    return np.stack(bins, axis=1)


@lru_cache(maxsize=256)
def student_quantile(probability: float, degrees: int) -> float:
    """Quantile of Student's t for whole degrees of freedom, by bisection of `student_cdf` (error below 1e-9).

    Args:
        probability: In (0, 1).
        degrees: Degrees of freedom, >= 1.
    """
    if probability < 0.5:
        return -student_quantile(1.0 - probability, degrees)
    low, high = 0.0, 1.0
    while student_cdf(high, degrees) < probability:
        high *= 2.0
    for _ in range(80):
        middle = (low + high) / 2.0
        low, high = (middle, high) if student_cdf(middle, degrees) < probability else (low, middle)
    return (low + high) / 2.0


def student_cdf(t: float, degrees: int) -> float:
    """CDF of Student's t for whole degrees of freedom (Abramowitz and Stegun 26.7.3, 26.7.4).

    Args:
        t: Point of evaluation.
        degrees: Degrees of freedom, >= 1.
    """
    theta = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(theta), math.cos(theta)
    term, total = (cosine, 0.0) if degrees % 2 else (1.0, 0.0)
    for k in range(1 + degrees % 2, degrees, 2):
        total += term
        term *= cosine * cosine * k / (k + 1)
    central = sine * total if degrees % 2 == 0 else (2.0 / math.pi) * (theta + sine * total)
    return 0.5 + 0.5 * central


def _resampled_means(values: Values, rng: np.random.Generator, resamples: int) -> Values:
    """(resamples, ...) means of lifetimes drawn with replacement: counts of draws times values."""
    count = values.shape[0]
    draws = rng.multinomial(count, np.full(count, 1.0 / count), size=resamples)
    means: Values = draws.astype(np.float64) @ values / count
    return means
