"""`TextColumn`: the texts of one field, with the similarity of `embodied_mem.lexical` at any size.

Texts are kept in sealed segments and a tail that more can be added to. A search looks at the postings of the
query's words, which are the places where they occur, in all rows or in those that passed a filter. Of all
rows a bound is worked out first, which says which of them are worth an exact comparison.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import log
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import StoreError
from embodied_mem.index.arrays import Arrays, Floats, Mask, Rows
from embodied_mem.index.growing import GrowingArray
from embodied_mem.index.text_query import TextQuery, Wanted, codes_of
from embodied_mem.index.text_segment import TextSegment, segments_of
from embodied_mem.index.text_tail import TextTail
from embodied_mem.lexical import MAX_LIKE, as_shares, meaning
from embodied_mem.similar_words import SimilarWords
from embodied_mem.synonyms import NO_SYNONYMS, Synonyms
from embodied_mem.words import WORDS_VERSION, words

TAIL_ROWS = 4_096  # sealed together
SEGMENT_ROWS = 61_440  # merged into one segment once so many are sealed; few segments make a query fast
FEW_CELLS = 262_144  # rows times terms that are compared in one go, from whatever part they are
MAX_CELLS = 4_000_000  # rows times terms that are compared row by row; more are dearer than all postings
BATCH = 1_024  # texts taken in at once
BOUND_ERROR = 1e-5  # far above what float32 loses

_Part: TypeAlias = TextSegment | TextTail


class TextColumn:
    """The texts of one field, by row.

    A row is a number from 0, given to the entries of a kind in the order of writing (see `rows.RowTable`);
    rows without a text are counted too.

    Args:
        synonyms: What counts as the same word.
        tail_rows: How many rows are sealed together.
        segment_rows: From how many sealed rows on they are merged into one segment, so that there are few;
            with `tail_rows` at most 65,536.
    """

    def __init__(
        self,
        synonyms: Synonyms = NO_SYNONYMS,
        *,
        tail_rows: int = TAIL_ROWS,
        segment_rows: int = SEGMENT_ROWS,
    ) -> None:
        self._synonyms = synonyms
        self._tail_rows = tail_rows
        self._segment_rows = segment_rows
        self._segments: list[TextSegment] = []
        self._tail = TextTail(self._synonyms)
        self._absent = GrowingArray(np.int64)  # rows without a text
        self._similar_words = SimilarWords()

    def __len__(self) -> int:
        return sum(map(len, self._segments)) + len(self._tail)

    @property
    def form(self) -> str:
        """How the texts are kept: as words."""
        return "words"

    @property
    def nbytes(self) -> int:
        """Memory taken, estimated where Python objects are held."""
        return sum(part.nbytes for part in self._parts()) + self._absent.nbytes + self._similar_words.nbytes

    def extend(self, values: Sequence[str | None]) -> None:
        """Take in the texts of the next rows; None where a row has none."""
        for first in range(0, len(values), BATCH):
            batch = values[first : first + BATCH]
            n = len(self)
            self._absent.extend([n + row for row, value in enumerate(batch) if value is None])
            while batch:
                room = self._tail_rows - len(self._tail)
                self._similar_words.add(self._tail.extend(batch[:room]))
                batch = batch[room:]
                if len(self._tail) == self._tail_rows:
                    self._seal()

    def ask(self, text: str, visible: Mask | None = None) -> TextQuery | None:
        """A query made ready for the methods below; None if it has no words or nothing is visible.

        Args:
            text: What to look for.
            visible: (n,) which rows exist for this query: rarity is counted over those alone. None means all.
        """
        counts = Counter(self._terms(text))
        n_visible = self._n_visible(visible)
        if not counts or not n_visible:
            return None
        everywhere = self._frequencies(tuple(counts), None)
        here = everywhere if visible is None else self._frequencies(tuple(counts), visible)
        weights = np.log1p(n_visible / np.maximum(here, 1)) * (here > 0)
        weights *= np.array([meaning(term) for term in counts])
        total = 0.0
        terms: dict[str, int] = {}
        wanted: list[Wanted] = []
        for (term, count), weight in zip(counts.items(), weights.tolist(), strict=True):
            if weight:
                total += weight
                wanted.append(Wanted(weight, count, ((1.0, terms.setdefault(term, len(terms))),)))
        # An unknown word counts as middling rare: a rare one would drown the rest, a common one say nothing.
        for term in (term for term, frequency in zip(counts, here, strict=True) if not frequency):
            weight = log(1 + n_visible**0.5) * meaning(term)
            total += weight
            alike = self._alike(term, visible)
            if alike:
                known = tuple((likeness, terms.setdefault(other, len(terms))) for likeness, other in alike)
                wanted.append(Wanted(weight, counts[term], known))
        codes = codes_of(tuple(terms))
        n_postings = int(everywhere.sum())
        return TextQuery(counts.total(), tuple(terms), codes, tuple(wanted), total, n_postings)

    def similarities(self, query: TextQuery, rows: Rows | None = None) -> Floats:
        """(m,) float64 in [0, 1]: how much of the query the texts of these rows cover, exactly.

        Args:
            query: What `ask` gave, since the last text was taken in.
            rows: (m,) ascending; None means every row, those that are not visible too.
        """
        if rows is None:
            covered = np.concatenate([part.covered(query) for part in self._parts()])
        elif len(rows) * len(query.terms) <= FEW_CELLS:
            found = list(self._split(rows))
            counts = np.concatenate([part.counts_at(query, here) for part, here in found], axis=1)
            covered = query.covered(counts, np.concatenate([part.lengths_at(here) for part, here in found]))
        else:
            covered = np.concatenate([_covered_at(part, query, here) for part, here in self._split(rows)])
        return as_shares(covered, query.total)

    def upper_bounds(self, query: TextQuery) -> npt.NDArray[np.float32]:
        """(n,) what the similarity of each row is at most, within `BOUND_ERROR`, in less time."""
        return np.concatenate([part.upper_bounds(query) for part in self._parts()])

    def to_arrays(self) -> Arrays:
        """What a snapshot keeps of it."""
        arrays = {f"tail.{name}": array for name, array in self._tail.to_arrays().items()}
        for number, segment in enumerate(self._segments):
            arrays |= {f"{number}.{name}": array for name, array in segment.to_arrays().items()}
        arrays["absent"] = self._absent.items
        arrays["spellings"] = self._similar_words.to_array()
        arrays["made_by"] = np.frombuffer(text_version(self._synonyms), np.uint8)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays, synonyms: Synonyms = NO_SYNONYMS, **options: int) -> Self:
        """The column of these arrays, which it keeps and does not write to.

        Args:
            arrays: What `to_arrays` gave.
            synonyms: What counts as the same word; those it was made with.
            options: The other arguments of the column.

        Raises:
            StoreError: The arrays were made with other synonyms or by another version; build the column anew.
        """
        column = cls(synonyms, **options)
        made_by, expected = arrays["made_by"].tobytes(), text_version(synonyms)
        if made_by != expected:
            raise StoreError(
                f"the text index was made by {made_by!r}; expected {expected!r}; delete it to have it "
                "rebuilt from the log"
            )
        column._segments = list(segments_of(arrays))
        tail = {
            name.removeprefix("tail."): array for name, array in arrays.items() if name.startswith("tail.")
        }
        column._tail = TextTail.from_arrays(tail, synonyms)
        column._absent.extend(arrays["absent"])
        column._similar_words = SimilarWords.from_array(arrays["spellings"])
        return column

    def _seal(self) -> None:
        """Make the tail a segment, and one of the small segments at the end once they have rows enough."""
        self._segments.append(self._tail.sealed())
        self._tail = TextTail(self._synonyms)
        small = [segment for segment in self._segments if len(segment) < self._segment_rows]
        if sum(map(len, small)) >= self._segment_rows:
            self._segments[-len(small) :] = [TextSegment.merged(small)]

    def _terms(self, text: str) -> list[str]:
        return self._synonyms.apply(words(text))

    def _parts(self) -> list[_Part]:
        return [*self._segments, self._tail]

    def _n_visible(self, visible: Mask | None) -> int:
        absent = self._absent.items
        if visible is None:
            return len(self) - len(absent)
        return int(np.count_nonzero(visible)) - int(np.count_nonzero(visible[absent]))

    def _frequencies(self, terms: tuple[str, ...], visible: Mask | None) -> npt.NDArray[np.int64]:
        """(t,) in how many visible texts each term occurs."""
        codes = codes_of(terms)
        result = np.zeros(len(terms), np.int64)
        first = 0
        for part in self._parts():
            seen = None if visible is None else visible[first : first + len(part)]
            if seen is None or seen.all():
                result += part.frequencies(terms, codes, None)
            elif seen.any():
                result += part.frequencies(terms, codes, seen)
            first += len(part)
        return result

    def _alike(self, word: str, visible: Mask | None) -> list[tuple[float, str]]:
        """Visible words spelt like this one, the most alike first, with how many letters they share."""
        close = self._similar_words.alike(word)
        found: list[tuple[float, str]] = []
        while close and len(found) < MAX_LIKE:
            some, close = close[:MAX_LIKE], close[MAX_LIKE:]
            frequencies = self._frequencies(tuple(other for _, other in some), visible)
            found += [pair for pair, frequency in zip(some, frequencies, strict=True) if frequency]
        return found[:MAX_LIKE]

    def _split(self, rows: Rows) -> Iterator[tuple[_Part, Rows]]:
        """Each part with those of these rows that are in it, numbered from its first."""
        first = done = 0
        for part in self._parts():
            end = first + len(part)
            stop = int(np.searchsorted(rows, end))
            yield part, rows[done:stop] - first
            first, done = end, stop


def text_version(synonyms: Synonyms) -> bytes:
    """What says whether saved texts can be searched with these synonyms by this version."""
    return f"text 1, words {WORDS_VERSION}, synonyms {synonyms.digest}".encode()


def _covered_at(part: _Part, query: TextQuery, rows: Rows) -> Floats:
    """Row by row, or where that is dearer all of them at once."""
    if 2 * len(rows) > len(part) or len(rows) * len(query.terms) > MAX_CELLS:
        return part.covered(query)[rows]
    return query.covered(part.counts_at(query, rows), part.lengths_at(rows))
