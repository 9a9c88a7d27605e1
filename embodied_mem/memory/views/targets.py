"""References from log entries to experiences by id, as columns that can be cut at any sequence number."""

from array import array
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import numpy as np

from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.view import Mask, Sequences, are_in
from embodied_mem.records.log import Span

Said = TypeVar("Said")


class Targets(Generic[Said]):
    """References (entry, experience, flag) in the order of writing, reduced by `fold`.

    Ids are resolved in batches, when a result is needed.

    Args:
        log: Maps ids to sequence numbers.
        fold: Computes the result from (n,) sequence numbers of the referenced experiences and (n,) flags.
    """

    def __init__(self, log: LogValues, fold: Callable[[Sequences, Mask], Said]) -> None:
        self._log = log
        self._fold = fold
        self.clear()

    def add(self, sequence: int, experience_ids: Iterable[str], *, flag: bool = False) -> None:
        """Add references from an entry to experiences, with one flag for all of them."""
        for experience_id in experience_ids:
            self._ids.append(experience_id)
            self._at.append(sequence)
            self._flags.append(flag)

    def clear(self) -> None:
        """Remove all references."""
        self._ids: list[str] = []  # ids of the newest references, not resolved yet
        self._at = array("q")
        self._targets = array("q")
        self._flags = array("b")
        self._cached: tuple[tuple[Span, ...], int, Said] | None = None  # spans, number of references, result

    def folded(self, spans: tuple[Span, ...]) -> Said:
        """Return the result over the references in these spans; the last result is cached."""
        key = (spans, len(self._at))
        if self._cached is None or self._cached[:2] != key:
            self._cached = (*key, self._fold(*self._seen(spans)))
        return self._cached[2]

    def _seen(self, spans: tuple[Span, ...]) -> tuple[Sequences, Mask]:
        self._resolve_ids()
        at = np.array(self._at, np.int64)
        targets = np.array(self._targets, np.int64)
        # Only earlier experiences count, so the result does not depend on when the id was resolved.
        kept = are_in(at, spans) & (targets > 0) & (targets < at)
        return targets[kept], np.array(self._flags, np.bool_)[kept]

    def _resolve_ids(self) -> None:
        n_missing = len(self._at) - len(self._targets)
        if n_missing:  # computed from lengths, so an interrupt between the last two lines is harmless
            ids = self._ids[-n_missing:]
            found = self._log.sequences_of(list(dict.fromkeys(ids)))
            self._targets.extend([found.get(experience_id, 0) for experience_id in ids])
            self._ids = []
