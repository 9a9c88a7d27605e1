"""The legs of a search, each made ready to be asked about the rows of one table."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from embodied_mem.index.column import Column, Rows, SomeFloats
from embodied_mem.index.estimates import Estimates
from embodied_mem.index.options import IndexOptions
from embodied_mem.index.selection import Candidates
from embodied_mem.index.top import best_places
from embodied_mem.index.vector_column import ReadVectors, VectorColumn
from embodied_mem.log import PriorLeg
from embodied_mem.spaces import Vector

Values = SomeFloats


class Leg(Protocol):
    """What one leg says of candidates."""

    weight: float

    def worth(self, values: Values) -> Values:
        """What the values add to the order of hits, as an array of its own."""
        ...

    def is_too_much(self, candidates: Candidates) -> bool:
        """Whether comparing every candidate takes too long, so that only the best are to be looked at."""
        ...

    def estimates(self, candidates: Candidates) -> Estimates:
        """The value of each candidate, exact or not."""
        ...

    def exact(self, rows: Rows, candidates: Candidates) -> Values:
        """(m,) the exact values of some of them, ascending."""
        ...

    def best(self, n: int, candidates: Candidates) -> tuple[Rows, float]:
        """About n candidates of the highest values, ascending, and what no other candidate's is above."""
        ...


class SimilarTexts:
    """A text against the best of several fields.

    Args:
        columns: The texts of these fields; a field that no entry has is left out.
        text: What to look for.
        weight: What a similarity of 1 adds.
        options: From which size on not every text is compared.
    """

    def __init__(
        self, columns: Sequence[Column[str, str]], text: str, weight: float, options: IndexOptions
    ) -> None:
        self.weight = weight
        self._columns = columns
        self._text = text
        self._options = options

    def worth(self, values: Values) -> Values:
        """A similarity below 0 adds nothing."""
        return _worth(values, self.weight)

    def is_too_much(self, candidates: Candidates) -> bool:
        """Above the limit of the options."""
        return bool(self._columns) and len(candidates) > self._options.exact_text_rows

    def estimates(self, candidates: Candidates) -> Estimates:
        """Exact ones."""
        is_whole = candidates.rows is None and all(
            (candidates.first, candidates.last) == (0, len(column)) for column in self._columns
        )
        return Estimates(self._compare(None if is_whole else candidates.row_numbers(), candidates))

    def exact(self, rows: Rows, candidates: Candidates) -> Values:
        """Rarity is counted over what is visible, not over the rows that are asked about."""
        return self._compare(rows, candidates)

    def best(self, n: int, candidates: Candidates) -> tuple[Rows, float]:
        """The best of each field."""
        found, bound = [np.zeros(0, np.int64)], 0.0
        for column in self._columns:
            rows, is_exact = column.best(self._text, n, candidates.mask(len(column)), candidates.visible)
            found.append(rows)
            if not is_exact:
                bound = np.inf
            elif len(rows) >= n:
                worst = column.similarities(self._text, rows, candidates.visible).min()
                bound = max(bound, float(worst))
        return np.unique(np.concatenate(found)), bound

    def _compare(self, rows: Rows | None, candidates: Candidates) -> Values:
        result = np.zeros(len(candidates) if rows is None else len(rows))
        for column in self._columns:
            np.maximum(result, column.similarities(self._text, rows, candidates.visible), out=result)
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

    def worth(self, values: Values) -> Values:
        """A similarity below 0 adds nothing."""
        return _worth(values, self.weight)

    def is_too_much(self, candidates: Candidates) -> bool:
        """With a coarse look at hand, and more candidates than are every one compared."""
        if self._column is None or self._column.coarse.vectors is None or candidates.is_filtered:
            return False  # what passed a filter is every one compared: a filter loses nothing
        return len(candidates) > self._column.coarse.limit and self._is_mostly_shown(candidates)

    def estimates(self, candidates: Candidates) -> Estimates:
        """Within the column's errors."""
        if self._column is None:
            return Estimates(np.zeros(len(candidates)))
        return self._column.estimates(self._target, candidates)

    def exact(self, rows: Rows, candidates: Candidates) -> Values:
        """From the vectors as recorded where the column has less."""
        if self._column is None:
            return np.zeros(len(rows))
        return self._column.similarities(self._target, rows, self._read)

    def best(self, n: int, candidates: Candidates) -> tuple[Rows, float]:
        """By a coarse look if comparing all is too much."""
        if self._column is not None and self.is_too_much(candidates):
            rows = self._column.coarse_best(self._target, n)
            mask = candidates.mask(len(self._column))
            return (rows if mask is None else rows[mask[rows]]), np.inf
        found = self.estimates(candidates)
        rows, bound = _best_of(found.values, n, candidates)
        return rows, bound + (0.0 if found.errors is None else float(np.max(found.errors, initial=0.0)))

    def _is_mostly_shown(self, candidates: Candidates) -> bool:
        return candidates.hidden is None or candidates.n > 0.9 * len(candidates)


class Priors:
    """Values that rows have whatever is asked.

    Args:
        leg: The leg.
        sequences: (n,) of the rows of the table.
    """

    def __init__(self, leg: PriorLeg, sequences: Rows) -> None:
        self.weight = leg.weight
        self._leg = leg
        self._sequences = sequences

    def worth(self, values: Values) -> Values:
        """Of either sign."""
        return self.weight * values

    def is_too_much(self, candidates: Candidates) -> bool:
        """Never."""
        return False

    def estimates(self, candidates: Candidates) -> Estimates:
        """Exact ones."""
        if candidates.rows is None:
            return Estimates(self._aligned(self._sequences[candidates.first : candidates.last]))
        return Estimates(self._aligned(self._sequences[candidates.rows]))

    def exact(self, rows: Rows, candidates: Candidates) -> Values:
        """The same."""
        return self._aligned(self._sequences[rows])

    def best(self, n: int, candidates: Candidates) -> tuple[Rows, float]:
        """The rows with the highest values."""
        return _best_of(self.estimates(candidates).values, n, candidates)

    def _aligned(self, sequences: Rows) -> Values:
        """(m,) the prior's values, 0 for those that have none; both lists of sequence numbers ascend."""
        held = self._leg.sequences
        if not len(held):
            return np.zeros(len(sequences))
        if len(held) == len(sequences) and np.array_equal(held, sequences):
            return self._leg.values
        at = np.minimum(np.searchsorted(held, sequences), len(held) - 1)
        result: Values = np.where(held[at] == sequences, self._leg.values[at], 0.0)
        return result


def _worth(similarities: Values, weight: float) -> Values:
    result: Values = np.maximum(similarities, 0.0)
    if weight != 1.0:
        result *= weight
    return result


def _best_of(values: Values, n: int, candidates: Candidates) -> tuple[Rows, float]:
    if candidates.hidden is not None:
        values = np.where(candidates.hidden, -np.inf, values)
    places = best_places(values, n)
    bound = float(values[places[-1]]) if len(places) else -np.inf
    return np.sort(candidates.rows_of(places)), bound
