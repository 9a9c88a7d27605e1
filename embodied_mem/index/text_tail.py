"""The newest texts: cheap to add to, searched row by row until there are enough for a segment."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Floats, Mask, Rows
from embodied_mem.index.growing import GrowingArray
from embodied_mem.index.term_numbers import TermNumbers
from embodied_mem.index.text_query import Codes, Counts, TextQuery, codes_of
from embodied_mem.index.text_rows import Slots, TextRows, Unsigned, lengths_between
from embodied_mem.index.text_segment import TextSegment
from embodied_mem.synonyms import NO_SYNONYMS, Synonyms


class TextTail:
    """Rows that more can be added to.

    Args:
        synonyms: What counts as the same word.
    """

    def __init__(self, synonyms: Synonyms = NO_SYNONYMS) -> None:
        self._terms_of = TermNumbers(synonyms)
        self._numbers = self._terms_of.numbers
        self._frequencies = GrowingArray(np.int64)
        self._starts = GrowingArray(np.uint32)
        self._starts.extend([0])
        self._terms = GrowingArray(np.uint32)
        self._counts = GrowingArray(np.uint32)
        self._lengths = GrowingArray(np.uint32)
        self._slots = np.full(16, -1, np.int32)

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def nbytes(self) -> int:
        """Memory taken, estimated where Python objects are held."""
        arrays = (self._starts, self._terms, self._counts, self._lengths, self._frequencies)
        return sum(array.nbytes for array in arrays) + self._slots.nbytes + self._terms_of.nbytes

    def extend(self, texts: Sequence[str | None]) -> list[str]:
        """Append rows, one a text, empty where there is none; the terms that are new here."""
        n_known = len(self._numbers)
        numbers, lengths = self._terms_of.of(texts)
        n_terms = len(self._numbers)
        row_of = np.repeat(np.arange(len(texts)), lengths)
        places, counts = np.unique(row_of * n_terms + numbers, return_counts=True)
        rows, terms = np.divmod(places, max(1, n_terms))
        self._frequencies.extend(np.zeros(n_terms - n_known, np.int64))
        self._frequencies.items[:] += np.bincount(terms, minlength=n_terms)
        self._starts.extend(len(self._terms) + np.cumsum(np.bincount(rows, minlength=len(texts))))
        self._terms.extend(terms)
        self._counts.extend(counts)
        self._lengths.extend(lengths)
        return list(islice(reversed(self._numbers), n_terms - n_known))[::-1]

    def frequencies(
        self, terms: tuple[str, ...], codes: Codes, visible: Mask | None
    ) -> npt.NDArray[np.int64]:
        """(t,) in how many visible rows each term occurs."""
        numbers = self._known(terms)
        if visible is None:
            held = [0 if number < 0 else self._frequencies.items[number] for number in numbers]
            return np.array(held, np.int64)
        starts = self._starts.items
        n_rows = int(np.flatnonzero(visible)[-1]) + 1 if visible.any() else 0
        found = self._lent_slots(numbers)[self._terms.items[: starts[n_rows]]]
        self._clear_slots(numbers)
        if not visible[:n_rows].all():
            found = found[np.repeat(visible[:n_rows], lengths_between(starts[: n_rows + 1]))]
        return np.bincount(found[found >= 0], minlength=len(terms))

    def covered(self, query: TextQuery) -> Floats:
        """(n,) the weights that each row covers."""
        numbers = self._known(query.terms)
        try:
            return self._rows().covered(query, self._lent_slots(numbers))
        finally:
            self._clear_slots(numbers)

    def counts_at(self, query: TextQuery, rows: Rows) -> Counts:
        """(t, m) how often each of these rows has each term of the query."""
        numbers = self._known(query.terms)
        try:
            return self._rows().counts_at(query, self._lent_slots(numbers), rows)
        finally:
            self._clear_slots(numbers)

    def lengths_at(self, rows: Rows) -> Unsigned:
        """(m,) how many terms these rows have."""
        result: Unsigned = self._lengths.items[rows]
        return result

    def upper_bounds(self, query: TextQuery) -> npt.NDArray[np.float32]:
        """(n,) the same as shares of all."""
        return (self.covered(query) / query.total).astype(np.float32)

    def sealed(self) -> TextSegment:
        """These rows as a segment."""
        return TextSegment.of(self._rows(), codes_of(list(self._numbers)))

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Its arrays by name; the terms as one text, a line each."""
        lines = "\n".join(self._numbers).encode("utf-8", "surrogatepass")
        return {
            "starts": self._starts.items,
            "terms": self._terms.items,
            "counts": self._counts.items,
            "lengths": self._lengths.items,
            "words": np.frombuffer(lines, np.uint8),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], synonyms: Synonyms) -> Self:
        """The tail of these arrays, copied."""
        tail = cls(synonyms)
        lines = arrays["words"].tobytes().decode("utf-8", "surrogatepass")
        tail._terms_of.of_terms(lines.split("\n") if lines else ())
        tail._frequencies.extend(np.bincount(arrays["terms"], minlength=len(tail._numbers)))
        tail._starts.extend(arrays["starts"][1:])
        tail._terms.extend(arrays["terms"])
        tail._counts.extend(arrays["counts"])
        tail._lengths.extend(arrays["lengths"])
        return tail

    def _rows(self) -> TextRows:
        return TextRows(self._starts.items, self._terms.items, self._counts.items, self._lengths.items)

    def _known(self, terms: tuple[str, ...]) -> list[int]:
        return [self._numbers.get(term, -1) for term in terms]

    def _lent_slots(self, numbers: list[int]) -> Slots:
        """For each term number its place in the query, or -1; to be given back by `_clear_slots`."""
        if len(self._slots) < len(self._frequencies):
            self._slots = np.full(2 * len(self._frequencies), -1, np.int32)
        for place, number in enumerate(numbers):
            if number >= 0:
                self._slots[number] = place
        return self._slots

    def _clear_slots(self, numbers: list[int]) -> None:
        for number in numbers:
            if number >= 0:
                self._slots[number] = -1
