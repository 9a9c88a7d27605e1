"""`Fifo`: first in, first out."""

from collections.abc import Mapping

from embodied_mem.records.remembered import Remembered


class Fifo:
    """Lets go of what was added first; use does not count."""

    def __init__(self) -> None:
        self._added_at: dict[str, float] = {}  # in the order of adding

    def added(self, item: Remembered, *, at: float) -> None:
        """Something is remembered from now on."""
        self._added_at.pop(item.id, None)
        self._added_at[item.id] = at

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """Use changes nothing here."""

    def removed(self, item_id: str) -> None:
        """It is no longer remembered."""
        self._added_at.pop(item_id, None)

    def retention(self, *, at: float) -> Mapping[str, float]:
        """When each was added, oldest first."""
        return dict(self._added_at)
