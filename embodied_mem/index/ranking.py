"""The best candidates by the weighted sum over the legs, proved where values are only estimated."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embodied_mem.index.column import Rows, SomeFloats
from embodied_mem.index.legs import Leg
from embodied_mem.index.selection import Candidates
from embodied_mem.index.top import best_places, threshold_of

N_SPARE = 8  # candidates compared exactly beyond those asked for, as the estimate is mostly right
MAX_POOL = 20_000  # candidates compared exactly after an estimate; more are near ties without end
LEAST_BEST = 200  # of each leg, where not every candidate is compared


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The best candidates.

    Attributes:
        rows: (k,) or fewer, best first; of equal ones the newest first.
        values: For each leg, (k,) exact values.
        totals: (k,) what they are worth together.
        is_exact: Whether no other candidate can be better.
    """

    rows: Rows
    values: Sequence[SomeFloats]
    totals: SomeFloats
    is_exact: bool


def best_of(legs: Sequence[Leg], candidates: Candidates, k: int) -> Best:
    """The best candidates; a few of each leg's best are compared where comparing all would be too much."""
    if k == 0:
        nothing = np.zeros(0)
        return Best(np.zeros(0, np.int64), [nothing for _ in legs], nothing, is_exact=True)
    if not any(leg.is_too_much(candidates) for leg in legs):
        return _best_of_all(legs, candidates, k)
    n = max(LEAST_BEST, 2 * k)
    found = [leg.best(n, candidates) for leg in legs]
    rows = np.unique(np.concatenate([_newest(candidates, k), *(rows for rows, _ in found)]))
    best = _best_of_all(legs, candidates.narrowed(rows), k)
    # What no leg puts among its best is worth no more than this.
    others = sum(
        float(leg.worth(np.array([bound]))[0]) if leg.weight else 0.0
        for leg, (_, bound) in zip(legs, found, strict=True)
    )
    is_proven = len(rows) == candidates.n or (len(best.totals) >= k and others < best.totals[-1])
    return Best(best.rows, best.values, best.totals, best.is_exact and is_proven)


def _best_of_all(legs: Sequence[Leg], candidates: Candidates, k: int) -> Best:
    estimates = [leg.estimates(candidates) for leg in legs]
    totals = _totals(legs, [found.values for found in estimates])
    if candidates.hidden is not None:
        totals[candidates.hidden] = -np.inf
    if all(found.errors is None for found in estimates):
        first = best_places(totals, k)
        values = [found.values[first] for found in estimates]
        return Best(candidates.rows_of(first), values, totals[first], is_exact=True)
    errors = sum(
        leg.weight * found.errors
        for leg, found in zip(legs, estimates, strict=True)
        if found.errors is not None
    )
    return _proved(legs, candidates, k, totals, errors)


def _proved(
    legs: Sequence[Leg], candidates: Candidates, k: int, estimated: SomeFloats, errors: float | SomeFloats
) -> Best:
    """The best, by exact comparison of all that may be among them.

    Args:
        legs: The legs.
        candidates: Who is compared.
        k: How many are wanted.
        estimated: (n,) what each is worth by estimate; -inf for those that are hidden.
        errors: How far off that is at most: a number for all, or (n,) one for each.
    """
    places = np.sort(best_places(estimated, k + N_SPARE))
    values = _exact(legs, candidates, places)
    totals = _totals(legs, values)
    others, is_exact = _in_reach(estimated, errors, places, totals, k)
    if len(others):
        more = _exact(legs, candidates, others)
        values = [np.concatenate(pair) for pair in zip(values, more, strict=True)]
        totals = np.concatenate([totals, _totals(legs, more)])
        places = np.concatenate([places, others])
    order = np.lexsort((-places, -totals))[:k]
    best = [each[order] for each in values]
    return Best(candidates.rows_of(places[order]), best, totals[order], is_exact)


def _in_reach(
    estimated: SomeFloats, errors: float | SomeFloats, known: Rows, totals: SomeFloats, k: int
) -> tuple[Rows, bool]:
    """Who else may be among the best, ascending, and whether that is all of them.

    Args:
        estimated: (n,) what each candidate is worth by estimate.
        errors: How far off that is at most.
        known: Places of candidates whose worth is known exactly.
        totals: What those are worth.
        k: How many are wanted.
    """
    if len(known) < k:
        return known[:0], True  # there are no others
    # k candidates are worth this and more, so whoever can be worth less only is not among the best.
    is_in_reach = estimated >= threshold_of(totals, k) - errors
    is_in_reach[known] = False
    others = np.flatnonzero(is_in_reach)
    if len(others) <= MAX_POOL:
        return others, True
    return np.sort(others[best_places(estimated[others], MAX_POOL)]), False


def _exact(legs: Sequence[Leg], candidates: Candidates, places: Rows) -> list[SomeFloats]:
    rows = candidates.rows_of(places)
    return [leg.exact(rows, candidates) for leg in legs]


def _totals(legs: Sequence[Leg], values: Sequence[SomeFloats]) -> SomeFloats:
    totals = legs[0].worth(values[0])
    if len(legs) > 1:  # the errors of a leg do not cover what float32 loses of another
        totals = totals.astype(np.float64, copy=False)
    for leg, found in zip(legs[1:], values[1:], strict=True):
        totals += leg.worth(found)
    return totals


def _newest(candidates: Candidates, k: int) -> Rows:
    """The newest candidates, ascending; equal sums of nothing are in that order."""
    if candidates.rows is not None:
        return candidates.rows[len(candidates.rows) - min(k, len(candidates.rows)) :]
    if candidates.hidden is None:
        return np.arange(max(candidates.first, candidates.last - k), candidates.last)
    shown = np.flatnonzero(~candidates.hidden)
    return shown[max(0, len(shown) - k) :] + candidates.first
