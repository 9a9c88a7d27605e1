"""Intervals against known numbers, and their coverage by simulation."""

import math

import numpy as np
import pytest

from embodied_mem.experiments.statistics import (
    binned_means,
    bootstrap_bounds,
    bootstrap_interval,
    detectable_difference,
    expanded_level,
    interquartile_mean,
    probability_of_improvement,
    student_cdf,
    student_quantile,
    unpaired_interval,
    wilson_interval,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(10, 20, 0.29930, 0.70070), (81, 263, 0.25529, 0.36621), (0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0)],
)
def test_wilson_interval_agrees_with_published_values(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=2e-5)


def test_wilson_interval_needs_a_trial() -> None:
    assert wilson_interval(0, 0) is None


@pytest.mark.parametrize(
    ("probability", "degrees", "expected"),
    [
        (0.975, 1, 12.70620),
        (0.975, 2, 4.30265),
        (0.975, 11, 2.20099),
        (0.8, 11, 0.87553),
        (0.025, 4, -2.77645),
    ],
)
def test_student_quantiles_agree_with_tables(probability: float, degrees: int, expected: float) -> None:
    assert student_quantile(probability, degrees) == pytest.approx(expected, abs=1e-5)


def test_student_distribution_is_cauchy_for_one_degree_of_freedom() -> None:
    assert student_cdf(1.7, 1) == pytest.approx(0.5 + math.atan(1.7) / math.pi, abs=1e-12)


def test_expanded_level_nears_the_plain_level_with_many_lifetimes() -> None:
    assert expanded_level(5) < expanded_level(12) < expanded_level(10_000) == pytest.approx(0.025, abs=1e-4)


@pytest.mark.parametrize(("count", "least"), [(6, 0.87), (12, 0.92), (24, 0.93)])
def test_bootstrap_interval_covers_the_true_mean_about_as_often_as_it_says(count: int, least: float) -> None:
    # Few lifetimes of skewed shares stay a little below 95 %: the reason for the caution about few lifetimes.
    random, runs, share = rng(count), 800, 0.8
    covered = 0
    for _ in range(runs):
        luck = random.beta(12 * share, 12 * (1 - share), size=count)  # lifetimes differ beyond binomial noise
        low, high = bootstrap_interval(random.binomial(40, luck) / 40, rng=random, resamples=1_000) or (
            1.0,
            0.0,
        )
        covered += low <= share <= high
    assert least <= covered / runs <= 0.98


def test_bootstrap_interval_is_wider_than_the_plain_percentile_interval() -> None:
    values = rng(3).random(8)
    low, high = bootstrap_interval(values, rng=rng()) or (0.0, 0.0)
    means = values[rng().integers(0, 8, size=(10_000, 8))].mean(axis=1)
    plain_low, plain_high = np.quantile(means, [0.025, 0.975])
    assert high - low > 1.05 * (plain_high - plain_low)


def test_bootstrap_interval_is_equal_for_equal_generators() -> None:
    values = rng(1).random(12)
    assert bootstrap_interval(values, rng=rng(5)) == bootstrap_interval(values, rng=rng(5))


def test_few_lifetimes_get_students_interval_because_a_bootstrap_cannot_reach_beyond_them() -> None:
    low, high = bootstrap_interval([0.1, 0.2, 0.3], rng=rng()) or (0.0, 0.0)
    assert (low, high) == pytest.approx(
        (0.2 - 4.30265 * 0.1 / 3**0.5, 0.2 + 4.30265 * 0.1 / 3**0.5), abs=1e-5
    )
    unpaired = unpaired_interval([0.1, 0.2, 0.3], [0.0, 0.0, 0.0, 0.0], rng=rng())
    assert unpaired == pytest.approx((low, high))


@pytest.mark.parametrize("count", [3, 5, 6, 12])
def test_where_there_is_no_difference_an_interval_seldom_excludes_zero(count: int) -> None:
    random, runs, shown = rng(count), 600, 0
    for _ in range(runs):
        low, high = bootstrap_interval(random.normal(0, 0.1, count), rng=random, resamples=500) or (-1.0, 1.0)
        shown += low > 0 or high < 0
    assert shown / runs < 0.085


def test_one_lifetime_has_no_interval() -> None:
    assert bootstrap_interval([0.5], rng=rng()) is None
    assert unpaired_interval([0.5], [0.2, 0.3], rng=rng()) is None
    assert detectable_difference([0.5]) is None


def test_bootstrap_bounds_treat_each_column_by_itself() -> None:
    values = rng(2).random((12, 3))
    low, high = bootstrap_bounds(values, rng=rng(9))
    alone = [bootstrap_interval(values[:, i], rng=rng(9)) for i in range(3)]
    assert list(zip(low, high, strict=True)) == [pytest.approx(ends) for ends in alone]


def test_pairing_narrows_the_interval_where_lifetimes_share_their_luck() -> None:
    luck = rng(4).normal(0.6, 0.2, size=12)
    a, b = luck + 0.1 + rng(5).normal(0, 0.02, 12), luck
    paired = bootstrap_interval(a - b, rng=rng()) or (0.0, 0.0)
    unpaired = unpaired_interval(a, b, rng=rng()) or (0.0, 0.0)
    assert paired[0] > 0 > unpaired[0]
    assert paired[1] - paired[0] < 0.3 * (unpaired[1] - unpaired[0])


def test_unpaired_interval_covers_the_true_difference() -> None:
    random, runs = rng(6), 400
    covered = 0
    for _ in range(runs):
        a, b = random.normal(0.3, 0.1, 12), random.normal(0.1, 0.15, 9)
        low, high = unpaired_interval(a, b, rng=random, resamples=1_000) or (1.0, 0.0)
        covered += low <= 0.2 <= high
    assert covered / runs >= 0.93


def test_detectable_difference_is_found_four_times_in_five() -> None:
    random, count, deviation = rng(7), 12, 0.1
    sample = random.normal(0, 1, count)
    scaled = (sample - sample.mean()) / sample.std(ddof=1) * deviation  # exactly this deviation
    size = detectable_difference(scaled) or 0.0
    found = 0
    for _ in range(1_000):
        sample = random.normal(size, deviation, count)
        half = student_quantile(0.975, count - 1) * sample.std(ddof=1) / math.sqrt(count)
        found += sample.mean() - half > 0
    assert found / 1_000 == pytest.approx(0.8, abs=0.04)


def test_detectable_difference_follows_its_formula() -> None:
    differences = [0.1, 0.2, 0.3, 0.0]
    expected = (3.18245 + 0.97847) * np.std(differences, ddof=1) / 2
    assert detectable_difference(differences) == pytest.approx(expected, abs=1e-5)


def test_interquartile_mean_drops_a_quarter_at_either_end() -> None:
    assert interquartile_mean([0, 1, 2, 3, 4, 5, 6, 100]) == pytest.approx((2 + 3 + 4 + 5) / 4)


def test_interquartile_mean_counts_lifetimes_at_the_cut_in_part() -> None:
    assert interquartile_mean([0, 1, 2, 3, 10]) == pytest.approx((0.75 * 1 + 2 + 0.75 * 3) / 2.5)


def test_probability_of_improvement_counts_ties_half() -> None:
    assert probability_of_improvement([1, 2], [1, 0]) == pytest.approx((0.5 + 1 + 1 + 1) / 4)


def test_binned_means_keep_lifetimes_apart() -> None:
    assert binned_means([[0, 1, 1, 1, 0], [0, 0, 0, 0, 1]], [0, 2, 5]).tolist() == [
        [0.5, 2 / 3],
        [0.0, 1 / 3],
    ]
