"""The best candidates by the weighted sum over the legs, proved where values are estimated within bounds."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from embodied_mem.index.arrays import Mask, Places, Rows, SomeFloats
from embodied_mem.index.estimates import Estimates
from embodied_mem.index.legs import ReadyLeg
from embodied_mem.index.selection import Candidates
from embodied_mem.index.top import best_places, highest_places

N_SPARE = 4  # candidates compared exactly beyond those asked for, as the estimate is mostly right
AT_ONCE = 4_096  # candidates compared exactly in one go, which bounds the memory


class Best(NamedTuple):
    """The best candidates; no other can be better.

    Attributes:
        rows: (k,) or fewer, best first; ties: newest first.
        values: For each leg, (k,) exact values.
        totals: (k,) what they are worth together.
    """

    rows: Rows
    values: Sequence[SomeFloats]
    totals: SomeFloats


class _Compared(NamedTuple):
    """Candidates that were compared exactly.

    Attributes:
        places: (m,) which.
        values: For each leg, (m,) exact values.
        totals: (m,) what they are worth together.
    """

    places: Places
    values: Sequence[SomeFloats]
    totals: SomeFloats

    def best(self, k: int) -> "_Compared":
        """The k best of them, best first; ties: newest first."""
        order = np.lexsort((-self.places, -self.totals))[:k]
        return _Compared(self.places[order], [each[order] for each in self.values], self.totals[order])

    def joined(self, others: "_Compared") -> "_Compared":
        """These and others."""
        values = [np.concatenate(pair) for pair in zip(self.values, others.values, strict=True)]
        places = np.concatenate([self.places, others.places])
        return _Compared(places, values, np.concatenate([self.totals, others.totals]))

    def may_be_passed(self, places: Places, highest: SomeFloats) -> Mask:
        """(m,) which other candidates may belong before the last of these; of ties the newer does.

        Args:
            places: (m,) which.
            highest: (m,) what each is worth at most.
        """
        last = self.totals[-1]
        result: Mask = (highest > last) | ((highest == last) & (places > self.places[-1]))
        return result


def best_of(legs: Sequence[ReadyLeg], candidates: Candidates, k: int) -> Best:
    """The best candidates, by as little work as proves that they are."""
    if k == 0:
        return Best(np.zeros(0, np.int64), [np.zeros(0) for _ in legs], np.zeros(0))
    best = _best_of_shortlist(legs[0], candidates, k) if len(legs) == 1 else None
    return best or _best_by_scan(legs, candidates, k)


def _best_of_shortlist(leg: ReadyLeg, candidates: Candidates, k: int) -> Best | None:
    """The best of a short list, if there is one and it is proved that no other row is better."""
    shortlist = leg.shortlist(candidates, k)
    if shortlist is None:
        return None
    best = _best_by_scan([leg], candidates.narrowed(shortlist.rows), k)
    if len(best.totals) < k:  # too many of the list are hidden
        return None
    # Not of equal worth either: it may be newer.
    return best if leg.worth(np.array([shortlist.others]))[0] < best.totals[-1] else None


def _best_by_scan(legs: Sequence[ReadyLeg], candidates: Candidates, k: int) -> Best:
    """The best by what each leg says of every candidate."""
    estimates = [leg.scan(candidates) for leg in legs]
    sums = _totals(legs, [found.values for found in estimates])
    if candidates.hidden is not None:
        sums[candidates.hidden] = -np.inf
    errors = _errors(legs, estimates)
    if errors is None:
        places = best_places(sums, k)
        best = _Compared(places, [found.values[places] for found in estimates], sums[places])
    else:
        best = _proved_best(legs, candidates, k, estimates, sums, errors)
    return Best(candidates.rows_of(best.places), best.values, best.totals)


def _proved_best(
    legs: Sequence[ReadyLeg],
    candidates: Candidates,
    k: int,
    estimates: Sequence[Estimates],
    sums: SomeFloats,
    errors: float | SomeFloats,
) -> _Compared:
    """The best by exact comparison of those that are best by estimate, and of all others that may be better.

    Args:
        legs: What is asked.
        candidates: Which rows.
        k: How many are wanted.
        estimates: For each leg, of all candidates.
        sums: (n,) what each candidate is worth by estimate; -inf for those that are hidden.
        errors: How far off that is at most: a number for all, or (n,) one for each.
    """
    places = highest_places(sums, k + N_SPARE)
    best = _compared(legs, candidates, places).best(k)
    if len(best.places) < k:
        return best  # there are no others
    is_in_reach = sums >= float(best.totals[-1]) - errors
    is_in_reach[places] = False
    others = np.flatnonzero(is_in_reach)
    highest = _totals(legs, [found.highest_at(others) for found in estimates])
    while True:
        may_be_better = best.may_be_passed(others, highest)
        others, highest = others[may_be_better], highest[may_be_better]
        if not len(others):
            return best
        # Those first that may be worth most: the better the best are, the fewer others are left.
        now = highest_places(highest, AT_ONCE)
        best = best.joined(_compared(legs, candidates, others[now])).best(k)
        others, highest = np.delete(others, now), np.delete(highest, now)


def _errors(legs: Sequence[ReadyLeg], estimates: Sequence[Estimates]) -> float | SomeFloats | None:
    """How far off the sums are at most: a number for all, or one for each; None if they are exact."""
    pairs = zip(legs, estimates, strict=True)
    errors = [leg.weight * found.errors for leg, found in pairs if found.errors is not None]
    return sum(errors) if errors else None


def _compared(legs: Sequence[ReadyLeg], candidates: Candidates, places: Places) -> _Compared:
    """These candidates, ascending, compared exactly."""
    rows = candidates.rows_of(places)
    values = [leg.exact(rows, candidates) for leg in legs]
    return _Compared(places, values, _totals(legs, values))


def _totals(legs: Sequence[ReadyLeg], values: Sequence[SomeFloats]) -> SomeFloats:
    totals = legs[0].worth(values[0])
    if len(legs) > 1:  # the errors of a leg do not cover what float32 loses of another
        totals = totals.astype(np.float64, copy=False)
    for leg, found in zip(legs[1:], values[1:], strict=True):
        totals += leg.worth(found)
    return totals
