"""`Lru`: what was not used for longest goes first."""

from collections.abc import Mapping

from embodied_mem.records.remembered import Remembered


class Lru:
    """Lets go of the least recently used; adding counts as a use, and whether it helped does not matter.

    Generative Agents score recency by last use too, but their code counts places from the oldest on and so
    prefers what was used longest ago (tests/embodied_mem/memory/forgetting/test_inverted_formulas.py).
    """

    def __init__(self) -> None:
        self._used_at: dict[str, float] = {}  # in the order of last use

    def added(self, item: Remembered, *, at: float) -> None:
        """Something is remembered from now on."""
        self._touch(item.id, at)

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """It was recalled."""
        if item_id in self._used_at:
            self._touch(item_id, at)

    def removed(self, item_id: str) -> None:
        """It is no longer remembered."""
        self._used_at.pop(item_id, None)

    def retention(self, *, at: float) -> Mapping[str, float]:
        """When each was last used, longest ago first."""
        return dict(self._used_at)

    def _touch(self, item_id: str, at: float) -> None:
        self._used_at.pop(item_id, None)  # to the end of the order
        self._used_at[item_id] = at
