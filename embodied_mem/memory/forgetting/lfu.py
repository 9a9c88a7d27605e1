"""`Lfu`: removes the least frequently used item first, with optional ageing of counts."""

from collections.abc import Mapping
from dataclasses import dataclass

from embodied_mem.errors import InvalidQuery
from embodied_mem.records.remembered import Remembered


@dataclass(slots=True)
class _Count:
    value: float
    at: float


class Lfu:
    """Removes the least frequently used item first; adding counts as the first use.

    Without ageing, an item that was popular once stays for ever. With ageing a count halves after each
    `half_life`: count(t) = sum over uses at t_i of 2 ** -((t - t_i) / half_life).

    Args:
        half_life: Half-life in the unit of the caller's times, > 0; None: no ageing.
    """

    def __init__(self, *, half_life: float | None = None) -> None:
        if half_life is not None and not half_life > 0:
            raise InvalidQuery(f"half_life is {half_life}; expected a number above 0, or None for no ageing")
        self.half_life = half_life
        self._counts: dict[str, _Count] = {}  # in the order of adding

    def added(self, item: Remembered, *, at: float) -> None:
        """Add an item, or restart a known one."""
        self._counts.pop(item.id, None)
        self._counts[item.id] = _Count(1.0, at)

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """Count a recall; `helped` is ignored."""
        count = self._counts.get(item_id)
        if count is not None:
            self._counts[item_id] = _Count(1.0 + self._aged(count, at), max(at, count.at))

    def removed(self, item_id: str) -> None:
        """Drop an item."""
        self._counts.pop(item_id, None)

    def retention(self, *, at: float) -> Mapping[str, float]:
        """Return the count of each item, oldest first."""
        return {item_id: self._aged(count, at) for item_id, count in self._counts.items()}

    def _aged(self, count: _Count, at: float) -> float:
        if self.half_life is None:
            return count.value
        return float(count.value * 2.0 ** -(max(at - count.at, 0.0) / self.half_life))
