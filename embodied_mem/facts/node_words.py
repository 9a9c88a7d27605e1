"""`NodeWords`: the nodes whose names a text mentions, with an absolute similarity."""

from array import array
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.text.function_words import function_words
from embodied_mem.text.lexical import FUNCTION_WORD_WEIGHT
from embodied_mem.text.words import words

Floats: TypeAlias = npt.NDArray[np.float64]
Rows: TypeAlias = npt.NDArray[np.int64]

ROUNDING = 1e-9


class NodeWords:
    """An index of the words of names, which grows and shrinks by single names.

    A name keeps its row when it is removed, because things that vanish from a graph tend to come back.
    """

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._names: list[str] = []
        self._is_in = np.zeros(64, np.bool_)  # by row
        self._words_of = np.zeros((64, 4), np.int64)  # row -> its words; 0 is no word
        self._numbers: dict[str, int] = {"": 0}  # word -> number
        self._with_word: list[array[int]] = [array("q")]  # word -> rows
        self._n_names = array("q", [1])  # word -> number of names that are in
        self._factors = array("d", [0.0])  # word -> what it counts beside its rarity
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, name: str) -> None:
        """Add a name; nothing happens if it is there."""
        row = self._rows.get(name)
        if row is None:
            row = self._new_row(name)
        if not self._is_in[row]:
            self._count(row, 1)

    def remove(self, name: str) -> None:
        """Remove a name that is there."""
        self._count(self._rows[name], -1)

    def mentioned(self, text: str, *, threshold: float) -> dict[str, float]:
        """Return the names that a text mentions, and how much of each.

        The similarity is the share of a name's words that the text has, each word weighted by its rarity
        ln(1 + n / df) among the names; function words count as in `embodied_mem.text.lexical`. It is not
        divided by the best one: it is 1 if the text has the whole name, and a text about something else
        finds nothing. Of equal shares the one with more words comes first.

        Args:
            text: Any text.
            threshold: Least similarity, above 0 and up to 1.
        """
        asked = [self._numbers[word] for word in dict.fromkeys(words(text)) if word in self._numbers]
        weights = self._weights()
        covered = np.zeros(len(self._names))
        for word in asked:
            covered[np.array(self._with_word[word], np.int64)] += weights[word]
        rows = np.flatnonzero((covered > 0) & self._is_in[: len(covered)])
        shares = covered[rows] / weights[self._words_of[rows]].sum(axis=1)
        is_named = shares >= threshold - ROUNDING
        return self._ordered(rows[is_named], shares[is_named])

    def _ordered(self, rows: Rows, shares: Floats) -> dict[str, float]:
        lengths = np.count_nonzero(self._words_of[rows], axis=1).tolist()
        found = zip(
            np.round(np.minimum(shares, 1.0), 9).tolist(),
            lengths,
            [self._names[row] for row in rows.tolist()],
            strict=True,
        )
        ordered = sorted(found, key=lambda each: (-each[0], -each[1], each[2]))
        return {name: share for share, _, name in ordered}

    def _weights(self) -> Floats:
        rarity = np.log1p(self._n / np.maximum(np.array(self._n_names, np.float64), 1.0))
        weights: Floats = rarity * np.array(self._factors, np.float64)
        return weights

    def _new_row(self, name: str) -> int:
        row = self._rows[name] = len(self._names)
        self._names.append(name)
        numbers = [self._number(word) for word in dict.fromkeys(words(name))]
        self._make_room(row + 1, len(numbers))
        self._words_of[row, : len(numbers)] = numbers
        for number in numbers:
            self._with_word[number].append(row)
        return row

    def _number(self, word: str) -> int:
        if word not in self._numbers:
            self._numbers[word] = len(self._with_word)
            self._with_word.append(array("q"))
            self._n_names.append(0)
            self._factors.append(FUNCTION_WORD_WEIGHT if word in function_words() else 1.0)
        return self._numbers[word]

    def _count(self, row: int, change: int) -> None:
        self._is_in[row] = change > 0
        self._n += change
        for number in self._words_of[row].tolist():
            if number:
                self._n_names[number] += change

    def _make_room(self, n_rows: int, n_words: int) -> None:
        height, width = self._words_of.shape
        if n_rows > height:
            self._words_of = np.pad(self._words_of, ((0, height), (0, 0)))
            self._is_in = np.pad(self._is_in, (0, height))
        if n_words > width:
            self._words_of = np.pad(self._words_of, ((0, 0), (0, n_words - width)))
