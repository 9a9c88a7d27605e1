"""Which known words are spelt like an unknown one, by the letter triples that they share."""

from array import array
from collections.abc import Iterable
from typing import Self

import numpy as np
import numpy.typing as npt

from embodied_mem.text.postings import as_lines, from_lines

MIN_LIKENESS = 0.6  # of the letters of an unknown word and a stored one


class SimilarWords:
    """Words in letters, to be found by their spelling. Numbers and short words are not kept."""

    def __init__(self) -> None:
        self._words: dict[str, None] = {}
        self._waiting: list[str] = []  # until an unknown word is asked for, which happens to few stores
        self._taken_in: list[str] = []
        self._sizes = array("i")  # how many triples each has
        self._by_trigram: dict[str, array[int]] = {}  # triple to places in `_taken_in`

    @property
    def nbytes(self) -> int:
        """Memory taken, about so much."""
        return 110 * len(self._words) + 12 * len(self._sizes) + 4 * sum(map(len, self._by_trigram.values()))

    def add(self, words: Iterable[str]) -> None:
        """Keep these words; those that are kept already change nothing."""
        for word in words:
            if word not in self._words and trigrams(word):
                self._words[word] = None
                self._waiting.append(word)

    def alike(self, word: str) -> list[tuple[float, str]]:
        """Words at least six tenths alike by Dice's coefficient, each with it; the most alike first."""
        letters = trigrams(word)
        if not letters:
            return []
        self._take_in()
        places = [np.frombuffer(self._by_trigram[t], np.int32) for t in letters if t in self._by_trigram]
        if not places:
            return []
        shared = np.bincount(np.concatenate(places))
        likeness = 2 * shared / (len(letters) + np.frombuffer(self._sizes, np.int32)[: len(shared)])
        close = np.flatnonzero(likeness >= MIN_LIKENESS).tolist()
        found = [(float(likeness[place]), self._taken_in[place]) for place in close]
        return sorted(found, key=lambda pair: (-pair[0], pair[1]))

    def to_array(self) -> npt.NDArray[np.uint8]:
        """The words as one text, a line each."""
        return as_lines(self._words)

    @classmethod
    def from_array(cls, array: npt.NDArray[np.uint8]) -> Self:
        """The words of such a text."""
        words = cls()
        words._words = dict.fromkeys(from_lines(array))
        words._waiting = list(words._words)
        return words

    def _take_in(self) -> None:
        for word in self._waiting:
            letters = trigrams(word)
            for trigram in letters:
                self._by_trigram.setdefault(trigram, array("i")).append(len(self._taken_in))
            self._sizes.append(len(letters))
            self._taken_in.append(word)
        self._waiting = []


def trigrams(word: str) -> frozenset[str]:
    """Letter triples of a word with its ends marked; none for numbers and short words."""
    if len(word) < 4 or not word.isalpha():
        return frozenset()
    marked = f"#{word}#"
    return frozenset(marked[i : i + 3] for i in range(len(marked) - 2))
