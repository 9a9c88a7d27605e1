"""`KeepAll`: nothing is forgotten; the baseline of the other policies."""

import math
from collections.abc import Mapping

from embodied_mem.records.remembered import Remembered


class KeepAll:
    """Keeps everything: each retention is infinite, so nothing is ever removed."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def added(self, item: Remembered, *, at: float) -> None:
        """Add an item."""
        self._ids.pop(item.id, None)
        self._ids[item.id] = None

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """Do nothing."""

    def removed(self, item_id: str) -> None:
        """Drop an item."""
        self._ids.pop(item_id, None)

    def retention(self, *, at: float) -> Mapping[str, float]:
        """Return infinity for each item, oldest first."""
        return dict.fromkeys(self._ids, math.inf)
