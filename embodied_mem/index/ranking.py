"""The best candidates by the weighted sum over the legs, proved where values are estimated within bounds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from embodied_mem.index.arrays import Rows, SomeFloats
from embodied_mem.index.estimates import Estimates
from embodied_mem.index.legs import ReadyLeg
from embodied_mem.index.selection import Candidates
from embodied_mem.index.top import highest_places, threshold_of

N_SPARE = 4  # candidates compared exactly beyond those asked for, as the estimate is mostly right
MAX_GLANCED = 1_000  # of the best for which a glance pays
MAX_AFTER_GLANCE = 4_096  # candidates compared exactly after a glance; a scan is cheaper than more of them
MAX_UNFILTERED = 20_000  # candidates without a filter compared exactly, those that may be worth most


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


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """Some candidates compared exactly, and who else may be among the best.

    Attributes:
        places: Of those that were compared, each once.
        values: For each leg, their exact values.
        totals: What they are worth.
        others: Places of all others that may be worth as much, ascending.
        estimates: For each leg, of all candidates.
    """

    places: Rows
    values: Sequence[SomeFloats]
    totals: SomeFloats
    others: Rows
    estimates: Sequence[Estimates]


def best_of(legs: Sequence[ReadyLeg], candidates: Candidates, k: int) -> Best:
    """The best candidates, by as little work as proves that they are."""
    if k == 0:
        nothing = np.zeros(0)
        return Best(np.zeros(0, np.int64), [nothing for _ in legs], nothing, is_exact=True)
    best = _best_of_shortlist(legs[0], candidates, k) if len(legs) == 1 else None
    if best is not None:
        return best
    glances = [leg.glance(candidates) if k <= MAX_GLANCED else leg.scan(candidates) for leg in legs]
    look = _look(legs, candidates, k, glances)
    if len(look.others) > MAX_AFTER_GLANCE and any(found.is_glance for found in glances):
        look = _look(legs, candidates, k, [leg.scan(candidates) for leg in legs])
    return _best_after(look, legs, candidates, k)


def _best_of_shortlist(leg: ReadyLeg, candidates: Candidates, k: int) -> Best | None:
    """The best of a short list, if there is one and nothing says that others may be better."""
    shortlist = leg.shortlist(candidates, k)
    if shortlist is None:
        return None
    best = best_of([leg], candidates.narrowed(shortlist.rows), k)
    if len(best.totals) < k:  # what it is about is hidden
        return None
    if shortlist.others is None:
        return replace(best, is_exact=False)
    others = float(leg.worth(np.array([shortlist.others]))[0])
    return best if best.is_exact and others < best.totals[-1] else None


def _look(legs: Sequence[ReadyLeg], candidates: Candidates, k: int, estimates: Sequence[Estimates]) -> _Look:
    """The k best and some more by estimate, compared exactly."""
    sums, errors = _sums(legs, candidates, estimates), _errors(legs, estimates)
    if errors is None:
        places = highest_places(sums, k)
        values = [found.values[places] for found in estimates]
        return _Look(places, values, sums[places], places[:0], estimates)
    places = highest_places(sums, k + N_SPARE)
    values = _exact(legs, candidates, places)
    totals = _totals(legs, values)
    return _Look(places, values, totals, _in_reach(sums, errors, places, totals, k), estimates)


def _best_after(look: _Look, legs: Sequence[ReadyLeg], candidates: Candidates, k: int) -> Best:
    """The best, once those that may be among them are compared too."""
    places, values, totals, others = look.places, look.values, look.totals, look.others
    left_out = others[:0]
    highest: SomeFloats = np.zeros(0)
    if len(others) > MAX_UNFILTERED and not candidates.is_filtered:
        highest = _upper_bounds(legs, look.estimates, others)
        kept = highest_places(highest, MAX_UNFILTERED)
        left_out, highest = np.delete(others, kept), np.delete(highest, kept)
        others = others[kept]
    if len(others):
        more = _exact(legs, candidates, others)
        values = [np.concatenate(pair) for pair in zip(values, more, strict=True)]
        totals = np.concatenate([totals, _totals(legs, more)])
        places = np.concatenate([places, others])
    order = np.lexsort((-places, -totals))[:k]
    is_exact = not _may_be_better(left_out, highest, places[order], totals[order])
    return Best(candidates.rows_of(places[order]), [each[order] for each in values], totals[order], is_exact)


def _upper_bounds(legs: Sequence[ReadyLeg], estimates: Sequence[Estimates], places: Rows) -> SomeFloats:
    """(m,) what the candidates at these places are worth at most."""
    return _totals(legs, [found.highest_at(places) for found in estimates])


def _may_be_better(places: Rows, highest: SomeFloats, best: Rows, totals: SomeFloats) -> bool:
    """Whether one of these may belong before the last of the best; of equal ones the newer does."""
    if not len(places):
        return False
    is_newer = places > best[-1]
    return bool(np.any((highest > totals[-1]) | ((highest == totals[-1]) & is_newer)))


def _sums(legs: Sequence[ReadyLeg], candidates: Candidates, estimates: Sequence[Estimates]) -> SomeFloats:
    """(n,) what each is worth by estimate; -inf for those that are hidden."""
    sums = _totals(legs, [found.values for found in estimates])
    if candidates.hidden is not None:
        sums[candidates.hidden] = -np.inf
    return sums


def _errors(legs: Sequence[ReadyLeg], estimates: Sequence[Estimates]) -> float | SomeFloats | None:
    """How far off the sums are at most: a number for all, or one for each; None if they are exact."""
    pairs = zip(legs, estimates, strict=True)
    errors = [leg.weight * found.errors for leg, found in pairs if found.errors is not None]
    return sum(errors) if errors else None


def _in_reach(
    estimated: SomeFloats, errors: float | SomeFloats, known: Rows, totals: SomeFloats, k: int
) -> Rows:
    """Who else may be among the best, ascending.

    Args:
        estimated: (n,) what each candidate is worth by estimate.
        errors: How far off that is at most.
        known: Places of candidates whose worth is known exactly.
        totals: What those are worth.
        k: How many are wanted.
    """
    if len(known) < k:
        return known[:0]  # there are no others
    # k candidates are worth this and more, so whoever can be worth less only is not among the best.
    is_in_reach = estimated >= threshold_of(totals, k) - errors
    is_in_reach[known] = False
    return np.flatnonzero(is_in_reach)


def _exact(legs: Sequence[ReadyLeg], candidates: Candidates, places: Rows) -> list[SomeFloats]:
    rows = candidates.rows_of(places)
    return [leg.exact(rows, candidates) for leg in legs]


def _totals(legs: Sequence[ReadyLeg], values: Sequence[SomeFloats]) -> SomeFloats:
    totals = legs[0].worth(values[0])
    if len(legs) > 1:  # the errors of a leg do not cover what float32 loses of another
        totals = totals.astype(np.float64, copy=False)
    for leg, found in zip(legs[1:], values[1:], strict=True):
        totals += leg.worth(found)
    return totals
