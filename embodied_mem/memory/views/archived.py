"""The archived experiences: soft-forgotten, kept, and recalled only on request."""

from collections.abc import Mapping

import numpy as np

from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.targets import Targets
from embodied_mem.memory.views.view import Mask, Sequences, View
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind, Span


class Archive(View):
    """The archived experiences as of any sequence number.

    Args:
        log: Maps ids to sequence numbers.
    """

    kinds = (EntryKind.ARCHIVE, EntryKind.RESTORE)
    paths = ("experience_id",)

    def __init__(self, log: LogValues) -> None:
        self._targets = Targets(log, _archived)

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Add an archive or restore entry."""
        self._targets.add(sequence, [str(values["experience_id"])], flag=kind == EntryKind.ARCHIVE)

    def clear(self) -> None:
        """Remove all entries."""
        self._targets.clear()

    def archived(self, spans: tuple[Span, ...]) -> Sequences:
        """Return (n,) ascending sequence numbers of the archived experiences; the last entry decides."""
        return self._targets.folded(spans)


def _archived(targets: Sequences, is_archived: Mask) -> Sequences:
    sequences, last = np.unique(targets[::-1], return_index=True)
    return sequences[is_archived[::-1][last]]
