"""Feedback votes on each experience."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from embodied_mem.memory.scoring import trust_of
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.targets import Targets
from embodied_mem.memory.views.view import Floats, Mask, Sequences, Values, View
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind, Span


@dataclass(frozen=True, slots=True)
class VoteCounts:
    """Votes per experience, for experiences that have any.

    Attributes:
        sequences: (n,) ascending sequence numbers of the experiences.
        helped: (n,) how often acting on it helped.
        not_helped: (n,) how often acting on it did not help.
    """

    sequences: Sequences
    helped: Floats
    not_helped: Floats

    @property
    def trust(self) -> Values:
        """Trust values; see `embodied_mem.memory.scoring.trust_of`."""
        return Values(self.sequences, trust_of(self.helped, self.not_helped))


class VoteView(View):
    """Votes on each experience as of any sequence number.

    Args:
        log: Maps ids to sequence numbers.
    """

    kinds = (EntryKind.FEEDBACK,)
    paths = ("experience_id", "helped")

    def __init__(self, log: LogValues) -> None:
        self._targets = Targets(log, _counts)

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Add a vote."""
        self._targets.add(sequence, [str(values["experience_id"])], flag=bool(values["helped"]))

    def clear(self) -> None:
        """Remove all votes."""
        self._targets.clear()

    def counts(self, spans: tuple[Span, ...]) -> VoteCounts:
        """Return the votes in these spans."""
        return self._targets.folded(spans)


def _counts(targets: Sequences, helped: Mask) -> VoteCounts:
    sequences, place = np.unique(targets, return_inverse=True)
    n_helped: Floats = np.bincount(place, weights=helped, minlength=len(sequences)).astype(np.float64)
    n_all: Floats = np.bincount(place, minlength=len(sequences)).astype(np.float64)
    return VoteCounts(sequences, n_helped, n_all - n_helped)
