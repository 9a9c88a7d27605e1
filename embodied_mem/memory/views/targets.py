"""What entries say about experiences they name by id, as columns that can be cut at any point of the log."""

from array import array
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import numpy as np

from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.view import Mask, Sequences, are_in
from embodied_mem.records.log import Span

Said = TypeVar("Said")


class Targets(Generic[Said]):
    """Which entry names which experience, in the order of writing.

    Ids are kept until they are asked for, so that they are looked up many at a time.

    Args:
        log: Where the ids are looked up.
        fold: What several entries say together: from the (n,) sequence numbers of the earlier experiences
            that they name, in the order of naming, and (n,) the flags.
    """

    def __init__(self, log: LogValues, fold: Callable[[Sequences, Mask], Said]) -> None:
        self._log = log
        self._fold = fold
        self.clear()

    def add(self, sequence: int, experience_ids: Iterable[str], *, flag: bool = False) -> None:
        """Note the experiences that an entry names, and one thing that it says of them."""
        for experience_id in experience_ids:
            self._ids.append(experience_id)
            self._at.append(sequence)
            self._flags.append(flag)

    def clear(self) -> None:
        """Be empty."""
        self._ids: list[str] = []  # of the last entries, not looked up yet
        self._at = array("q")
        self._targets = array("q")
        self._flags = array("b")
        self._last_said: tuple[tuple[Span, ...], int, Said] | None = None  # in which spans, of how many

    def said(self, spans: tuple[Span, ...]) -> Said:
        """What is said in these spans; the last answer is kept until there is more."""
        asked = (spans, len(self._at))
        if self._last_said is None or self._last_said[:2] != asked:
            self._last_said = (*asked, self._fold(*self._seen(spans)))
        return self._last_said[2]

    def _seen(self, spans: tuple[Span, ...]) -> tuple[Sequences, Mask]:
        self._look_up()
        at = np.array(self._at, np.int64)
        targets = np.array(self._targets, np.int64)
        # What is named must have been there before, so that it never depends on when the id was looked up.
        kept = are_in(at, spans) & (targets > 0) & (targets < at)
        return targets[kept], np.array(self._flags, np.bool_)[kept]

    def _look_up(self) -> None:
        n_missing = len(self._at) - len(self._targets)
        if n_missing:  # counted, so that an interrupt between the next two lines does no harm
            ids = self._ids[-n_missing:]
            found = self._log.sequences_of(list(dict.fromkeys(ids)))
            self._targets.extend([found.get(experience_id, 0) for experience_id in ids])
            self._ids = []
