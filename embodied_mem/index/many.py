"""The best candidates for each of many vectors: what a search prepares is done once for all of them."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from embodied_mem.index.arrays import Floats, Rows, SomeFloats
from embodied_mem.index.exact_ranking import N_SPARE, best_of
from embodied_mem.index.legs import ReadyLeg, SimilarVectors
from embodied_mem.index.selection import Candidates
from embodied_mem.index.vector_column import VectorColumn
from embodied_mem.records.spaces import Vectors

FEW = 8_192  # candidates up to which a table of all products is fastest
LEAST = 4  # vectors from which it is
AT_ONCE = 64  # vectors per table at most
NUMBERS_AT_ONCE = 2**15  # numbers of these vectors, which `ExactVectors.products_with_all` can take

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
    at_once = max(1, min(AT_ONCE, NUMBERS_AT_ONCE // vectors.shape[1]))
    for at in range(0, len(vectors) if m else 0, at_once):
        legs = [leg.of(vector) for vector in vectors[at : at + at_once]]
        column = leg.column if len(candidates) <= FEW and len(legs) >= LEAST else None
        if column is not None and column.has_products:
            best = _best_by_table(column, legs, priors, candidates, m)
        else:
            best = _best_one_by_one(legs, priors, candidates, m)
        rows[at : at + at_once], totals[at : at + at_once] = best
    return rows, totals


def _best_one_by_one(
    legs: Sequence[SimilarVectors], priors: Sequence[ReadyLeg], candidates: Candidates, m: int
) -> BestOfMany:
    found = [best_of([leg, *priors], candidates, m) for leg in legs]
    return np.array([best.rows for best in found]), np.array([best.totals for best in found], np.float64)


def _best_by_table(
    column: VectorColumn,
    legs: Sequence[SimilarVectors],
    priors: Sequence[ReadyLeg],
    candidates: Candidates,
    m: int,
) -> BestOfMany:
    """Return the best by estimates for all legs at once, and one by one where these prove nothing."""
    targets = np.array([leg.target for leg in legs])
    added = [prior.worth(prior.scan(candidates).values) for prior in priors]
    sums: SomeFloats = legs[0].worth(column.products(targets, candidates))
    for values in added:
        sums = sums + values
    if candidates.hidden is not None:
        sums[:, candidates.hidden] = -np.inf
    places, others = _highest(sums, m + N_SPARE)
    exact = column.similarities_of_pairs(targets, candidates.rows_of(places))
    totals = legs[0].worth(exact).astype(np.float64, copy=False)
    for values in added:  # one by one, as the last bits of a sum depend on the order
        totals += values[places]
    if candidates.hidden is not None:
        totals[candidates.hidden[places]] = -np.inf
    order = np.lexsort((-places, -totals))[:, :m]
    rows = candidates.rows_of(np.take_along_axis(places, order, axis=1))
    totals = np.take_along_axis(totals, order, axis=1)
    unproved = np.flatnonzero(totals[:, -1] <= others + legs[0].weight * column.rounding_error)
    if len(unproved):
        unsure = [legs[at] for at in unproved.tolist()]
        rows[unproved], totals[unproved] = _best_one_by_one(unsure, priors, candidates, m)
    return rows, totals


def _highest(sums: SomeFloats, n: int) -> tuple[Rows, SomeFloats]:
    """Return the ascending places of the n highest values of each row, and (b,) the highest of the others."""
    n_others = sums.shape[1] - n
    if n_others <= 0:
        every = np.arange(sums.shape[1])
        return np.broadcast_to(every, sums.shape), np.full(len(sums), -np.inf)
    order = np.argpartition(sums, n_others - 1, axis=1)
    others = np.take_along_axis(sums, order[:, n_others - 1 : n_others], axis=1)
    return np.sort(order[:, n_others:], axis=1), others[:, 0]
