"""What a text asks of a text column, worked out once: which terms, how rare, and how each counts."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from math import ceil

import numpy as np
import numpy.typing as npt

from embodied_mem.lexical import K1, LENGTH_PENALTY

BOUND_UNITS = 60_000
MAX_BOUNDED_WORDS = 5_000  # each may be rounded up by a unit, and two bytes hold 65,535

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint64]
Lengths = npt.NDArray[np.unsignedinteger]
Counts = npt.NDArray[np.uint32]  # (t, n) how often each of n rows has each term of a query


@dataclass(frozen=True, slots=True)
class Wanted:
    """One word of a query and the stored terms that stand for it.

    Attributes:
        weight: What a full share of it adds.
        count: How often the query has it.
        terms: (likeness, number of the term in `TextQuery.terms`); the best of them counts.
    """

    weight: float
    count: int
    terms: tuple[tuple[float, int], ...]

    def covered(self, counts: Counts, damping: Floats) -> Floats:
        """(n,) the share of it that each row covers.

        Args:
            counts: (t, n) how often each row has each term of the query.
            damping: (n,) of the rows.
        """
        best: Floats | None = None
        for likeness, term in self.terms:
            share = shares(counts[term].astype(np.float64), damping, self.count)
            if likeness != 1.0:
                share *= likeness
            best = share if best is None else np.maximum(best, share, out=best)
        return np.zeros(len(damping)) if best is None else best


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A query against the texts that are visible to it.

    Attributes:
        length: How many terms it has, repeated ones included.
        terms: Stored terms that it looks at, each once.
        codes: (t,) their codes.
        wanted: Its words in the order in which their shares are added up.
        total: The sum of the weights, which a text with all of them reaches.
        n_postings: In how many places its own words occur, visible or not.
    """

    length: int
    terms: tuple[str, ...]
    codes: Codes
    wanted: tuple[Wanted, ...]
    total: float
    n_postings: int

    @property
    def has_few_words(self) -> bool:
        """Whether bounds can be added up in two bytes a row."""
        return len(self.wanted) <= MAX_BOUNDED_WORDS

    def units(self, weight: float) -> int:
        """A weight in whole units of which a text with every word has 60,000, rounded up."""
        return ceil(weight / self.total * BOUND_UNITS)

    def covered(self, counts: Counts, lengths: Lengths) -> Floats:
        """(n,) the weights that rows cover, summed in the order of the query's words.

        Args:
            counts: How often each row has each term.
            lengths: (n,) how many terms each row has, repeated ones included.
        """
        damping = self.damping(lengths)
        result = np.zeros(len(lengths))
        for wanted in self.wanted:
            share = wanted.covered(counts, damping)
            share *= wanted.weight
            result += share
        return result

    def damping(self, lengths: Lengths) -> Floats:
        """(n,) k1 with the length of each text in it (see `embodied_mem.lexical`)."""
        longest = int(lengths.max(initial=0))
        if longest >= len(lengths):
            return _damping(lengths, self.length)
        return _damping(np.arange(longest + 1), self.length)[lengths]


def shares(counts: Floats, damping: Floats, own: int) -> Floats:
    """(n,) how much of a term that the query has `own` times is covered by texts that have it so often."""
    result = counts + damping
    np.divide(counts, result, out=result)
    result *= (own + K1) / own
    return np.minimum(result, 1.0, out=result)


def codes_of(terms: "tuple[str, ...] | list[str]") -> Codes:
    """(t,) 64 bits for each term, the same in every process."""
    return np.fromiter(map(_code, terms), np.uint64, len(terms))


@lru_cache(maxsize=16_384)
def _code(term: str) -> int:
    return int.from_bytes(blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _damping(lengths: npt.NDArray[np.integer], query_length: int) -> Floats:
    ratio = lengths.astype(np.float64) / query_length
    result: Floats = K1 * (1 + LENGTH_PENALTY * np.log(np.maximum(ratio, 1.0)))
    return result
