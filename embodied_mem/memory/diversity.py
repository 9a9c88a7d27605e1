"""Choice of relevant and diverse candidates: maximal marginal relevance.

Carbonell and Goldstein (SIGIR 1998) repeatedly choose the candidate with the highest
lambda * relevance - (1 - lambda) * (greatest similarity to one already chosen); lambda = 1 - diversity.
"""

from collections.abc import Callable, Sequence

import numpy as np

from embodied_mem.records.experience import Experience, texts_of
from embodied_mem.records.spaces import Vectors, similarities
from embodied_mem.text.words import signs, words

MIN_POOL = 50  # minimum number of candidates


def pool_size(k: int) -> int:
    """Return the number of best candidates from which `k` are chosen."""
    return max(MIN_POOL, 4 * k)


def choose_diverse(
    relevance: Sequence[float], k: int, diversity: float, likeness: Callable[[int, int], float]
) -> list[int]:
    """Choose the best candidate, then further ones by maximal marginal relevance.

    Args:
        relevance: (n,) relevance of each candidate, best first; 1 is a perfect match.
        k: Maximum number to choose.
        diversity: 0 (relevance alone) to 1 (dissimilarity alone, after the first).
        likeness: Similarity of two candidates, 0 to 1.

    Returns:
        Indices into `relevance` in the order chosen; ties: lowest index.
    """
    left = list(range(len(relevance)))
    nearest = dict.fromkeys(left, 0.0)
    chosen: list[int] = []
    while left and len(chosen) < k:
        best = max(
            left, key=lambda place: ((1 - diversity) * relevance[place] - diversity * nearest[place], -place)
        )
        if not chosen:
            best = 0  # the best match is always chosen, even at diversity 1
        left.remove(best)
        chosen.append(best)
        for place in left:
            nearest[place] = max(nearest[place], likeness(best, place))
    return chosen


class Likeness:
    """Similarity of experiences, 0 to 1: by common vectors if there are any, else by shared words and signs.

    Args:
        experiences: The experiences to compare.
    """

    def __init__(self, experiences: Sequence[Experience]) -> None:
        self._vectors = [{(v.field, v.space): v.values for v in e.vectors} for e in experiences]
        texts = [" ".join(texts_of(experience).values()) for experience in experiences]
        self._words = [frozenset((*words(text), *signs(text))) for text in texts]

    def __call__(self, a: int, b: int) -> float:
        """Return the similarity of the experiences at two indices."""
        shared = self._vectors[a].keys() & self._vectors[b].keys()
        if shared:
            pairs = [(self._vectors[a][key], self._vectors[b][key], key[1].metric) for key in shared]
            alike = [float(similarities(_rows(one), other, metric)[0]) for one, other, metric in pairs]
            return max(0.0, sum(alike) / len(alike))
        either = self._words[a] | self._words[b]
        return len(self._words[a] & self._words[b]) / len(either) if either else 1.0


def _rows(vector: Vectors) -> Vectors:
    return np.atleast_2d(vector)
