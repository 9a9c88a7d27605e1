"""Lexical similarity in [0, 1], meaning the same for every query: how much of a text a document covers.

The similarity is the sum, over the query's terms that a document holds, of a rarity weight times a saturating
term frequency, divided by the same sum for a document that is the query itself. It follows BM25 (k1 = 1.2)
with four departures. Nothing is divided by the best hit, so 0.3 means as little for one query as for
another. Length is compared with the query's own and counts mildly, so a similarity does not depend on what
else is stored. Rarity is ln(1 + n/df) and never nears 0, so that five texts about one ball do not make "ball"
worthless. Since rarity in a small memory cannot tell "is" from "ball", words such as "is" count three tenths
of what their rarity says (`embodied_mem.function_words`): shares from 0.1 to 0.4 brought the first right
text nearer to the top on the tuning queries (docs/retrieval.md). A query of such words alone still finds
texts.

`LexicalIndex` says what the similarity is, in its simplest form. What a store searches with is
`embodied_mem.index.text.TextColumn`, which gives the same numbers, bit by bit.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log

import numpy as np
import numpy.typing as npt

from embodied_mem.function_words import function_words
from embodied_mem.synonyms import NO_SYNONYMS, Synonyms
from embodied_mem.words import words

K1 = 1.2
LENGTH_PENALTY = 0.3  # per e-fold of a document's length over the query's
MIN_LIKENESS = 0.6  # of the letters of an unknown word and a stored one
MAX_LIKE = 3
FUNCTION_WORD_WEIGHT = 0.3
ROUNDING = 1e-12

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


def as_shares(covered: Floats, total: float) -> Floats:
    """(n,) the weights that are covered as shares of all; what all but roundings are covered of is 1."""
    covered /= total
    covered[covered > 1.0 - ROUNDING] = 1.0
    return covered


@dataclass(slots=True)
class _Postings:
    """Where a term occurs: row numbers ascending, and how often."""

    rows: "array[int]" = field(default_factory=lambda: array("i"))
    counts: "array[float]" = field(default_factory=lambda: array("d"))


class LexicalIndex:
    """An inverted index over one field of many documents, in the order they are added.

    Args:
        synonyms: What counts as the same word.
    """

    def __init__(self, synonyms: Synonyms = NO_SYNONYMS) -> None:
        self._synonyms = synonyms
        self._postings: dict[str, _Postings] = {}
        self._by_trigram: dict[str, list[str]] = {}
        self._lengths = array("d")

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, text: str) -> int:
        """Append a document and give its row, from 0."""
        row = len(self._lengths)
        terms = self._terms(text)
        for term, count in terms.items():
            if term not in self._postings:
                self._postings[term] = _Postings()
                for trigram in trigrams(term):
                    self._by_trigram.setdefault(trigram, []).append(term)
            self._postings[term].rows.append(row)
            self._postings[term].counts.append(count)
        self._lengths.append(sum(terms.values()))
        return row

    def similarities(self, text: str, visible: Mask | None = None) -> Floats:
        """How much of the text each document covers.

        Args:
            text: What to look for; an empty text covers nothing.
            visible: (n,) which documents exist for this query. Rarity is counted over those alone, so that
                documents added later or withdrawn change nothing. None means all.

        Returns:
            (n,) float64 in [0, 1]; 1 for a document with the query's own words, 0 where nothing is shared or
            the document is not visible.
        """
        terms = self._terms(text)
        n_visible = len(self) if visible is None else int(np.count_nonzero(visible))
        if not terms or not n_visible:
            return np.zeros(len(self))
        known = [term for term in terms if term in self._postings]
        damping = self._damping(terms.total())
        rows, shares, lengths = self._occurrences([(term, terms[term]) for term in known], damping)
        frequencies = _frequencies(rows, lengths, visible)
        weights = np.log1p(n_visible / np.maximum(frequencies, 1)) * (frequencies > 0)
        weights *= np.array([meaning(term) for term in known])
        covered = np.zeros(len(self))
        covered += np.bincount(rows, weights=shares * np.repeat(weights, lengths), minlength=len(self))
        total = 0.0
        for weight in weights.tolist():  # one by one, so that words that nobody has yet change no last bit
            total += weight
        # An unknown word counts as middling rare: a rare one would drown the rest, a common one say nothing.
        unknown_weight = log(1 + n_visible**0.5)
        found = {term for term, frequency in zip(known, frequencies, strict=True) if frequency}
        for term in (term for term in terms if term not in found):
            weight = unknown_weight * meaning(term)
            covered += weight * self._like(term, terms[term], damping, visible)
            total += weight
        covered = as_shares(covered, total)
        return covered if visible is None else np.where(visible, covered, 0.0)

    def _terms(self, text: str) -> Counter[str]:
        return Counter(self._synonyms.apply(words(text)))

    def _occurrences(self, known: Sequence[tuple[str, int]], damping: Floats) -> tuple[Rows, Floats, Rows]:
        """Rows that hold each term, the share of the query's own saturation reached there, rows per term."""
        if not known:
            return np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.int32)
        postings = [self._postings[term] for term, _ in known]
        lengths = np.array([len(posting.rows) for posting in postings], dtype=np.int32)
        rows = np.concatenate([np.frombuffer(posting.rows, np.int32) for posting in postings])
        counts = np.concatenate([np.frombuffer(posting.counts, np.float64) for posting in postings])
        own = np.array([count for _, count in known], dtype=np.float64)
        shares = counts / (counts + damping[rows]) * np.repeat((own + K1) / own, lengths)
        return rows, np.minimum(shares, 1.0), lengths

    def _damping(self, query_length: int) -> Floats:
        """(n,) k1 with the length of each document in it."""
        ratio = np.frombuffer(self._lengths, np.float64) / query_length
        result: Floats = K1 * (1 + LENGTH_PENALTY * np.log(np.maximum(ratio, 1.0)))
        return result

    def _like(self, word: str, count: int, damping: Floats, visible: Mask | None) -> Floats:
        """(n,) how well the documents cover an unknown word through stored words spelt alike."""
        best = np.zeros(len(self))
        for likeness, known in self._alike(word, visible):
            rows, shares, _ = self._occurrences([(known, count)], damping)
            best[rows] = np.maximum(best[rows], likeness * shares)
        return best

    def _alike(self, word: str, visible: Mask | None) -> list[tuple[float, str]]:
        """Visible words spelt like this one, the most alike first, with how many letters they share."""
        letters = trigrams(word)
        shared = Counter(known for trigram in letters for known in self._by_trigram.get(trigram, ()))
        alike = [(2 * n / (len(letters) + len(trigrams(known))), known) for known, n in shared.items()]
        close = sorted(
            (pair for pair in alike if pair[0] >= MIN_LIKENESS), key=lambda pair: (-pair[0], pair[1])
        )
        return [pair for pair in close if self._is_visible(pair[1], visible)][:MAX_LIKE]

    def _is_visible(self, term: str, visible: Mask | None) -> bool:
        return visible is None or bool(visible[np.frombuffer(self._postings[term].rows, np.int32)].any())


def _frequencies(rows: Rows, lengths: Rows, visible: Mask | None) -> Rows:
    """In how many visible documents each term occurs."""
    if visible is None or not len(lengths):
        return lengths
    starts = np.cumsum(lengths) - lengths
    return np.add.reduceat(visible[rows], starts, dtype=np.int32)


def meaning(term: str) -> float:
    """How much of its rarity a term counts."""
    return FUNCTION_WORD_WEIGHT if term in function_words() else 1.0


def trigrams(word: str) -> frozenset[str]:
    """Letter triples of a word with its ends marked; none for numbers and short words."""
    if len(word) < 4 or not word.isalpha():
        return frozenset()
    marked = f"#{word}#"
    return frozenset(marked[i : i + 3] for i in range(len(marked) - 2))
