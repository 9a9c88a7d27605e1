"""Choosing a few that are good and unlike each other: maximal marginal relevance.

Carbonell and Goldstein (SIGIR 1998) choose one after another the candidate of the highest
lambda * relevance - (1 - lambda) * (its greatest likeness to one already chosen); lambda = 1 - diversity.
"""

from collections.abc import Callable, Sequence

import numpy as np

from embodied_mem.records.experience import Experience, texts_of
from embodied_mem.records.spaces import Vectors, similarities
from embodied_mem.text.words import words

MIN_POOL = 50  # candidates that are looked at, at least


def pool_size(k: int) -> int:
    """How many of the best candidates `k` are chosen from."""
    return max(MIN_POOL, 4 * k)


def choose_diverse(
    relevance: Sequence[float], k: int, diversity: float, likeness: Callable[[int, int], float]
) -> list[int]:
    """Which candidates to take, the best first and then by maximal marginal relevance.

    Args:
        relevance: (n,) how well each fits, best first; 1 fits perfectly.
        k: How many to take, at most.
        diversity: From 0, by relevance alone, to 1, by unlikeness alone after the first.
        likeness: How alike two candidates are, from 0 to 1.

    Returns:
        Their places in `relevance`, in the order chosen; of equal ones the first.
    """
    left = list(range(len(relevance)))
    nearest = dict.fromkeys(left, 0.0)
    chosen: list[int] = []
    while left and len(chosen) < k:
        best = max(
            left, key=lambda place: ((1 - diversity) * relevance[place] - diversity * nearest[place], -place)
        )
        if not chosen:
            best = 0  # also where only unlikeness counts, the best match comes back
        left.remove(best)
        chosen.append(best)
        for place in left:
            nearest[place] = max(nearest[place], likeness(best, place))
    return chosen


class Likeness:
    """How alike experiences are, from 0 to 1: by vectors that both have, otherwise by shared words.

    Args:
        experiences: What is compared.
    """

    def __init__(self, experiences: Sequence[Experience]) -> None:
        self._vectors = [{(v.field, v.space): v.values for v in e.vectors} for e in experiences]
        self._words = [frozenset(words(" ".join(texts_of(e).values()))) for e in experiences]

    def __call__(self, a: int, b: int) -> float:
        """The likeness of two of them, by place."""
        shared = self._vectors[a].keys() & self._vectors[b].keys()
        if shared:
            pairs = [(self._vectors[a][key], self._vectors[b][key], key[1].metric) for key in shared]
            alike = [float(similarities(_rows(one), other, metric)[0]) for one, other, metric in pairs]
            return max(0.0, sum(alike) / len(alike))
        either = self._words[a] | self._words[b]
        return len(self._words[a] & self._words[b]) / len(either) if either else 1.0


def _rows(vector: Vectors) -> Vectors:
    return np.atleast_2d(vector)
