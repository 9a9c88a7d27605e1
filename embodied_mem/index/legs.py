"""The legs of a search, each made ready to be asked about the rows of one table."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from embodied_mem.index.arrays import Mask, Rows, SomeFloats
from embodied_mem.index.estimates import Estimates, Shortlist
from embodied_mem.index.selection import Candidates
from embodied_mem.index.vector_column import ReadVectors, VectorColumn
from embodied_mem.records.log import PriorLeg, TextLeg
from embodied_mem.records.spaces import Vector
from embodied_mem.text.lexical import LexicalIndex

LEAST_SHOWN = 0.1  # of a stretch; where fewer are shown, a short list hardly ever holds enough


class ReadyLeg(Protocol):
    """What one leg says of candidates."""

    weight: float

    def worth(self, values: SomeFloats) -> SomeFloats:
        """What the values add to the order of hits, as an array of its own."""
        ...

    def shortlist(self, candidates: Candidates, k: int) -> Shortlist | None:
        """Some rows among which the k best of this leg most likely are; None where a scan is as quick."""
        ...

    def scan(self, candidates: Candidates) -> Estimates:
        """The value of each candidate, exactly or within known bounds."""
        ...

    def exact(self, rows: Rows, candidates: Candidates) -> SomeFloats:
        """(m,) the exact values of some of them, ascending."""
        ...


class SimilarTexts:
    """A text against the best of several fields.

    Args:
        leg: The text and the fields.
        texts: The index of each field that has texts.
        visible: (n,) which rows exist for this search, over which rarity is counted; None if all do.
    """

    def __init__(self, leg: TextLeg, texts: Mapping[str, LexicalIndex], visible: Mask | None) -> None:
        self.weight = leg.weight
        self._text = leg.text
        self._columns = [texts[field] for field in leg.fields if field in texts]
        self._visible = visible

    def worth(self, values: SomeFloats) -> SomeFloats:
        """A similarity is never below 0 here."""
        return _weighted(values, self.weight)

    def shortlist(self, candidates: Candidates, k: int) -> Shortlist | None:
        """None."""
        return None

    def scan(self, candidates: Candidates) -> Estimates:
        """Exact similarities."""
        n = len(self._columns[0]) if self._columns else 0
        is_whole = candidates.rows is None and (candidates.first, candidates.last) == (0, n)
        return Estimates(self.exact(candidates.row_numbers(), candidates, is_whole=is_whole))

    def exact(self, rows: Rows, candidates: Candidates, *, is_whole: bool = False) -> SomeFloats:
        """(m,) the best similarity of any field.

        Args:
            rows: (m,) ascending.
            candidates: What is searched.
            is_whole: Whether these are all rows.
        """
        result: SomeFloats = np.zeros(len(rows))
        for column in self._columns:
            found = column.similarities(self._text, self._visible, None if is_whole else rows)
            result = np.maximum(result, found, out=result)
        return result


class SimilarVectors:
    """A vector against those of its field.

    Args:
        column: The vectors; None if no entry has one.
        query: (d,) what to look for.
        weight: What a similarity of 1 adds.
        read: Vectors of rows as recorded.
    """

    def __init__(self, column: VectorColumn | None, query: Vector, weight: float, read: ReadVectors) -> None:
        self.weight = weight
        self._column = column
        self._target = query if column is None else column.target(query)
        self._read = read

    def worth(self, values: SomeFloats) -> SomeFloats:
        """A similarity below 0 adds nothing."""
        return _weighted(np.maximum(values, 0.0), self.weight)

    def shortlist(self, candidates: Candidates, k: int) -> Shortlist | None:
        """From a stretch of compressed vectors, unless too much of it is hidden."""
        column = self._column
        is_list = candidates.rows is not None
        if column is None or is_list or candidates.n < LEAST_SHOWN * len(candidates):
            return None
        found = column.shortlist(self._target, k, candidates.first, candidates.last)
        return None if found is None else Shortlist(candidates.those_of(found.rows), found.others)

    def scan(self, candidates: Candidates) -> Estimates:
        """Within the column's errors."""
        if self._column is None:
            return Estimates(np.zeros(len(candidates)))
        return self._column.estimates(self._target, candidates)

    def exact(self, rows: Rows, candidates: Candidates) -> SomeFloats:
        """From the vectors as recorded where the column has less."""
        if self._column is None:
            return np.zeros(len(rows))
        return self._column.similarities(self._target, rows, self._read)


class PriorValues:
    """Values that rows have whatever is asked.

    Args:
        leg: The leg.
        sequences: (n,) of the rows of the table.
    """

    def __init__(self, leg: PriorLeg, sequences: Rows) -> None:
        self.weight = leg.weight
        self._leg = leg
        self._sequences = sequences

    def worth(self, values: SomeFloats) -> SomeFloats:
        """Of either sign."""
        return self.weight * values

    def shortlist(self, candidates: Candidates, k: int) -> Shortlist | None:
        """None."""
        return None

    def scan(self, candidates: Candidates) -> Estimates:
        """Exact ones."""
        if candidates.rows is None:
            return Estimates(self._aligned(self._sequences[candidates.first : candidates.last]))
        return Estimates(self._aligned(self._sequences[candidates.rows]))

    def exact(self, rows: Rows, candidates: Candidates) -> SomeFloats:
        """The same."""
        return self._aligned(self._sequences[rows])

    def _aligned(self, sequences: Rows) -> SomeFloats:
        """(m,) the prior's values, 0 for those that have none; both lists of sequence numbers ascend."""
        held = self._leg.sequences
        if not len(held):
            return np.zeros(len(sequences))
        if len(held) == len(sequences) and np.array_equal(held, sequences):
            return self._leg.values
        at = np.minimum(np.searchsorted(held, sequences), len(held) - 1)
        result: SomeFloats = np.where(held[at] == sequences, self._leg.values[at], 0.0)
        return result


def _weighted(similarities: SomeFloats, weight: float) -> SomeFloats:
    """The similarities times the weight, as an array of its own."""
    if not 1e-30 < weight < 1e30:  # float32 has no room for it
        similarities = similarities.astype(np.float64)
    result: SomeFloats = similarities * np.asarray(weight, similarities.dtype)
    return result
