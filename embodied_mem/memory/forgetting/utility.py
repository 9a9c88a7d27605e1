"""`Utility`: what helped is kept, what misled goes, and the surprising gets a chance."""

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
    """Lets go of what is worth least: trust x use.

    trust = (1 + s + h) / (2 + s + h + m), the mean of the Beta posterior after h uses that helped and m that
    did not, where surprise s in [0, 1] is worth up to one vote beforehand. use = 1 + log2(1 + h + u) with u
    uses that nobody judged; a judgement that comes later takes the place of one of them. So a useful use
    always raises it, a misleading one always lowers it, and an unused memory is worth 1/2 to 2/3.
    Times do not matter.
    """

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}  # in the order of adding

    def added(self, item: Remembered, *, at: float) -> None:
        """Something is remembered from now on."""
        self._records.pop(item.id, None)
        self._records[item.id] = _Record(surprise=min(max(item.surprise, 0.0), 1.0))

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """It was recalled, and perhaps judged."""
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
        """It is no longer remembered."""
        self._records.pop(item_id, None)

    def retention(self, *, at: float) -> Mapping[str, float]:
        """Trust x use of each, oldest first."""
        return {item_id: record.value for item_id, record in self._records.items()}
