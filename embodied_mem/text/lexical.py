"""Lexical similarity in [0, 1], meaning the same for every query: how much of a text a document covers.

The similarity is the sum, over the query's terms that a document holds, of a rarity weight times a saturating
term frequency, divided by the same sum for a document that is the query itself. It follows BM25 (k1 = 1.2)
with four departures. Nothing is divided by the best hit, so 0.3 means as little for one query as for
another. Length is compared with the query's own and counts mildly, so a similarity does not depend on what
else is stored. Rarity is ln(1 + n/df) and never nears 0, so that five texts about one ball do not make "ball"
worthless. Since rarity in a small memory cannot tell "is" from "ball", words such as "is" count three tenths
of what their rarity says (`embodied_mem.text.function_words`): shares from 0.1 to 0.4 brought the first right
text nearer to the top on the tuning queries (docs/retrieval.md). A query of such words alone still finds
texts.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log
from operator import itemgetter
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.text.function_words import function_words
from embodied_mem.text.postings import MAX_COUNT, Arrays, Block, Mask, Places, Tail, Unsigned
from embodied_mem.text.similar_words import SimilarWords
from embodied_mem.text.synonyms import NO_SYNONYMS, Synonyms
from embodied_mem.text.words import WORDS_VERSION, words

K1 = 1.2
LENGTH_PENALTY = 0.3  # per e-fold of a document's length over the query's
MAX_LIKE = 3  # stored words that stand for an unknown one
FUNCTION_WORD_WEIGHT = 0.3
ROUNDING = 1e-12

BLOCK_ROWS = 16_384  # texts that are packed together
CELLS = 16_384  # places compared at once, which stay in the processor's cache
MAX_SHARE = 0.5  # of all rows that are compared by themselves; more are dearer than all

Floats: TypeAlias = npt.NDArray[np.float64]
Rows: TypeAlias = npt.NDArray[np.int64]
_Found: TypeAlias = Sequence[tuple[float, Places]]  # how alike, and where it occurs


class LexicalIndex:
    """One field of many documents, in the order in which they are added.

    Args:
        synonyms: What counts as the same word.
        block_rows: How many documents are packed together; at most 65,536.
    """

    def __init__(self, synonyms: Synonyms = NO_SYNONYMS, *, block_rows: int = BLOCK_ROWS) -> None:
        self._synonyms = synonyms
        self._block_rows = block_rows
        self._blocks: list[Block] = []
        self._tail = Tail()
        self._absent = array("q")  # rows without a text
        self._spellings = SimilarWords()

    def __len__(self) -> int:
        return sum(map(len, self._parts()))

    @property
    def form(self) -> str:
        """How the texts are kept: as words."""
        return "words"

    @property
    def nbytes(self) -> int:
        """Memory taken, estimated where Python objects are held."""
        return sum(part.nbytes for part in (*self._parts(), self._spellings)) + 8 * len(self._absent)

    def add(self, text: str) -> int:
        """Append a document and give its row, from 0."""
        self.extend([text])
        return len(self) - 1

    def extend(self, texts: Sequence[str | None]) -> None:
        """Append a row for each text; None makes a row that is not counted as a document."""
        for row, text in enumerate(texts, len(self)):
            if text is None:
                self._absent.append(row)
            self._spellings.add(self._tail.append(self._terms(text or "")))
            if len(self._tail) >= self._block_rows:
                self._blocks.append(Block.of(self._tail))
                self._tail = Tail()

    def similarities(self, text: str, visible: Mask | None = None, rows: Rows | None = None) -> Floats:
        """How much of the text each document covers.

        Args:
            text: What to look for; an empty text covers nothing.
            visible: (n,) which documents exist for this query. Rarity is counted over those alone, so that
                documents added later or withdrawn change nothing. None means all.
            rows: (m,) ascending, the documents to compare; None means all.

        Returns:
            (n,) or (m,) float64 in [0, 1]; 1 for a document with the query's own words, 0 where nothing is
            shared or the document is not visible.
        """
        terms = self._terms(text)
        n_visible = self._n_visible(visible)
        if not terms or not n_visible:
            return np.zeros(len(self) if rows is None else len(rows))
        lookups = self._lookups(visible)
        wanted, total = self._wanted(terms, n_visible, lookups)
        if rows is None or len(rows) > MAX_SHARE * len(self):
            covered = np.concatenate([lookup.covered(wanted, terms.total()) for lookup in lookups])
            covered = covered if rows is None else covered[rows]
        else:
            covered = _covered_at(rows, lookups, wanted, terms.total())
        covered /= total
        covered[covered > 1.0 - ROUNDING] = 1.0
        if visible is not None:
            covered[~(visible if rows is None else visible[rows])] = 0.0
        return covered

    def to_arrays(self) -> Arrays:
        """What a snapshot keeps of it, as numbers."""
        arrays = {f"tail.{name}": array for name, array in self._tail.to_arrays().items()}
        for number, block in enumerate(self._blocks):
            arrays |= {f"{number}.{name}": array for name, array in block.to_arrays().items()}
        arrays["absent"] = np.array(self._absent, np.int64)
        arrays["spellings"] = self._spellings.to_array()
        return arrays

    @classmethod
    def from_arrays(
        cls, arrays: Arrays, synonyms: Synonyms = NO_SYNONYMS, *, block_rows: int = BLOCK_ROWS
    ) -> Self:
        """The index of these arrays, which it keeps and does not write to.

        Args:
            arrays: What `to_arrays` gave; `made_by` says whether that was with these synonyms.
            synonyms: What counts as the same word.
            block_rows: As of the index that the arrays are from.
        """
        index = cls(synonyms, block_rows=block_rows)
        while f"{len(index._blocks)}.codes" in arrays:
            index._blocks.append(Block.from_arrays(_inside(arrays, f"{len(index._blocks)}.")))
        index._tail = Tail.from_arrays(_inside(arrays, "tail."))
        index._absent.frombytes(arrays["absent"].astype(np.int64).tobytes())
        index._spellings = SimilarWords.from_array(arrays["spellings"])
        return index

    def _parts(self) -> "list[Block | Tail]":
        return [*self._blocks, self._tail]

    def _terms(self, text: str) -> Counter[str]:
        counts = Counter(self._synonyms.apply(words(text)))
        if counts.total() > MAX_COUNT:  # some characters stand for several
            counts = Counter({term: min(count, MAX_COUNT) for term, count in counts.items()})
        return counts

    def _n_visible(self, visible: Mask | None) -> int:
        absent = np.array(self._absent, np.int64)
        if visible is None:
            return len(self) - len(absent)
        return int(np.count_nonzero(visible)) - int(np.count_nonzero(visible[absent]))

    def _lookups(self, visible: Mask | None) -> "list[_Lookup]":
        result, first = [], 0
        for part in self._parts():
            seen = None if visible is None else visible[first : first + len(part)]
            result.append(_Lookup(part, first, None if seen is None or seen.all() else seen))
            first += len(part)
        return result

    def _wanted(
        self, terms: Counter[str], n_visible: int, lookups: "Sequence[_Lookup]"
    ) -> "tuple[list[_Wanted], float]":
        """The query's words in the order in which their shares are added up, and the sum of their weights."""
        n_rows = _n_rows(lookups, list(terms))
        weights = np.log1p(n_visible / np.maximum(n_rows, 1)) * (n_rows > 0)
        weights *= np.array([meaning(term) for term in terms])
        known = [
            _Wanted(weight, (count + K1) / count, [(1.0, term)])
            for (term, count), weight in zip(terms.items(), weights.tolist(), strict=True)
            if weight
        ]
        # An unknown word counts as middling rare: a rare one would drown the rest, a common one say nothing.
        unknown = [
            _Wanted(log(1 + n_visible**0.5) * meaning(term), (count + K1) / count, self._alike(term, lookups))
            for (term, count), n in zip(terms.items(), n_rows.tolist(), strict=True)
            if not n
        ]
        total = 0.0
        for word in (*known, *unknown):  # one by one, so that words that nobody has yet change no last bit
            total += word.weight
        return [*known, *unknown], total

    def _alike(self, word: str, lookups: "Sequence[_Lookup]") -> list[tuple[float, str]]:
        """Visible words spelt like this one, the most alike first, with how many letters they share."""
        close = self._spellings.alike(word)
        found: list[tuple[float, str]] = []
        while close and len(found) < MAX_LIKE:
            some, close = close[:MAX_LIKE], close[MAX_LIKE:]
            n_rows = _n_rows(lookups, [other for _, other in some])
            found += [pair for pair, n in zip(some, n_rows.tolist(), strict=True) if n]
        return found[:MAX_LIKE]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A word of a query.

    Attributes:
        weight: What a full share of it adds.
        factor: What makes the share of a text that has it as often as the query, and is as short, 1.
        terms: Stored terms that stand for it, each with how alike it is; the best of them counts.
    """

    weight: float
    factor: float
    terms: Sequence[tuple[float, str]]


class _Lookup:
    """One query to one block or tail.

    Args:
        part: The block or tail.
        first: The row of the index that its first row is.
        visible: (n,) which of its rows exist for this query; None means all.
    """

    def __init__(self, part: Block | Tail, first: int, visible: Mask | None) -> None:
        self._part = part
        self._first = first
        self._visible = visible
        self._places: dict[str, Places] = {}  # of the terms asked for so far

    def n_rows(self, terms: Sequence[str]) -> list[int]:
        """(t,) how many visible rows have each of these terms."""
        found = self._part.find(terms)
        self._places |= found
        return [found[term].n_visible(self._visible) if term in found else 0 for term in terms]

    def covered(self, wanted: Sequence[_Wanted], n_terms: int) -> Floats:
        """(n,) the weights that its rows cover, added up in the order of the query's words.

        Args:
            wanted: The words of the query, whose terms were all asked for.
            n_terms: How many terms it has, repeated ones included.
        """
        n = len(self._part)
        damping, sums = _damping(self._part.lengths, n_terms), np.zeros(n)
        for batch, group in groupby(self._found(wanted), itemgetter(0)):
            found = [(word, held) for _, word, held in group]
            if batch is not None:
                _add_rare([(word, places.values) for word, [(_, places)] in found], sums, damping)
                continue
            for word, held in found:
                _add(word, [(alike, places.counts(n)) for alike, places in held], sums, damping)
        return sums

    def part_of(self, rows: Rows) -> Rows:
        """Those of the rows of the index, ascending, that are here, counted from the first one here."""
        start, stop = np.searchsorted(rows, (self._first, self._first + len(self._part))).tolist()
        return rows[start:stop] - self._first

    def counts(self, term: str, here: Rows) -> Unsigned:
        """(m,) how often some of its rows have a term."""
        if not len(here) or term not in self._places:
            return np.zeros(len(here), np.uint8)
        return self._places[term].counts(len(self._part))[here]

    def lengths(self, here: Rows) -> Unsigned:
        """(m,) how many terms some of its rows have."""
        return self._part.lengths[here]

    def _found(self, wanted: Sequence[_Wanted]) -> Iterator[tuple[int | None, _Wanted, _Found]]:
        """The words that are here, with where; equal numbers are compared at once, None one by one."""
        n_places = 0
        for word in wanted:
            found = [(alike, self._places[term]) for alike, term in word.terms if term in self._places]
            if found and (len(word.terms) > 1 or word.terms[0][0] < 1.0 or found[0][1].is_common):
                yield None, word, found
            elif found:
                n_places += found[0][1].n_rows
                yield n_places // CELLS, word, found


def _covered_at(rows: Rows, lookups: Sequence[_Lookup], wanted: Sequence[_Wanted], n_terms: int) -> Floats:
    """(m,) the weights that some rows of an index, ascending, cover."""
    parts = [(lookup, lookup.part_of(rows)) for lookup in lookups]
    damping = _damping(np.concatenate([lookup.lengths(here) for lookup, here in parts]), n_terms)
    sums = np.zeros(len(rows))
    for word in wanted:
        found = [
            (alike, np.concatenate([lookup.counts(term, here) for lookup, here in parts]))
            for alike, term in word.terms
        ]
        _add(word, found, sums, damping)
    return sums


def _add_rare(found: Sequence[tuple[_Wanted, Unsigned]], sums: Floats, damping: Floats) -> None:
    """Add what is covered of words, given the places where each occurs."""
    values = np.concatenate([values for _, values in found])
    rows = (values >> 16).astype(np.int64)
    factors = [[word.factor for word, _ in found], [word.weight for word, _ in found]]
    factor, weight = np.repeat(factors, [len(values) for _, values in found], axis=1)
    shares = _shares((values & MAX_COUNT).astype(np.float64), damping[rows], factor)
    shares *= weight
    np.add.at(sums, rows, shares)


def _add(word: _Wanted, found: Sequence[tuple[float, Unsigned]], sums: Floats, damping: Floats) -> None:
    """Add what is covered of a word, given how often each row has the terms that stand for it."""
    best: Floats | None = None
    for alike, counts in found:
        share = _shares(counts.astype(np.float64), damping.copy(), word.factor)
        if alike < 1.0:
            share *= alike
        best = share if best is None else np.maximum(best, share, out=best)
    if best is not None:
        best *= word.weight
        sums += best


def _shares(counts: Floats, damping: Floats, factor: Floats | float) -> Floats:
    """The shares of a term that are covered by rows that have it so often; `damping` is written over."""
    damping += counts
    np.divide(counts, damping, out=damping)
    damping *= factor
    return np.minimum(damping, 1.0, out=damping)


def _damping(lengths: Unsigned, n_terms: int) -> Floats:
    """(m,) k1 with the length of each row in it, for a query of so many terms."""
    longest = int(lengths.max(initial=0))
    if longest + 1 < len(lengths):  # few lengths, many rows
        result: Floats = _damping(np.arange(longest + 1, dtype=np.uint32), n_terms)[lengths]
        return result
    ratio = lengths.astype(np.float64) / n_terms
    return K1 * (1 + LENGTH_PENALTY * np.log(np.maximum(ratio, 1.0)))


def _n_rows(lookups: Sequence[_Lookup], terms: Sequence[str]) -> Rows:
    """(t,) how many visible rows of the index have each of these terms."""
    return np.array(list(map(sum, zip(*(lookup.n_rows(terms) for lookup in lookups), strict=True))))


def meaning(term: str) -> float:
    """How much of its rarity a term counts."""
    return FUNCTION_WORD_WEIGHT if term in function_words() else 1.0


def made_by(synonyms: Synonyms) -> str:
    """What says whether the arrays of an index can be searched with these synonyms by this version."""
    return f"lexical 2, words {WORDS_VERSION}, synonyms {synonyms.digest}"


def _inside(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
