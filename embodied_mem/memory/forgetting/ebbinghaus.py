"""`Ebbinghaus`: the forgetting curve, slower for useful memories and for failures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from embodied_mem.errors import InvalidQuery
from embodied_mem.records.remembered import Remembered

ARCHIVE_BELOW = 0.3  # archive a memory below this retention


@dataclass(slots=True)
class _Trace:
    strength: float  # in the caller's unit of time
    used_at: float


class Ebbinghaus:
    """Retention R = exp(-t / S): t the time since the last use, S the strength of the memory.

    The form of MemoryBank (arXiv 2305.10250, section 3) and SAGE (arXiv 2409.00872). S starts at
    `initial_strength` and grows by the same amount with each useful recall; both are `failure_factor` times
    larger for a failure, so it fades more slowly than a success. Every use resets t to 0.

    MemoryBank's code has exp(-t / 5 * S), which forgets strong memories first, and deletes at random. Here S
    divides and nothing is random: tests/embodied_mem/memory/forgetting/test_inverted_formulas.py.

    Args:
        initial_strength: S of a memory without useful recalls, in the unit of the caller's times, > 0: with
            1.0 and times in episodes, an unused success falls below 0.3 after 1.2 episodes.
        failure_factor: Factor of a failure's strength, >= 1.
    """

    def __init__(self, *, initial_strength: float = 1.0, failure_factor: float = 2.0) -> None:
        if not (math.isfinite(initial_strength) and initial_strength > 0):
            raise InvalidQuery(f"initial_strength is {initial_strength}; expected a finite number above 0")
        if not (math.isfinite(failure_factor) and failure_factor >= 1):
            raise InvalidQuery(f"failure_factor is {failure_factor}; expected a finite number of at least 1")
        self.initial_strength = initial_strength
        self.failure_factor = failure_factor
        self._traces: dict[str, _Trace] = {}  # in the order of adding
        self._growth: dict[str, float] = {}

    def added(self, item: Remembered, *, at: float) -> None:
        """Add an item, or restart a known one."""
        self.removed(item.id)
        strength = self.initial_strength * (self.failure_factor if item.is_failure else 1.0)
        self._traces[item.id] = _Trace(strength, at)
        self._growth[item.id] = strength

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """Note a recall; only one that helped increases the strength."""
        trace = self._traces.get(item_id)
        if trace is not None:
            trace.used_at = max(at, trace.used_at)
            trace.strength += self._growth[item_id] if helped else 0.0

    def removed(self, item_id: str) -> None:
        """Drop an item."""
        self._traces.pop(item_id, None)
        self._growth.pop(item_id, None)

    def retention(self, *, at: float) -> Mapping[str, float]:
        """Return R of each item, in [0, 1], lowest first; the order holds even if R underflows to 0."""
        exponents = {
            item_id: -max(at - trace.used_at, 0.0) / trace.strength for item_id, trace in self._traces.items()
        }
        return {
            item_id: math.exp(exponents[item_id]) for item_id in sorted(exponents, key=exponents.__getitem__)
        }
