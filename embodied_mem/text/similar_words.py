"""Search for known words with a spelling similar to an unknown one, by shared letter triples."""

from array import array
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

MIN_LIKENESS = 0.6  # Dice's coefficient of the letter triples of two words


class SimilarWords:
    """Words that can be found by similar spelling; numbers and words of under four letters are skipped.

    Args:
        words: The first words.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words: dict[str, None] = {}
        self._sorted_in: list[str] = []  # the words indexed so far; indexed at a search
        self._sizes = array("i")  # number of triples of each
        self._by_trigram: dict[str, array[int]] = {}  # triple -> positions in `_sorted_in`
        self.add(words)

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    @property
    def nbytes(self) -> int:
        """Approximate memory taken."""
        return 110 * len(self._words) + 12 * len(self._sizes) + 4 * sum(map(len, self._by_trigram.values()))

    def add(self, words: Iterable[str]) -> None:
        """Add words; known ones are ignored."""
        new = (word for word in words if word not in self._words and trigrams(word))
        self._words |= dict.fromkeys(new)

    def alike(self, word: str) -> list[tuple[float, str]]:
        """Return (coefficient, word) with a Dice coefficient of at least 0.6, the most alike first."""
        letters = trigrams(word)
        if not letters:
            return []
        if len(self._sorted_in) < len(self._words):
            self._sort_in()
        places = [np.frombuffer(self._by_trigram[t], np.int32) for t in letters if t in self._by_trigram]
        if not places:
            return []
        shared = np.bincount(np.concatenate(places))
        likeness = 2 * shared / (len(letters) + np.array(self._sizes[: len(shared)]))
        close = np.flatnonzero(likeness >= MIN_LIKENESS).tolist()
        found = [(float(likeness[place]), self._sorted_in[place]) for place in close]
        return sorted(found, key=lambda pair: (-pair[0], pair[1]))

    def _sort_in(self) -> None:
        for word in islice(self._words, len(self._sorted_in), None):
            letters = trigrams(word)
            for trigram in letters:
                self._by_trigram.setdefault(trigram, array("i")).append(len(self._sorted_in))
            self._sizes.append(len(letters))
            self._sorted_in.append(word)


def trigrams(word: str) -> frozenset[str]:
    """Return the letter triples of a word with its ends marked; none for numbers and short words."""
    if len(word) < 4 or not word.isalpha():
        return frozenset()
    marked = f"#{word}#"
    return frozenset(marked[i : i + 3] for i in range(len(marked) - 2))
