"""What every derived view shares: entries are taken in by the order of writing, and it can start over."""

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
    """A number for each of some entries.

    Attributes:
        sequences: (n,) ascending: which entries.
        values: (n,) what each has.
    """

    sequences: Sequences
    values: Floats

    def of(self, sequences: Sequences, *, default: float) -> Floats:
        """The values of these entries, in any order; the default for those that have none."""
        if not len(self.sequences):
            return np.full(len(sequences), default)
        at = np.minimum(np.searchsorted(self.sequences, sequences), len(self.sequences) - 1)
        return np.where(self.sequences[at] == sequences, self.values[at], default)


class GrowingValues:
    """Numbers of entries that are added one after another."""

    def __init__(self) -> None:
        self._sequences = array("q")
        self._values = array("d")
        self._values_until_now: Values | None = None

    def add(self, sequence: int, value: float) -> None:
        """Append an entry with its number; sequence numbers only grow."""
        self._sequences.append(sequence)
        self._values.append(value)
        self._values_until_now = None

    def values(self) -> Values:
        """All of them; copied once for as long as nothing is added."""
        if self._values_until_now is None:
            columns = np.array(self._sequences, np.int64), np.array(self._values, np.float64)
            self._values_until_now = Values(*columns)
        return self._values_until_now


class View(ABC):
    """Something that the log says, computed from it entry by entry and kept nowhere else.

    Attributes:
        kinds: The kinds of entries it needs.
        paths: The paths into their payload that it needs.
    """

    kinds: ClassVar[tuple[EntryKind, ...]]
    paths: ClassVar[tuple[str, ...]]

    @abstractmethod
    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Take in the next entry of its kinds, by sequence number.

        Args:
            sequence: Its place in the log; larger than any before.
            kind: Its kind.
            values: What it holds at the paths; None where that is absent.
        """

    @abstractmethod
    def clear(self) -> None:
        """Be as at the beginning."""


class Follower:
    """Keeps views that are read together caught up with a log; rebuilds them when the log was rewritten.

    Args:
        log: Where values are read.
        views: Views that have not taken in anything yet.

    Attributes:
        generation: The log's generation when it was last read.
        until: The last sequence number taken in.
    """

    def __init__(self, log: LogValues, views: Sequence[View]) -> None:
        self._log = log
        self._views = views
        self._kinds = tuple(dict.fromkeys(kind for view in views for kind in view.kinds))
        self._paths = tuple(dict.fromkeys(path for view in views for path in view.paths))
        self.generation = log.head().generation
        self.until = 0

    def catch_up(self, head: Head | None = None) -> None:
        """Take in what was written since, by this process or another.

        Args:
            head: Where the log stands, if that was just read.
        """
        # Read first: everything up to here is in the log, so entries of other kinds are not scanned again.
        head = self._log.head() if head is None else head
        if self.generation != head.generation:  # a purge: what was read may be gone
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
        except BaseException:  # an interrupt may have left an entry half taken in
            self.start_over()
            raise

    def start_over(self) -> None:
        """Forget everything; the next catching up reads the log from its beginning."""
        self.until = 0
        for view in self._views:
            view.clear()


def is_in(sequence: int, spans: tuple[Span, ...]) -> bool:
    """Whether a sequence number lies in one of the spans."""
    return any(span.first <= sequence and (span.last is None or sequence <= span.last) for span in spans)


def is_hidden(sequence: int, gaps: Gaps) -> bool:
    """Whether a sequence number lies in a hidden part of the log."""
    return any(first <= sequence <= last for first, last in gaps)


def are_in(sequences: Sequences, spans: tuple[Span, ...]) -> Mask:
    """(n,) whether each sequence number lies in one of the spans; both ascend."""
    mask = np.zeros(len(sequences), np.bool_)
    for span in spans:
        end = len(sequences) if span.last is None else np.searchsorted(sequences, span.last, side="right")
        mask[np.searchsorted(sequences, span.first) : end] = True
    return mask


def gaps_between(spans: tuple[Span, ...]) -> Gaps:
    """The hidden parts of the log before the last span."""
    gaps, first = [], 1
    for span in spans:
        if span.first > first:
            gaps.append((first, span.first - 1))
        first = first if span.last is None else span.last + 1
    return tuple(gaps)
