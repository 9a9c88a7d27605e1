"""`Lru`: removes the least recently used item first."""

from collections.abc import Mapping

from embodied_mem.records.remembered import Remembered


class Lru:
    """Removes the least recently used item first; adding counts as a use.

    Generative Agents score recency by last use too, but their code counts positions from the oldest and so
    prefers the least recently used (tests/embodied_mem/memory/forgetting/test_inverted_formulas.py).
    """

    def __init__(self) -> None:
        self._used_at: dict[str, float] = {}  # in the order of last use

    def added(self, item: Remembered, *, at: float) -> None:
        """Add an item; counts as a use."""
        self._touch(item.id, at)

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """Note a recall; `helped` is ignored."""
        if item_id in self._used_at:
            self._touch(item_id, at)

    def removed(self, item_id: str) -> None:
        """Drop an item."""
        self._used_at.pop(item_id, None)

    def retention(self, *, at: float) -> Mapping[str, float]:
        """Return the time of each item's last use, least recent first."""
        return dict(self._used_at)

    def _touch(self, item_id: str, at: float) -> None:
        self._used_at.pop(item_id, None)  # moves the id to the end
        self._used_at[item_id] = at
