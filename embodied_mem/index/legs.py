"""The legs of a search, prepared for the rows of one table."""

import math
from collections.abc import Mapping
from copy import copy
from typing import Protocol

import numpy as np

from embodied_mem.index.arrays import Mask, Rows, SomeFloats
from embodied_mem.index.estimates import Estimates, Shortlist
from embodied_mem.index.selection import Candidates
from embodied_mem.index.vector_column import ReadVectors, VectorColumn
from embodied_mem.records.log import PriorLeg, TextLeg
from embodied_mem.records.spaces import Vector
from embodied_mem.text.lexical import LexicalIndex

LEAST_SHOWN = 0.1  # share of visible rows in a range below which a short list rarely has k of them


class ReadyLeg(Protocol):
    """One leg, which gives values to candidates; those with a value below `minimum` are no hits."""

    weight: float
    minimum: float

    def worth(self, values: SomeFloats) -> SomeFloats:
        """Return what the values add to the totals, as a new array."""
        ...

    def shortlist(self, candidates: Candidates, k: int) -> Shortlist | None:
        """Return rows that most likely include the k best of this leg; None if a scan is as fast."""
        ...

    def scan(self, candidates: Candidates) -> Estimates:
        """Return the value of each candidate, exact or with error bounds."""
        ...

    def exact(self, rows: Rows, candidates: Candidates) -> SomeFloats:
        """Return (m,) exact values of ascending rows among the candidates."""
        ...


class SimilarTexts:
    """Similarity of a text to the best of several fields.

    Args:
        leg: The text and the fields.
        texts: The index of each field that has texts.
        visible: (n,) which rows exist for this search; word rarity is counted over them. None if all do.
    """

    def __init__(self, leg: TextLeg, texts: Mapping[str, LexicalIndex], visible: Mask | None) -> None:
        self.weight, self.minimum = leg.weight, leg.minimum
        self._text = leg.text
        self._columns = [texts[field] for field in leg.fields if field in texts]
        self._visible = visible

    def worth(self, values: SomeFloats) -> SomeFloats:
        """Return the weighted similarities."""
        return _weighted(values, self.weight)

    def shortlist(self, candidates: Candidates, k: int) -> Shortlist | None:
        """None."""
        return None

    def scan(self, candidates: Candidates) -> Estimates:
        """Return exact similarities."""
        n = len(self._columns[0]) if self._columns else 0
        is_whole = candidates.rows is None and (candidates.first, candidates.last) == (0, n)
        return Estimates(self.exact(candidates.row_numbers(), candidates, is_whole=is_whole))

    def exact(self, rows: Rows, candidates: Candidates, *, is_whole: bool = False) -> SomeFloats:
        """Return (m,) the best similarity of any field.

        Args:
            rows: (m,) ascending.
            candidates: The candidates.
            is_whole: Whether `rows` are all rows of the table.
        """
        result: SomeFloats = np.zeros(len(rows))
        for column in self._columns:
            found = column.similarities(self._text, self._visible, None if is_whole else rows)
            result = np.maximum(result, found, out=result)
        return result


class SimilarVectors:
    """Similarity of a vector to the vectors of a field.

    Args:
        column: The vectors; None if no entry has one.
        query: (d,) the query vector.
        weight: What a similarity of 1 adds.
        read: Reads the recorded vectors of rows.
        minimum: The similarity below which a candidate is no hit.
        floor: The similarity as which lower ones count.

    Attributes:
        column: The vectors; None if no entry has one.
        target: (d,) what the vectors are compared with.
    """

    def __init__(
        self,
        column: VectorColumn | None,
        query: Vector,
        weight: float,
        read: ReadVectors,
        minimum: float = -math.inf,
        floor: float = -math.inf,
    ) -> None:
        self.weight, self.minimum = weight, minimum
        self.column = column
        self.target = query if column is None else column.target(query)
        self._read = read
        self._floor = floor

    def of(self, vector: Vector) -> "SimilarVectors":
        """Return the same leg for another vector of the same space."""
        other = copy(self)
        other.target = vector if self.column is None else self.column.target(vector)
        return other

    def worth(self, values: SomeFloats) -> SomeFloats:
        """Return the weighted similarities; those below the floor count as much as it does."""
        is_limited = self._floor > -math.inf
        return _weighted(np.maximum(values, self._floor) if is_limited else values, self.weight)

    def shortlist(self, candidates: Candidates, k: int) -> Shortlist | None:
        """Return a short list for a range of compressed vectors, unless too many rows are hidden."""
        column = self.column
        is_list = candidates.rows is not None
        if column is None or is_list or candidates.n < LEAST_SHOWN * len(candidates):
            return None
        found = column.shortlist(self.target, k, candidates.first, candidates.last)
        return None if found is None else Shortlist(candidates.those_of(found.rows), found.others)

    def scan(self, candidates: Candidates) -> Estimates:
        """Return similarities within the column's error bounds."""
        if self.column is None:
            return Estimates(np.zeros(len(candidates)))
        return self.column.estimates(self.target, candidates)

    def exact(self, rows: Rows, candidates: Candidates) -> SomeFloats:
        """Return exact similarities; compressed vectors are read from the log."""
        if self.column is None:
            return np.zeros(len(rows))
        return self.column.similarities(self.target, rows, self._read)


class PriorValues:
    """Values of rows that do not depend on the query.

    Args:
        leg: The leg.
        sequences: (n,) sequence numbers of the table's rows.
    """

    minimum = -math.inf

    def __init__(self, leg: PriorLeg, sequences: Rows) -> None:
        self.weight = leg.weight
        self._leg = leg
        self._sequences = sequences

    def worth(self, values: SomeFloats) -> SomeFloats:
        """Return the weighted values, which may be negative."""
        return self.weight * values

    def shortlist(self, candidates: Candidates, k: int) -> Shortlist | None:
        """None."""
        return None

    def scan(self, candidates: Candidates) -> Estimates:
        """Return exact values."""
        if candidates.rows is None:
            return Estimates(self._aligned(self._sequences[candidates.first : candidates.last]))
        return Estimates(self._aligned(self._sequences[candidates.rows]))

    def exact(self, rows: Rows, candidates: Candidates) -> SomeFloats:
        """Return the values of these rows."""
        return self._aligned(self._sequences[rows])

    def _aligned(self, sequences: Rows) -> SomeFloats:
        """Return (m,) the prior's values, 0 if there is none; both sequence number arrays are ascending."""
        held = self._leg.sequences
        if not len(held):
            return np.zeros(len(sequences))
        if len(held) == len(sequences) and np.array_equal(held, sequences):
            return self._leg.values
        at = np.minimum(np.searchsorted(held, sequences), len(held) - 1)
        result: SomeFloats = np.where(held[at] == sequences, self._leg.values[at], 0.0)
        return result


def _weighted(similarities: SomeFloats, weight: float) -> SomeFloats:
    """Return the similarities times the weight, as a new array."""
    if not 1e-30 < weight < 1e30:  # would underflow or overflow float32
        similarities = similarities.astype(np.float64)
    result: SomeFloats = similarities * np.asarray(weight, similarities.dtype)
    return result
