"""Use counts: how many later experiences list an experience in `recalled`."""

from collections.abc import Mapping

import numpy as np

from embodied_mem.memory.scoring import utility_of
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.targets import Targets
from embodied_mem.memory.views.view import Floats, Mask, Sequences, Values, View
from embodied_mem.memory.views.votes import VoteCounts
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind, Span


class Uses(View):
    """Use counts as of any sequence number.

    Args:
        log: Maps ids to sequence numbers.
    """

    kinds = (EntryKind.EXPERIENCE,)
    paths = ("recalled",)

    def __init__(self, log: LogValues) -> None:
        self._targets = Targets(log, _counts)

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Add the ids that an experience lists as recalled; an id listed twice counts once."""
        recalled = values["recalled"]
        if isinstance(recalled, list):
            self._targets.add(sequence, dict.fromkeys(str(name) for name in recalled))

    def clear(self) -> None:
        """Remove all uses."""
        self._targets.clear()

    def counts(self, spans: tuple[Span, ...]) -> Values:
        """Return the use count of each used experience."""
        return self._targets.folded(spans)


def _counts(targets: Sequences, _: Mask) -> Values:
    sequences, n_uses = np.unique(targets, return_counts=True)
    return Values(sequences, n_uses.astype(np.float64))


def utility(uses: Values, votes: VoteCounts) -> Values:
    """Return the utility of each experience with uses or votes; see `scoring.utility_of`."""
    sequences = np.union1d(uses.sequences, votes.sequences)

    def spread(values: Values) -> Floats:
        return values.of(sequences, default=0.0)

    helped = spread(Values(votes.sequences, votes.helped))
    not_helped = spread(Values(votes.sequences, votes.not_helped))
    return Values(sequences, utility_of(spread(uses), helped, not_helped))
