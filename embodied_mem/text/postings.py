"""Posting lists of terms: packed immutable blocks, and a growing tail."""

import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

MAX_COUNT = 65_535  # of a term in a text
COMMON_SHARE = 0.25  # share of a block's rows above which one count per row takes less memory

Unsigned: TypeAlias = npt.NDArray[np.unsignedinteger]
Mask: TypeAlias = npt.NDArray[np.bool_]
Rows: TypeAlias = npt.NDArray[np.int64]
Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]


class Places(NamedTuple):
    """The postings of a term in a block or tail.

    Attributes:
        values: (m,) `row << 16 | count` of each row with the term, ascending; for a common term (n,) its
            count in each row.
        n_rows: Number of rows with the term.
        is_common: Whether `values` are the counts of all rows.
    """

    values: Unsigned
    n_rows: int
    is_common: bool = False

    def counts(self, n: int) -> Unsigned:
        """Return (n,) the term's count in each row."""
        return self.values if self.is_common else _spread(self.values, n)

    def n_visible(self, visible: Mask | None) -> int:
        """Return the number of visible rows with the term; None: all rows are visible."""
        if visible is None:
            return self.n_rows
        seen = self.values * visible if self.is_common else visible[self.values >> 16]
        return int(np.count_nonzero(seen))


class Tail:
    """The newest texts, at most 65,536; more can be added."""

    def __init__(self) -> None:
        # Term -> `row << 16 | count` of each row with it. Most terms occur once, and an int takes a third of
        # the memory of an array with one item.
        self._places: dict[str, int | array[int]] = {}
        self._lengths = array("I")

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def lengths(self) -> Unsigned:
        """(n,) the number of words of each row, repeated ones included."""
        return np.array(self._lengths, np.uint32)

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        held = (*self._places, *self._places.values(), self._places, self._lengths)
        return sum(map(sys.getsizeof, held))

    def append(self, counts: Mapping[str, int], length: int) -> list[str]:
        """Append the row of a text.

        Args:
            counts: The count of each term, at most 65,535.
            length: The number of its words, repeated ones included.

        Returns:
            The terms that are new to the tail.
        """
        new = []
        places, row = self._places, len(self._lengths) << 16
        for term, count in counts.items():
            held = places.get(term)
            if isinstance(held, array):
                held.append(row | count)
            elif held is None:
                places[term] = row | count
                new.append(term)
            else:
                places[term] = array("I", (held, row | count))
        self._lengths.append(length)
        return new

    def find(self, terms: Iterable[str]) -> dict[str, Places]:
        """Return the postings by term; absent terms are omitted."""
        held = [(term, _values(self._places[term])) for term in terms if term in self._places]
        return {term: Places(values, len(values)) for term, values in held}

    def runs(self) -> tuple[list[str], list[npt.NDArray[np.uint32]]]:
        """Return all terms, and for each the ascending `row << 16 | count` of its rows."""
        return list(self._places), list(map(_values, self._places.values()))

    def to_arrays(self) -> Arrays:
        """Return the arrays by name; terms are UTF-8, one per line."""
        terms, runs = self.runs()
        return {
            "lengths": self.lengths,
            "terms": as_lines(terms),
            "sizes": np.fromiter(map(len, runs), np.uint32, len(runs)),
            "places": np.concatenate([np.zeros(0, np.uint32), *runs]),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Load a tail from arrays, which are copied."""
        tail = cls()
        tail._lengths = array("I", arrays["lengths"].tobytes())
        runs = np.split(arrays["places"], np.cumsum(arrays["sizes"]))
        for term, run in zip(from_lines(arrays["terms"]), runs, strict=False):
            tail._places[term] = array("I", run.tobytes()) if len(run) > 1 else int(run[0])
        return tail


@dataclass(frozen=True, slots=True)
class Block:
    """Packed, immutable texts, at most 65,536.

    Terms are stored as 64-bit codes, because millions of str objects take too much memory.

    Attributes:
        codes: (t,) codes of the terms, ascending.
        starts: (t + 1,) start of each term in `places`; a common term has no items there.
        places: Ascending `row << 16 | count` of the rows with a term, term after term.
        common: (c,) positions of the common terms in `codes`, ascending.
        n_rows: (c,) number of rows with each common term.
        counts: (c, n) count of each common term in each row.
        lengths: (n,) number of words of each row, repeated ones included.
    """

    codes: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.uint32]
    places: npt.NDArray[np.uint32]
    common: npt.NDArray[np.uint32]
    n_rows: npt.NDArray[np.uint32]
    counts: Unsigned
    lengths: Unsigned

    @classmethod
    def of(cls, tail: Tail) -> Self:
        """Pack the rows of a tail."""
        n, (terms, runs) = len(tail), tail.runs()
        codes = codes_of(terms)
        order = np.argsort(codes)
        runs = [runs[number] for number in order.tolist()]
        sizes = np.fromiter(map(len, runs), np.uint32, len(runs))
        is_common = sizes >= COMMON_SHARE * n
        common = np.flatnonzero(is_common)
        rare = np.flatnonzero(~is_common)
        counts = [_spread(runs[number], n) for number in common.tolist()]
        return cls(
            codes[order],
            np.cumsum([0, *np.where(is_common, 0, sizes)], dtype=np.uint32),
            np.concatenate([np.zeros(0, np.uint32), *(runs[number] for number in rare.tolist())]),
            common.astype(np.uint32),
            sizes[common],
            _small(np.array(counts, np.uint16).reshape(len(common), n)),
            _small(tail.lengths),
        )

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def nbytes(self) -> int:
        """Memory taken by its arrays."""
        return sum(array.nbytes for array in self.to_arrays().values())

    def find(self, terms: Sequence[str]) -> dict[str, Places]:
        """Return the postings by term; absent terms are omitted."""
        if not len(self.codes):  # every text is empty
            return {}
        codes = codes_of(terms)
        numbers = np.searchsorted(self.codes, codes)
        is_here = (self.codes.take(numbers, mode="clip") == codes).tolist()
        found = zip(terms, numbers.tolist(), is_here, strict=True)
        return {term: self._places_of(number) for term, number, is_known in found if is_known}

    def to_arrays(self) -> Arrays:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Load a block from arrays, which it references."""
        return cls(**arrays)

    def _places_of(self, number: int) -> Places:
        start, end = self.starts[number : number + 2].tolist()
        if start < end:
            return Places(self.places[start:end], end - start)
        at = int(self.common.searchsorted(number))
        return Places(self.counts[at], int(self.n_rows[at]), is_common=True)


class Lookup:
    """The postings of one query's terms in one block or tail.

    Args:
        part: The block or tail.
        first: The index row number of its first row.
        visible: Which rows of the index exist for this query; None: all.

    Attributes:
        places: The postings of the terms looked up so far.
    """

    def __init__(self, part: Block | Tail, first: int, visible: Mask | None) -> None:
        seen = None if visible is None else visible[first : first + len(part)]
        self.places: dict[str, Places] = {}
        self._part = part
        self._first = first
        self._seen = None if seen is None or seen.all() else seen

    def __len__(self) -> int:
        return len(self._part)

    def n_rows(self, terms: Sequence[str]) -> list[int]:
        """Look up terms; return (t,) the number of visible rows with each."""
        found = self._part.find(terms)
        self.places |= found
        return [found[term].n_visible(self._seen) if term in found else 0 for term in terms]

    def own(self, rows: Rows) -> Rows:
        """Convert ascending index rows to rows of this part; rows of other parts are omitted."""
        start, stop = np.searchsorted(rows, (self._first, self._first + len(self._part))).tolist()
        return rows[start:stop] - self._first

    def lengths(self) -> Unsigned:
        """Return (n,) the number of words of each row."""
        return self._part.lengths

    def is_rare(self, term: str | None) -> bool:
        """Whether the term was found here and is not common."""
        return term in self.places and not self.places[term].is_common

    def counts(self, term: str) -> Unsigned:
        """Return (n,) the count of a term in each row."""
        n = len(self._part)
        return self.places[term].counts(n) if term in self.places else np.zeros(n, np.uint8)


def as_lines(words: Iterable[str]) -> npt.NDArray[np.uint8]:
    """Encode words as UTF-8, one per line."""
    return np.frombuffer("\n".join(words).encode("utf-8", "surrogatepass"), np.uint8)


def from_lines(text: npt.NDArray[np.uint8]) -> list[str]:
    """Decode the words encoded by `as_lines`."""
    lines = text.tobytes().decode("utf-8", "surrogatepass")
    return lines.split("\n") if lines else []


def codes_of(terms: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return (t,) a 64-bit hash of each term, the same in every process."""
    return np.fromiter(map(_code, terms), np.uint64, len(terms))


@lru_cache(maxsize=16_384)
def _code(term: str) -> int:
    return int.from_bytes(blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _values(held: "int | array[int]") -> npt.NDArray[np.uint32]:
    """Return a copy, because a view would prevent the array from growing."""
    return np.array([held] if isinstance(held, int) else held, np.uint32)


def _spread(values: npt.NDArray[np.uint32], n: int) -> npt.NDArray[np.uint16]:
    """Return (n,) the counts in `row << 16 | count`; 0 for other rows."""
    result = np.zeros(n, np.uint16)
    result[(values >> 16).astype(np.int64)] = values & MAX_COUNT
    return result


def _small(values: npt.NDArray[Any]) -> Unsigned:
    """Convert to the smallest unsigned type that holds all values."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))
