"""What feedback says of each experience."""

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
    """The votes of those experiences that have any.

    Attributes:
        sequences: (n,) ascending: which experiences.
        helped: (n,) how often acting on each helped.
        not_helped: (n,) how often it did not.
    """

    sequences: Sequences
    helped: Floats
    not_helped: Floats

    @property
    def trust(self) -> Values:
        """See `embodied_mem.memory.scoring.trust_of`."""
        return Values(self.sequences, trust_of(self.helped, self.not_helped))


class VoteView(View):
    """Votes on each experience as of any point of the log.

    Args:
        log: Where ids are looked up.
    """

    kinds = (EntryKind.FEEDBACK,)
    paths = ("experience_id", "helped")

    def __init__(self, log: LogValues) -> None:
        self._targets = Targets(log, _counts)

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Note a vote."""
        self._targets.add(sequence, [str(values["experience_id"])], flag=bool(values["helped"]))

    def clear(self) -> None:
        """Forget every vote."""
        self._targets.clear()

    def counts(self, spans: tuple[Span, ...]) -> VoteCounts:
        """The votes that are seen in these spans."""
        return self._targets.said(spans)


def _counts(targets: Sequences, helped: Mask) -> VoteCounts:
    sequences, place = np.unique(targets, return_inverse=True)
    n_helped: Floats = np.bincount(place, weights=helped, minlength=len(sequences)).astype(np.float64)
    n_all: Floats = np.bincount(place, minlength=len(sequences)).astype(np.float64)
    return VoteCounts(sequences, n_helped, n_all - n_helped)
