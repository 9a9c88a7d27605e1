"""The best candidates by the weighted sum over the legs; estimates with bounds are proved exact."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from embodied_mem.index.arrays import Mask, Places, Rows, SomeFloats
from embodied_mem.index.estimates import Estimates
from embodied_mem.index.legs import ReadyLeg
from embodied_mem.index.selection import Candidates
from embodied_mem.index.top import best_places, highest_places

N_SPARE = 4  # candidates compared exactly beyond k, as estimates are mostly right
AT_ONCE = 4_096  # candidates compared exactly per batch, which bounds the memory


class Best(NamedTuple):
    """The best candidates; no other can be better.

    Attributes:
        rows: (k,) or fewer, best first; ties: newest first.
        values: For each leg, (k,) exact values.
        totals: (k,) their weighted sums.
    """

    rows: Rows
    values: Sequence[SomeFloats]
    totals: SomeFloats


class _Compared(NamedTuple):
    """Candidates that were compared exactly.

    Attributes:
        places: (m,) positions in the candidate list.
        values: For each leg, (m,) exact values.
        totals: (m,) their weighted sums.
    """

    places: Places
    values: Sequence[SomeFloats]
    totals: SomeFloats

    def best(self, k: int) -> "_Compared":
        """Return the k best, best first; ties: newest first."""
        order = np.lexsort((-self.places, -self.totals))[:k]
        return _Compared(self.places[order], [each[order] for each in self.values], self.totals[order])

    def joined(self, others: "_Compared") -> "_Compared":
        """Concatenate with other compared candidates."""
        values = [np.concatenate(pair) for pair in zip(self.values, others.values, strict=True)]
        places = np.concatenate([self.places, others.places])
        return _Compared(places, values, np.concatenate([self.totals, others.totals]))

    def may_be_passed(self, places: Places, highest: SomeFloats) -> Mask:
        """Return (m,) which other candidates may rank above the last of these; ties: the newer ranks first.

        Args:
            places: (m,) positions of the other candidates.
            highest: (m,) upper bounds of their totals.
        """
        last = self.totals[-1]
        result: Mask = (highest > last) | ((highest == last) & (places > self.places[-1]))
        return result


def best_of(legs: Sequence[ReadyLeg], candidates: Candidates, k: int) -> Best:
    """Return the k best candidates: from a short list if that proves them, otherwise by a scan."""
    if k == 0:
        return Best(np.zeros(0, np.int64), [np.zeros(0) for _ in legs], np.zeros(0))
    best = _best_of_shortlist(legs[0], candidates, k) if len(legs) == 1 else None
    return best or _best_by_scan(legs, candidates, k)


def _best_of_shortlist(leg: ReadyLeg, candidates: Candidates, k: int) -> Best | None:
    """Return the best of a short list; None if there is none or another row may be better."""
    shortlist = leg.shortlist(candidates, k)
    if shortlist is None:
        return None
    best = _best_by_scan([leg], candidates.narrowed(shortlist.rows), k)
    if len(best.totals) < k:  # too many listed rows are hidden
        return None
    # Strictly below the last hit: a row of equal value may be newer.
    return best if leg.worth(np.array([shortlist.others]))[0] < best.totals[-1] else None


def _best_by_scan(legs: Sequence[ReadyLeg], candidates: Candidates, k: int) -> Best:
    """Return the best after every leg has scanned all candidates."""
    estimates = [leg.scan(candidates) for leg in legs]
    sums = _totals(legs, [found.values for found in estimates])
    if candidates.hidden is not None:
        sums[candidates.hidden] = -np.inf
    for leg, found in zip(legs, estimates, strict=True):
        if leg.minimum > -np.inf:
            sums[_below_minimum(leg, found, candidates)] = -np.inf
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
    """Return the best by exact comparison of the best estimates and of all others that may be better.

    Args:
        legs: The legs of the search.
        candidates: The candidates.
        k: Number of hits.
        estimates: For each leg, of all candidates.
        sums: (n,) estimated totals; -inf for hidden rows.
        errors: Maximum absolute error of the sums: one number for all, or (n,) one for each.
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
        # Highest bounds first: the better the hits become, the fewer candidates are left.
        now = highest_places(highest, AT_ONCE)
        best = best.joined(_compared(legs, candidates, others[now])).best(k)
        others, highest = np.delete(others, now), np.delete(highest, now)


def _below_minimum(leg: ReadyLeg, estimates: Estimates, candidates: Candidates) -> Mask:
    """Return which candidates have a value below the leg's minimum; unsure ones are compared exactly."""
    result: Mask = estimates.values < leg.minimum
    if estimates.errors is not None:
        unsure = np.flatnonzero(np.abs(estimates.values - leg.minimum) <= estimates.errors)
        result[unsure] = leg.exact(candidates.rows_of(unsure), candidates) < leg.minimum
    return result


def _errors(legs: Sequence[ReadyLeg], estimates: Sequence[Estimates]) -> float | SomeFloats | None:
    """Return the maximum error of the sums: one number for all, or one for each; None if exact."""
    errors: float | SomeFloats | None = None
    for leg, found in zip(legs, estimates, strict=True):
        if found.errors is not None:
            errors = leg.weight * found.errors + (0.0 if errors is None else errors)
    return errors


def _compared(legs: Sequence[ReadyLeg], candidates: Candidates, places: Places) -> _Compared:
    """Compare the candidates at these ascending positions exactly."""
    rows = candidates.rows_of(places)
    values = [leg.exact(rows, candidates) for leg in legs]
    return _Compared(places, values, _totals(legs, values))


def _totals(legs: Sequence[ReadyLeg], values: Sequence[SomeFloats]) -> SomeFloats:
    totals = legs[0].worth(values[0])
    if len(legs) > 1:  # one leg's error bound does not cover another's float32 rounding
        totals = totals.astype(np.float64, copy=False)
    for leg, found in zip(legs[1:], values[1:], strict=True):
        totals += leg.worth(found)
    return totals
