"""Entries, searches and results of the append-only log of experiences, feedback and derived entries."""

import enum
import math
import uuid
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
    """Kind of a log entry; later versions add kinds and never change one."""

    EXPERIENCE = "experience"
    FEEDBACK = "feedback"
    WITHDRAWAL = "withdrawal"
    ARCHIVE = "archive"  # soft-forgets one experience: kept, recalled only on request
    RESTORE = "restore"  # undoes an archive entry
    PURGE = "purge"  # ids of experiences deleted for good, without their content


ABOUT_ONE = (EntryKind.FEEDBACK, EntryKind.ARCHIVE, EntryKind.RESTORE)  # each refers to one experience


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One log entry to append.

    Attributes:
        id: Unique id; appending the same id and content again stores nothing new.
        kind: Kind of entry; see `EntryKind`.
        payload: Content as JSON.
        texts: Searchable texts by field name; an empty text equals none.
        vectors: Searchable embeddings.
        is_checked: Whether the payload comes from a validated record, so a back end need not check it again.
    """

    id: str
    kind: str
    payload: JsonObject
    texts: Mapping[str, str] = field(default_factory=dict)
    vectors: tuple[FieldVector, ...] = ()
    is_checked: bool = field(default=False, compare=False, repr=False)


def entry_about(kind: EntryKind, experience_id: str, *, reason: str, at_s: float) -> Entry:
    """Return the entry that archives or restores one experience, for a transaction with others.

    Args:
        kind: `ARCHIVE` or `RESTORE`.
        experience_id: Its id.
        reason: Why, in words; part of its history.
        at_s: Seconds since the Unix epoch.
    """
    payload: JsonObject = {"experience_id": experience_id, "reason": reason, "at_s": float(at_s)}
    return Entry(id=uuid.uuid4().hex, kind=kind, payload=payload)


@dataclass(frozen=True, slots=True)
class Logged:
    """One log entry as read.

    Attributes:
        sequence: Sequence number, from 1, in the order of writing.
        entry: The entry.
    """

    sequence: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Head:
    """State of a log; anything read from the log stays valid while this is unchanged.

    Attributes:
        last_sequence: The newest sequence number; 0 for an empty log.
        generation: Incremented by each deletion or change of an existing entry.
    """

    last_sequence: int = 0
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Appended:
    """Result of an append: the sequence number, and whether the entry already existed."""

    sequence: int
    is_duplicate: bool


@dataclass(slots=True, eq=False)
class Deferred:
    """Future result of an entry that waits for a group commit.

    Attributes:
        appended: The result; None while the entry waits.
        error: Why the commit rejected the entry, for example an id that another process used; else None.
    """

    appended: Appended | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Sequence numbers from `first` to `last`, inclusive; `last` None: to the end of the log."""

    first: int = 1
    last: int | None = None


@dataclass(frozen=True, slots=True)
class TextLeg:
    """A text to match against searchable fields.

    Attributes:
        name: Key of its similarity in a hit.
        text: The search text.
        fields: Searchable fields; the highest similarity among them counts.
        weight: Factor of the similarity in the sum that orders hits, >= 0.
        minimum: Entries with a similarity below this are no hits.
    """

    name: str
    text: str
    fields: tuple[str, ...]
    weight: float = 1.0
    minimum: float = -math.inf


@dataclass(frozen=True, slots=True)
class VectorLeg:
    """A vector to match against the vectors of its field and space.

    Attributes:
        name: Key of its similarity in a hit.
        vector: The search vector.
        weight: Factor of the similarity in the sum that orders hits, >= 0.
        minimum: Entries with a similarity below this are no hits.
        floor: A similarity below this counts as this in the sum.
    """

    name: str
    vector: FieldVector
    weight: float = 1.0
    minimum: float = -math.inf
    floor: float = -math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorFormula:
    """What the values of a prior are, so that a server need not be sent a number for each entry.

    `embodied_mem.memory.priors.prior_values` computes them from a log.

    Attributes:
        name: `recency`, `outcome`, `surprise`, `utility` or `trust`, as defined in `memory.scoring`.
        spans: The visible parts of the log.
        now_s: Reference time of ages, seconds since the Unix epoch.
        half_life_s: Age in seconds at which recency is one half.
    """

    name: str
    spans: tuple[Span, ...]
    now_s: float
    half_life_s: float


@dataclass(frozen=True, slots=True, eq=False)
class PriorLeg:
    """A value per entry that does not depend on the query, such as trust or recency.

    Attributes:
        name: Key of the value in a hit.
        sequences: (n,) int64, ascending: sequence numbers of the entries with a value.
        values: (n,) float64, finite, of either sign; entries that are not listed have 0.
        weight: Factor of the value in the sum that orders hits, >= 0.
        formula: The same values in symbols; None if there are only the arrays.
    """

    name: str
    sequences: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    weight: float = 1.0
    formula: PriorFormula | None = None


SimilarityLeg: TypeAlias = TextLeg | VectorLeg
Leg: TypeAlias = SimilarityLeg | PriorLeg


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """A search for entries of one kind that pass a filter, ordered by the weighted sum over the legs.

    A similarity or prior below 0 lowers the sum.

    Attributes:
        legs: Texts, vectors and priors to order by; without legs the newest come first.
        where: Filter on the payload.
        spans: The visible parts of the log.
        kind: Kind of entry; None: every kind.
        k: Maximum number of hits, >= 0; None: every hit.
        without: (n,) int64, ascending: sequence numbers to exclude; None excludes none.
    """

    legs: tuple[Leg, ...] = ()
    where: Where = EVERYTHING
    spans: tuple[Span, ...] = (Span(),)
    kind: str | None = EntryKind.EXPERIENCE
    k: int | None = 10
    without: npt.NDArray[np.int64] | None = None


def check_search(search: Search) -> None:
    """Reject a search with invalid values.

    Raises:
        InvalidQuery: k is negative, two legs share a name, a weight is negative or not finite, or a minimum
            is NaN.
    """
    if search.k is not None and search.k < 0:
        raise InvalidQuery(f"k is {search.k}; expected at least 0, or None for every hit")
    names = [leg.name for leg in search.legs]
    if len(set(names)) < len(names):
        raise InvalidQuery(f"two legs share a name: {sorted(names)}")
    for leg in search.legs:
        if not (math.isfinite(leg.weight) and leg.weight >= 0):
            raise InvalidQuery(
                f"the weight of {leg.name!r} is {leg.weight}; expected a finite number of at least 0"
            )
        if not isinstance(leg, PriorLeg) and math.isnan(leg.minimum):
            raise InvalidQuery(f"the minimum of {leg.name!r} is nan; expected a number")


@dataclass(frozen=True, slots=True)
class Hit:
    """One found entry.

    Attributes:
        sequence: Its sequence number.
        similarities: Leg name to similarity: 1 if equal, 0 if nothing is shared.
    """

    sequence: int
    similarities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search, best first; ties: newest first.

    Stored by column instead of by hit, because a search returns many more entries than are recalled.

    Attributes:
        sequences: (n,) sequence numbers of the found entries.
        similarities: Leg name to (n,) similarities: 1 if equal, 0 if nothing is shared; for a prior its
            values.
        n_candidates: Number of entries that passed the filter, whether or not they reach the legs' minimums.
        is_exact: Whether no other candidate can belong among the hits (proved).
    """

    sequences: tuple[int, ...]
    similarities: Mapping[str, tuple[float, ...]]
    n_candidates: int
    is_exact: bool

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The found entries as `Hit`s."""
        rows = zip(*self.similarities.values(), strict=True) if self.similarities else repeat(())
        named = (dict(zip(self.similarities, row, strict=True)) for row in rows)
        return tuple(map(Hit, self.sequences, named))
