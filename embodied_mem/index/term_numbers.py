"""`TermNumbers`: from texts to the numbers of their terms, with one look into a dictionary a word."""

from collections.abc import Sequence
from itertools import chain
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.synonyms import NO_SYNONYMS, Synonyms
from embodied_mem.words import split, stem, words

Integers: TypeAlias = npt.NDArray[np.int64]


class _Numbers(dict[str, int]):
    """Term to its number here; asked for with brackets, a new one gets the next.

    Attributes:
        n_watched: How many of the watched terms have a number.
    """

    def __init__(self, watched: frozenset[str]) -> None:
        super().__init__()
        self._watched = watched
        self.n_watched = 0

    def __missing__(self, term: str) -> int:
        self[term] = number = len(self)
        self.n_watched += term in self._watched
        return number


class _OfWords(dict[str, int]):
    """Word as it stands in a text of ASCII characters to the number of its term."""

    def __init__(self, numbers: _Numbers, synonyms: Synonyms) -> None:
        super().__init__()
        self._numbers = numbers
        self._synonyms = synonyms

    def __missing__(self, word: str) -> int:
        # Of ids and numbers, which `stem` leaves as they are, each text brings a new one.
        stemmed = stem(word) if word.isalpha() else word
        self[word] = number = self._numbers[self._synonyms.head(stemmed)]
        return number


class TermNumbers:
    """Numbers terms from 0 on, in the order in which texts first use them.

    The terms of a text are those of `Synonyms.apply(words(text))`.

    Args:
        synonyms: What counts as the same word.
    """

    def __init__(self, synonyms: Synonyms = NO_SYNONYMS) -> None:
        self.numbers = _Numbers(frozenset(chain.from_iterable(synonyms.beginnings)))
        self._synonyms = synonyms
        self._of_words = _OfWords(self.numbers, synonyms)
        self._beginnings: set[tuple[int, int]] = set()
        self._n_watched = 0  # when `_beginnings` was made

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def nbytes(self) -> int:
        """About a hundred bytes for each term and for each word."""
        return 110 * (len(self.numbers) + len(self._of_words))

    def of(self, texts: Sequence[str | None]) -> tuple[Integers, Integers]:
        """The numbers of the terms of all texts, in order and repeated ones included.

        Args:
            texts: (n,) None has no terms.

        Returns:
            (m,) the numbers, those of one text after those of the other, and (n,) how many each has.
        """
        rows = [[] if text is None else self._numbers_of(text) for text in texts]
        numbers = np.fromiter(chain.from_iterable(rows), np.int64)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        ends = np.cumsum(lengths)
        parts, done = [], 0
        for row in self._rows_with_phrases(numbers, ends):
            again = self.of_terms(self._synonyms.apply(words(texts[row] or "")))
            parts += [numbers[done : ends[row] - lengths[row]], np.array(again, np.int64)]
            done, lengths[row] = ends[row], len(again)
        return (np.concatenate([*parts, numbers[done:]]) if parts else numbers), lengths

    def of_terms(self, terms: Sequence[str]) -> list[int]:
        """The number of each term."""
        return list(map(self.numbers.__getitem__, terms))

    def _numbers_of(self, text: str) -> list[int]:
        """The numbers of its terms, as if no phrase had a synonym."""
        found, are_stemmed = split(text)
        if are_stemmed:
            return self.of_terms(self._synonyms.apply(found))
        return list(map(self._of_words.__getitem__, found))

    def _rows_with_phrases(self, numbers: Integers, ends: Integers) -> list[int]:
        """Rows in which two words may begin a phrase that has a synonym."""
        beginnings = self._known_beginnings()
        if not beginnings or len(numbers) < 2:
            return []
        is_first = np.zeros(len(self), np.bool_)
        is_first[[first for first, _ in beginnings]] = True
        places = np.flatnonzero(is_first[numbers[:-1]])
        pairs = zip(numbers[places].tolist(), numbers[places + 1].tolist(), strict=True)
        found = places[np.fromiter(map(beginnings.__contains__, pairs), np.bool_, len(places))]
        return sorted(set(np.searchsorted(ends, found, side="right").tolist()))

    def _known_beginnings(self) -> set[tuple[int, int]]:
        """The first two words of each phrase, as the numbers that they have alone."""
        if self._n_watched != self.numbers.n_watched:
            self._n_watched = self.numbers.n_watched
            pairs = [tuple(map(self.numbers.get, pair)) for pair in self._synonyms.beginnings]
            self._beginnings = {(a, b) for a, b in pairs if a is not None and b is not None}
        return self._beginnings
