"""Which experiences are archived: softly forgotten, kept, and recalled only when asked for."""

from collections.abc import Mapping

import numpy as np

from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.targets import Targets
from embodied_mem.memory.views.view import Mask, Sequences, View
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind, Span


class Archive(View):
    """The archived experiences as of any point of the log.

    Args:
        log: Where ids are looked up.
    """

    kinds = (EntryKind.ARCHIVE, EntryKind.RESTORE)
    paths = ("experience_id",)

    def __init__(self, log: LogValues) -> None:
        self._targets = Targets(log, _archived)

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Note that an experience was archived or restored."""
        self._targets.add(sequence, [str(values["experience_id"])], flag=kind == EntryKind.ARCHIVE)

    def clear(self) -> None:
        """Be empty."""
        self._targets.clear()

    def archived(self, spans: tuple[Span, ...]) -> Sequences:
        """(n,) ascending sequence numbers of what is archived in these spans; the last word counts."""
        return self._targets.said(spans)


def _archived(targets: Sequences, is_archived: Mask) -> Sequences:
    sequences, last = np.unique(targets[::-1], return_index=True)
    return sequences[is_archived[::-1][last]]
