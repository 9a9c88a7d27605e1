"""Base classes of views: entries are added in the order of writing, and a view can be rebuilt."""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind, Head, Span

Sequences: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Gaps: TypeAlias = tuple[tuple[int, int], ...]  # first and last sequence number of each hidden part of the log

NO_SEQUENCES: Sequences = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Values:
    """One number per entry, for some entries.

    Attributes:
        sequences: (n,) ascending sequence numbers of the entries.
        values: (n,) their values.
    """

    sequences: Sequences
    values: Floats

    def of(self, sequences: Sequences, *, default: float) -> Floats:
        """Return the values of these entries, in any order; `default` for an entry without a value."""
        if not len(self.sequences):
            return np.full(len(sequences), default)
        at = np.minimum(np.searchsorted(self.sequences, sequences), len(self.sequences) - 1)
        return np.where(self.sequences[at] == sequences, self.values[at], default)


class GrowingValues:
    """An append-only column of one number per entry."""

    def __init__(self) -> None:
        self._sequences = array("q")
        self._values = array("d")
        self._values_until_now: Values | None = None

    def add(self, sequence: int, value: float) -> None:
        """Append an entry's number; sequence numbers must increase."""
        self._sequences.append(sequence)
        self._values.append(value)
        self._values_until_now = None

    def values(self) -> Values:
        """Return all values; the copy is cached until the next `add`."""
        if self._values_until_now is None:
            columns = np.array(self._sequences, np.int64), np.array(self._values, np.float64)
            self._values_until_now = Values(*columns)
        return self._values_until_now


class View(ABC):
    """Data derived from the log entry by entry, and not stored.

    Attributes:
        kinds: Kinds of entries it reads.
        paths: Payload paths it reads.
    """

    kinds: ClassVar[tuple[EntryKind, ...]]
    paths: ClassVar[tuple[str, ...]]

    @abstractmethod
    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Add the next entry of its kinds.

        Args:
            sequence: Sequence number; larger than any before.
            kind: Kind of the entry.
            values: Values at the paths; None for a missing one.
        """

    @abstractmethod
    def clear(self) -> None:
        """Reset to the empty state."""


class Follower:
    """Updates views of one log together; rebuilds them when the log was rewritten.

    Args:
        log: The log.
        views: Empty views.

    Attributes:
        generation: Generation of the log at the last update.
        until: The last sequence number read.
    """

    def __init__(self, log: LogValues, views: Sequence[View]) -> None:
        self._log = log
        self._views = views
        self._kinds = tuple(dict.fromkeys(kind for view in views for kind in view.kinds))
        self._paths = tuple(dict.fromkeys(path for view in views for path in view.paths))
        self.generation = log.head().generation
        self.until = 0

    def catch_up(self, head: Head | None = None) -> None:
        """Add the entries written since, by any process.

        Args:
            head: Head of the log, if just read.
        """
        # Read before the entries, so `until` can skip entries of other kinds up to here.
        head = self._log.head() if head is None else head
        if self.generation != head.generation:  # a purge: entries already read may be deleted
            self.start_over()
            self.generation = head.generation
        last = head.last_sequence
        if last <= self.until:
            return
        try:
            for sequence, kind, values in self._log.after(self.until, self._kinds, self._paths):
                for view in self._views:
                    if kind in view.kinds:
                        view.add(sequence, kind, values)
                self.until = sequence
            self.until = max(self.until, last)
        except BaseException:  # an interrupt may leave an entry in only some of the views
            self.start_over()
            raise

    def start_over(self) -> None:
        """Clear the views; the next `catch_up` reads the log from the start."""
        self.until = 0
        for view in self._views:
            view.clear()


def is_in(sequence: int, spans: tuple[Span, ...]) -> bool:
    """Whether a sequence number is in one of the spans."""
    return any(span.first <= sequence and (span.last is None or sequence <= span.last) for span in spans)


def is_hidden(sequence: int, gaps: Gaps) -> bool:
    """Whether a sequence number is in a hidden part of the log."""
    return any(first <= sequence <= last for first, last in gaps)


def are_in(sequences: Sequences, spans: tuple[Span, ...]) -> Mask:
    """Return (n,) whether each sequence number is in one of the spans; both must be ascending."""
    mask = np.zeros(len(sequences), np.bool_)
    for span in spans:
        end = len(sequences) if span.last is None else np.searchsorted(sequences, span.last, side="right")
        mask[np.searchsorted(sequences, span.first) : end] = True
    return mask


def gaps_between(spans: tuple[Span, ...]) -> Gaps:
    """Return the hidden parts of the log before the last span."""
    gaps, first = [], 1
    for span in spans:
        if span.first > first:
            gaps.append((first, span.first - 1))
        first = first if span.last is None else span.last + 1
    return tuple(gaps)
