"""The best candidates for each of many vectors: what a search prepares is done once for all of them."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from embodied_mem.index.arrays import Floats, Rows, SomeFloats
from embodied_mem.index.exact_ranking import N_SPARE, best_of
from embodied_mem.index.legs import ReadyLeg, SimilarVectors
from embodied_mem.index.selection import Candidates
from embodied_mem.records.spaces import Vectors

FEW = 8_192  # candidates up to which one table of estimates for all vectors is fastest
AT_ONCE = 256  # vectors per table

BestOfMany: TypeAlias = tuple[Rows, Floats]  # (n, m) rows and totals, best first; ties: newest first


def best_of_many(
    leg: SimilarVectors, priors: Sequence[ReadyLeg], candidates: Candidates, vectors: Vectors, k: int
) -> BestOfMany:
    """Return for each vector the candidates that `best_of` returns for it.

    Args:
        leg: The leg of any vector of their space, without a minimum.
        priors: The other legs.
        candidates: The candidates.
        vectors: (n, d) the vectors.
        k: Number of hits for each.

    Returns:
        (n, m) row numbers and (n, m) totals; m is the smaller of k and the number of candidates.
    """
    m = min(k, candidates.n)
    rows, totals = np.zeros((len(vectors), m), np.int64), np.zeros((len(vectors), m))
    for at in range(0, len(vectors) if m else 0, AT_ONCE):
        legs = [leg.of(vector) for vector in vectors[at : at + AT_ONCE]]
        best = _best_by_table if len(candidates) <= FEW else _best_one_by_one
        rows[at : at + AT_ONCE], totals[at : at + AT_ONCE] = best(legs, priors, candidates, m)
    return rows, totals


def _best_one_by_one(
    legs: Sequence[SimilarVectors], priors: Sequence[ReadyLeg], candidates: Candidates, m: int
) -> BestOfMany:
    found = [best_of([leg, *priors], candidates, m) for leg in legs]
    rows, totals = [best.rows for best in found], [best.totals for best in found]
    return np.reshape(rows, (len(legs), m)), np.reshape(totals, (len(legs), m))


def _best_by_table(
    legs: Sequence[SimilarVectors], priors: Sequence[ReadyLeg], candidates: Candidates, m: int
) -> BestOfMany:
    """Return the best by estimates for all legs at once, and one by one where these prove nothing."""
    added = [prior.worth(prior.scan(candidates).values) for prior in priors]
    estimates = [leg.estimates(candidates) for leg in legs]
    sums = np.array([leg.worth(found.values) for leg, found in zip(legs, estimates, strict=True)])
    sums = sums + sum(added, np.zeros(len(candidates)))
    if candidates.hidden is not None:
        sums[:, candidates.hidden] = -np.inf
    places, others = _highest(sums, m + N_SPARE)
    totals = _exact_totals(legs, added, candidates, places)
    order = np.lexsort((-places, -totals))[:, :m]
    rows = candidates.rows_of(np.take_along_axis(places, order, axis=1))
    totals = np.take_along_axis(totals, order, axis=1)
    errors = [0.0 if found.errors is None else float(np.max(found.errors)) for found in estimates]
    unproved = np.flatnonzero(totals[:, -1] <= others + legs[0].weight * np.array(errors))
    if len(unproved):
        unsure = [legs[at] for at in unproved.tolist()]
        rows[unproved], totals[unproved] = _best_one_by_one(unsure, priors, candidates, m)
    return rows, totals


def _highest(sums: Floats, n: int) -> tuple[Rows, Floats]:
    """Return the ascending places of the n highest values of each row, and (b,) the highest of the others."""
    n_others = sums.shape[1] - n
    if n_others <= 0:
        every = np.arange(sums.shape[1])
        return np.broadcast_to(every, sums.shape), np.full(len(sums), -np.inf)
    order = np.argpartition(sums, n_others - 1, axis=1)
    others = np.take_along_axis(sums, order[:, n_others - 1 : n_others], axis=1)
    return np.sort(order[:, n_others:], axis=1), others[:, 0]


def _exact_totals(
    legs: Sequence[SimilarVectors], added: Sequence[SomeFloats], candidates: Candidates, places: Rows
) -> Floats:
    """Return the exact totals of the candidates at some places for each leg; -inf for hidden ones."""
    exact = [leg.exact(candidates.rows_of(row), candidates) for leg, row in zip(legs, places, strict=True)]
    totals = legs[0].worth(np.array(exact)).astype(np.float64, copy=False)
    for values in added:  # one by one, as the last bits of a sum depend on the order
        totals += values[places]
    if candidates.hidden is not None:
        totals[candidates.hidden[places]] = -np.inf
    return totals
