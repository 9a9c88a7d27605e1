"""`KeepAll`: nothing is forgotten; what the other policies are compared with."""

import math
from collections.abc import Mapping

from embodied_mem.records.remembered import Remembered


class KeepAll:
    """Keeps everything: each retention is infinite, so nothing is ever let go of."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def added(self, item: Remembered, *, at: float) -> None:
        """Something is remembered from now on."""
        self._ids.pop(item.id, None)
        self._ids[item.id] = None

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """Use changes nothing here."""

    def removed(self, item_id: str) -> None:
        """It is no longer remembered."""
        self._ids.pop(item_id, None)

    def retention(self, *, at: float) -> Mapping[str, float]:
        """Infinity for each, oldest first."""
        return dict.fromkeys(self._ids, math.inf)
