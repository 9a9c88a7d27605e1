"""`Utility`: keeps helpful memories, removes misleading ones, and gives surprising ones a bonus."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from embodied_mem.records.remembered import Remembered


@dataclass(slots=True)
class _Record:
    surprise: float
    n_helped: int = 0
    n_not_helped: int = 0
    n_unjudged: int = 0

    @property
    def trust(self) -> float:
        return (1 + self.surprise + self.n_helped) / (2 + self.surprise + self.n_helped + self.n_not_helped)

    @property
    def use(self) -> float:
        return 1 + math.log2(1 + self.n_helped + self.n_unjudged)

    @property
    def value(self) -> float:
        return self.trust * self.use


class Utility:
    """Removes the item with the lowest trust x use first; times have no effect.

    trust = (1 + s + h) / (2 + s + h + m), the Beta posterior mean after h helpful and m unhelpful uses,
    where surprise s in [0, 1] counts as up to one helpful vote. use = 1 + log2(1 + h + u) with u unjudged
    uses; a later judgement replaces one of them. So a helpful use always raises the value, an unhelpful one
    always lowers it, and an unused memory has 1/2 to 2/3.
    """

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}  # in the order of adding

    def added(self, item: Remembered, *, at: float) -> None:
        """Add an item, or restart a known one."""
        self._records.pop(item.id, None)
        self._records[item.id] = _Record(surprise=min(max(item.surprise, 0.0), 1.0))

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """Count a recall as helpful, unhelpful or unjudged."""
        record = self._records.get(item_id)
        if record is None:
            return
        if helped is None:
            record.n_unjudged += 1
            return
        record.n_unjudged = max(record.n_unjudged - 1, 0)
        record.n_helped += helped
        record.n_not_helped += not helped

    def removed(self, item_id: str) -> None:
        """Drop an item."""
        self._records.pop(item_id, None)

    def retention(self, *, at: float) -> Mapping[str, float]:
        """Return trust x use of each item, oldest first."""
        return {item_id: record.value for item_id, record in self._records.items()}
