"""Lexical similarity in [0, 1], comparable between queries: the share of the query that a document covers.

The similarity is the sum of rarity weight times saturating term frequency over the query's terms in a
document, divided by the same sum for a document equal to the query. It follows BM25 (k1 = 1.2) with four
changes. It is not divided by the best hit, so 0.3 means the same for every query. A document's length is
compared with the query's and has a small weight, so a similarity does not depend on other documents. Rarity
is ln(1 + n/df) and never near 0, so that "ball" keeps its weight in five texts about one ball. In a small
memory rarity cannot distinguish "is" from "ball", so function words count 0.3 of their rarity
(`embodied_mem.text.function_words`): factors from 0.1 to 0.4 ranked the first right text higher on the tuning
queries (docs/retrieval.md). A query of function words alone still finds texts. Symbols only order
texts that cover the same share of the query's words, unless it has none.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from math import log
from typing import NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.text.function_words import function_words
from embodied_mem.text.postings import (
    MAX_COUNT,
    Arrays,
    Block,
    Lookup,
    Mask,
    Rows,
    Tail,
    Unsigned,
    as_lines,
    from_lines,
)
from embodied_mem.text.similar_words import SimilarWords
from embodied_mem.text.synonyms import NO_SYNONYMS, Synonyms
from embodied_mem.text.words import WORDS_VERSION, symbols, words

K1 = 1.2
LENGTH_PENALTY = 0.3  # per e-fold of a document's length over the query's
MAX_LIKE = 3  # similar stored words that replace an unknown one
FUNCTION_WORD_WEIGHT = 0.3
SYMBOL_SHARE = 1e-7  # of a similarity by words, lost if a document has none of the query's symbols
ROUNDING = 1e-12

BLOCK_ROWS = 32_768  # documents per block
WORDS_AT_ONCE = 8  # rare words added per batch
MAX_SHARE = 0.5  # share of rows above which comparing all is faster than comparing some

Floats: TypeAlias = npt.NDArray[np.float64]


class LexicalIndex:
    """An inverted index over one text field; rows are numbered in insertion order.

    Args:
        synonyms: Synonyms that are treated as the same word.
        block_rows: Documents per packed block; at most 65,536.
    """

    def __init__(self, synonyms: Synonyms = NO_SYNONYMS, *, block_rows: int = BLOCK_ROWS) -> None:
        self._synonyms = synonyms
        self._block_rows = block_rows
        self._blocks: list[Block] = []
        self._tail = Tail()
        self._absent = array("q")  # rows without a text
        self._spellings = SimilarWords()

    def __len__(self) -> int:
        return sum(map(len, self._blocks)) + len(self._tail)

    @property
    def form(self) -> str:
        """The form of the snapshot: always `words`."""
        return "words"

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        parts = sum(block.nbytes for block in self._blocks) + self._tail.nbytes
        return parts + self._spellings.nbytes + self._absent.itemsize * len(self._absent)

    def add(self, text: str) -> int:
        """Append a document; return its row, from 0."""
        self.extend([text])
        return len(self) - 1

    def extend(self, texts: Sequence[str | None]) -> None:
        """Append a row for each text; a row with None is not a document."""
        for row, text in enumerate(texts, len(self)):
            if text is None:
                self._absent.append(row)
            counts, marks = self._terms(text or "")
            self._spellings.add(self._tail.append({**counts, **dict.fromkeys(marks, 1)}, counts.total()))
            if len(self._tail) >= self._block_rows:
                self._blocks.append(Block.of(self._tail))
                self._tail = Tail()

    def similarities(self, text: str, visible: Mask | None = None, rows: Rows | None = None) -> Floats:
        """Return the share of the query text that each document covers.

        Args:
            text: The query text; an empty one gives 0.
            visible: (n,) which documents exist for this query. Rarity is counted over them alone, so that
                documents added later or withdrawn have no effect. None: all.
            rows: (m,) ascending, the documents to compare; None: all.

        Returns:
            (n,) or (m,) float64 in [0, 1]; 1 for a document with exactly the query's words, 0 if no word is
            shared or the document is not visible.
        """
        if rows is not None and len(rows) > MAX_SHARE * len(self):
            return self.similarities(text, visible)[rows]
        (terms, marks), n_visible = self._terms(text), self._n_visible(visible)
        asked = terms or Counter(marks)
        if not asked or not n_visible:
            return np.zeros(len(self) if rows is None else len(rows))
        lookups = self._lookups(visible)
        question = _Question(asked.total(), self._wanted(asked, n_visible, lookups))
        if rows is None:
            result = np.concatenate([_compare_all(lookup, question) for lookup in lookups])
        else:
            result = _compare_some([(lookup, lookup.own(rows)) for lookup in lookups], question)
        if terms and marks:
            result *= 1 - SYMBOL_SHARE * _missing(marks, lookups, n_visible, rows)
        return result if visible is None else result * (visible if rows is None else visible[rows])

    def to_arrays(self) -> Arrays:
        """Return the numeric arrays of a snapshot."""
        arrays = {f"tail.{name}": array for name, array in self._tail.to_arrays().items()}
        for number, block in enumerate(self._blocks):
            arrays |= {f"{number}.{name}": array for name, array in block.to_arrays().items()}
        arrays["absent"] = np.array(self._absent, np.int64)
        arrays["spellings"] = as_lines(self._spellings)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays, synonyms: Synonyms = NO_SYNONYMS) -> Self:
        """Load an index from arrays, which it references and does not modify.

        Args:
            arrays: The result of `to_arrays`; store `made_by` with them to check that they are usable.
            synonyms: The synonyms that the index was built with.
        """
        index = cls(synonyms)
        while f"{len(index._blocks)}.codes" in arrays:
            index._blocks.append(Block.from_arrays(_beginning(arrays, f"{len(index._blocks)}.")))
        index._tail = Tail.from_arrays(_beginning(arrays, "tail."))
        index._absent = array("q", arrays["absent"].tolist())
        index._spellings = SimilarWords(from_lines(arrays["spellings"]))
        return index

    def _terms(self, text: str) -> tuple[Counter[str], list[str]]:
        """Return the counts of a text's words, and its symbols."""
        counts = Counter(self._synonyms.apply(words(text)))
        if counts.total() > MAX_COUNT:  # NFKC expands some characters to several
            counts = Counter({term: min(count, MAX_COUNT) for term, count in counts.items()})
        return counts, symbols(text)

    def _n_visible(self, visible: Mask | None) -> int:
        if visible is None:
            return len(self) - len(self._absent)
        absent = np.array(self._absent, np.int64)
        return int(np.count_nonzero(visible)) - int(np.count_nonzero(visible[absent]))

    def _lookups(self, visible: Mask | None) -> list[Lookup]:
        result: list[Lookup] = []
        parts: list[Block | Tail] = [*self._blocks, self._tail]
        first = 0
        for part in parts:
            result.append(Lookup(part, first, visible))
            first += len(part)
        return result

    def _wanted(self, terms: Counter[str], n_visible: int, lookups: Sequence[Lookup]) -> "list[_Wanted]":
        """Return the query's words in summation order: known words first."""
        n_rows = _n_rows(lookups, list(terms))
        # An unknown word gets medium rarity: high rarity would dominate the rest, low rarity have no effect.
        rarity = np.where(n_rows, np.log1p(n_visible / np.maximum(n_rows, 1)), log(1 + n_visible**0.5))
        weights = (rarity * [meaning(term) for term in terms]).tolist()
        found = sorted(
            zip(n_rows.tolist(), weights, terms.items(), strict=True), key=lambda word: not word[0]
        )
        return [
            _Wanted(weight, (count + K1) / count, [(1.0, term)] if n else self._alike(term, lookups))
            for n, weight, (term, count) in found
        ]

    def _alike(self, word: str, lookups: Sequence[Lookup]) -> list[tuple[float, str]]:
        """Return (likeness, word) of visible words with a similar spelling, the most alike first."""
        close = self._spellings.alike(word)
        found: list[tuple[float, str]] = []
        while close and len(found) < MAX_LIKE:
            some, close = close[:MAX_LIKE], close[MAX_LIKE:]
            n_rows = _n_rows(lookups, [other for _, other in some])
            found += [pair for pair, n in zip(some, n_rows.tolist(), strict=True) if n]
        return found[:MAX_LIKE]


class _Wanted(NamedTuple):
    """A word of a query.

    Attributes:
        weight: What full coverage of the word adds.
        factor: Scales the share to 1 for a text that has the word as often as the query and is no longer.
        terms: (likeness, stored term) that match the word; the best of them counts.
    """

    weight: float
    factor: float
    terms: Sequence[tuple[float, str]]

    @property
    def only_term(self) -> str | None:
        """The term, if the word itself is stored."""
        return self.terms[0][1] if len(self.terms) == 1 and self.terms[0][0] == 1.0 else None


class _Question(NamedTuple):
    """A query: its number of words, repeated ones included, and its terms in summation order."""

    n_terms: int
    wanted: Sequence[_Wanted]

    def similarities(self, covered: Floats) -> Floats:
        """Return (m,) covered weights divided by their total; values within rounding of 1 become 1."""
        total = 0.0
        for word in self.wanted:  # one by one: words that no text has must not change the last bits
            total += word.weight
        covered /= total
        covered[covered > 1.0 - ROUNDING] = 1.0
        return covered


def _compare_all(lookup: Lookup, question: _Question) -> Floats:
    """Return (n,) similarities of all rows of a block or tail."""
    covered = np.zeros(len(lookup))
    if not lookup.places:
        return covered
    damping = _damping(lookup.lengths(), question.n_terms)
    for start in range(0, len(question.wanted), WORDS_AT_ONCE):
        words_at_once = question.wanted[start : start + WORDS_AT_ONCE]
        for is_rare, group in groupby(words_at_once, lambda word: lookup.is_rare(word.only_term)):
            if is_rare:
                _add_rare(list(group), lookup, damping, covered)
                continue
            for word in group:
                counts = [(alike, lookup.counts(term)) for alike, term in word.terms if term in lookup.places]
                _add(word, counts, damping, covered)
    return question.similarities(covered)


def _compare_some(rows: Sequence[tuple[Lookup, Rows]], question: _Question) -> Floats:
    """Return (m,) similarities of some rows of each block and the tail."""
    lengths = np.concatenate([lookup.lengths()[here] for lookup, here in rows])
    damping = _damping(lengths, question.n_terms)
    covered = np.zeros(len(damping))
    for word in question.wanted:
        counts = [
            (alike, np.concatenate([lookup.counts(term)[here] for lookup, here in rows]))
            for alike, term in word.terms
        ]
        _add(word, counts, damping, covered)
    return question.similarities(covered)


def _missing(marks: Sequence[str], lookups: Sequence[Lookup], n_visible: int, rows: Rows | None) -> Floats:
    """Return (n,) or (m,) the share of symbols that each row lacks, weighted by their rarity."""
    weights = np.log1p(n_visible / np.maximum(_n_rows(lookups, marks), 1))
    weights /= weights.sum()
    parts = []
    for lookup in lookups:
        here = slice(None) if rows is None else lookup.own(rows)
        missing = np.zeros(len(lookup))[here]
        for mark, weight in zip(marks, weights.tolist(), strict=True):
            missing += weight * (lookup.counts(mark)[here] == 0)
        parts.append(missing)
    return np.concatenate(parts)


def _add(word: _Wanted, found: Sequence[tuple[float, Unsigned]], damping: Floats, covered: Floats) -> None:
    """Add the coverage of a word to each row, given the counts of the terms that match it."""
    best: Floats | None = None
    for alike, counts in found:
        share = _shares(counts, damping, word.factor)
        if alike < 1.0:
            share *= alike
        best = share if best is None else np.maximum(best, share, out=best)
    if best is not None:
        best *= word.weight
        covered += best


def _add_rare(wanted: Sequence[_Wanted], lookup: Lookup, damping: Floats, covered: Floats) -> None:
    """Add the coverage of rare words, processing only the rows that have them."""
    found = [lookup.places[str(word.only_term)].values for word in wanted]
    values, sizes = np.concatenate(found), list(map(len, found))
    rows = (values >> 16).astype(np.int64)
    factors = np.repeat([word.factor for word in wanted], sizes)
    shares = _shares(values & MAX_COUNT, damping[rows], factors)
    shares *= np.repeat([word.weight for word in wanted], sizes)
    np.add.at(covered, rows, shares)


def _shares(counts: npt.NDArray[np.integer], damping: Floats, factor: Floats | float) -> Floats:
    """Return (m,) the share in [0, 1] of a word that rows cover, given its counts."""
    wide = counts.astype(np.float64)
    shares = wide + damping
    np.divide(wide, shares, out=shares)
    shares *= factor
    return np.minimum(shares, 1.0, out=shares)


def _damping(lengths: Unsigned, n_terms: int) -> Floats:
    """Return (m,) BM25's k1 scaled by each row's length, for a query of so many terms."""
    longest = int(lengths.max(initial=0))
    has_few = longest < len(lengths)  # few lengths, many rows
    ratio = (np.arange(longest + 1) if has_few else lengths) / n_terms
    result: Floats = K1 * (1 + LENGTH_PENALTY * np.log(np.maximum(ratio, 1.0)))
    return result[lengths] if has_few else result


def _n_rows(lookups: Sequence[Lookup], terms: Sequence[str]) -> Rows:
    """Return (t,) the number of visible rows that have each term."""
    n_rows: Rows = np.array([lookup.n_rows(terms) for lookup in lookups]).sum(axis=0)
    return n_rows


def meaning(term: str) -> float:
    """Return the factor of a term's rarity: 0.3 for function words, otherwise 1."""
    return FUNCTION_WORD_WEIGHT if term in function_words() else 1.0


def made_by(synonyms: Synonyms) -> str:
    """Return an identifier of version and synonyms; saved arrays are usable only if it is equal."""
    return f"lexical 2, words {WORDS_VERSION}, synonyms {synonyms.digest}"


def _beginning(arrays: Arrays, prefix: str) -> Arrays:
    """Return the arrays whose names have a prefix, by name without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
