"""`Fifo`: first in, first out."""

from collections.abc import Mapping

from embodied_mem.records.remembered import Remembered


class Fifo:
    """Removes the oldest item first; recalls have no effect."""

    def __init__(self) -> None:
        self._added_at: dict[str, float] = {}  # in the order of adding

    def added(self, item: Remembered, *, at: float) -> None:
        """Add an item, or restart a known one."""
        self._added_at.pop(item.id, None)
        self._added_at[item.id] = at

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """Do nothing."""

    def removed(self, item_id: str) -> None:
        """Drop an item."""
        self._added_at.pop(item_id, None)

    def retention(self, *, at: float) -> Mapping[str, float]:
        """Return the time at which each item was added, oldest first."""
        return dict(self._added_at)
