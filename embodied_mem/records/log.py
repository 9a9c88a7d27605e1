"""The one append-only log that carries experiences, feedback and everything later derived from them."""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import InvalidQuery
from embodied_mem.records.filters import EVERYTHING, Where
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.spaces import FieldVector


class EntryKind(enum.StrEnum):
    """What an entry of the log is; later versions add kinds, never change one."""

    EXPERIENCE = "experience"
    FEEDBACK = "feedback"
    WITHDRAWAL = "withdrawal"
    ARCHIVE = "archive"  # one experience is soft-forgotten: kept, and not recalled unless asked for
    RESTORE = "restore"  # and is recalled again
    PURGE = "purge"  # what was removed for good, without its content


ABOUT_ONE = (EntryKind.FEEDBACK, EntryKind.ARCHIVE, EntryKind.RESTORE)  # each of one experience


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log, as handed to a back end.

    Attributes:
        id: Unique id; appending the same id and content again stores nothing new.
        kind: What it is; see `EntryKind`.
        payload: Its content as JSON.
        texts: Texts that can be searched, by field name; an empty text is the same as none.
        vectors: Embeddings that can be searched.
        is_checked: Whether the payload was made of a validated record, so that a back end may write it
            without looking at every value again.
    """

    id: str
    kind: str
    payload: JsonObject
    texts: Mapping[str, str] = field(default_factory=dict)
    vectors: tuple[FieldVector, ...] = ()
    is_checked: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the log, as given back.

    Attributes:
        sequence: Its place in the log, from 1, in the order of writing.
        entry: The line.
    """

    sequence: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log stands; what was read of it holds until this changes.

    Attributes:
        last_sequence: The newest sequence number; 0 while the log is empty.
        generation: Goes up with each removal or change of something already written.
    """

    last_sequence: int = 0
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an entry went: its sequence number, and whether it had been there before."""

    sequence: int
    is_duplicate: bool


@dataclass(slots=True, eq=False)
class Deferred:
    """Where an entry goes that waits to be committed together with others.

    Attributes:
        appended: Where it went; None while it waits.
        error: Why it was refused when the others were committed, such as an id that another process took.
    """

    appended: Appended | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Sequence numbers first to last, both included; `last` None means to the end of the log."""

    first: int = 1
    last: int | None = None


@dataclass(frozen=True, slots=True)
class TextLeg:
    """One text to match against one searchable field.

    Attributes:
        name: How its similarity is called in a hit.
        text: What to look for.
        fields: Searchable fields; the best of them counts.
        weight: What a similarity of 1 adds to the order of hits, >= 0.
    """

    name: str
    text: str
    fields: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class VectorLeg:
    """One vector to match against the vectors of its field and space."""

    name: str
    vector: FieldVector
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class PriorLeg:
    """A value that entries have whatever is asked, such as trust or recency.

    Attributes:
        name: How it is called in a hit.
        sequences: (n,) int64, ascending: which entries have one.
        values: (n,) float64, finite, of either sign; entries that are not listed have 0.
        weight: What a value of 1 adds to the order of hits, >= 0.
    """

    name: str
    sequences: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    weight: float = 1.0


Leg: TypeAlias = TextLeg | VectorLeg | PriorLeg


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """One search: entries of one kind that pass the filter, ordered by the weighted sum over its legs.

    A similarity below 0 says "unlike" and adds nothing to the sum; a prior may take away.

    Attributes:
        legs: What to match by; none gives the newest first.
        where: Filter on the payload.
        spans: The part of the log that is seen.
        kind: Kind of entry; None finds entries of every kind.
        k: At most this many hits, >= 0.
        without: (n,) int64, ascending: sequence numbers that are no candidates; None leaves out none.
    """

    legs: tuple[Leg, ...] = ()
    where: Where = EVERYTHING
    spans: tuple[Span, ...] = (Span(),)
    kind: str | None = EntryKind.EXPERIENCE
    k: int = 10
    without: npt.NDArray[np.int64] | None = None


def check_search(search: Search) -> None:
    """Refuse a search that has no meaning.

    Raises:
        InvalidQuery: k is negative, two legs share a name, or a weight is negative or not finite.
    """
    if search.k < 0:
        raise InvalidQuery(f"k is {search.k}; expected at least 0")
    names = [leg.name for leg in search.legs]
    if len(set(names)) < len(names):
        raise InvalidQuery(f"two legs share a name: {sorted(names)}")
    for leg in search.legs:
        if not (math.isfinite(leg.weight) and leg.weight >= 0):
            raise InvalidQuery(
                f"the weight of {leg.name!r} is {leg.weight}; expected a finite number of at least 0"
            )


@dataclass(frozen=True, slots=True)
class Hit:
    """One found entry.

    Attributes:
        sequence: Its place in the log.
        similarities: Leg name to similarity, 1 where equal and 0 where nothing is shared.
    """

    sequence: int
    similarities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gives back: best first; equal sums in the order newest first.

    By column and not by hit, because a search gives back many more than are recalled.

    Attributes:
        sequences: (n,) places in the log of what was found.
        similarities: Leg name to (n,) similarities, 1 where equal and 0 where nothing is shared; for a prior
            its values.
        n_candidates: How many entries passed the filter.
        is_exact: Whether it is proved that no other candidate belongs among them.
    """

    sequences: tuple[int, ...]
    similarities: Mapping[str, tuple[float, ...]]
    n_candidates: int
    is_exact: bool

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The same one by one."""
        rows = zip(*self.similarities.values(), strict=True) if self.similarities else repeat(())
        named = (dict(zip(self.similarities, row, strict=True)) for row in rows)
        return tuple(map(Hit, self.sequences, named))
