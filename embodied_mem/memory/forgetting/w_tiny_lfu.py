"""`WTinyLfu`: a small window for new items, and a main part that admits the more frequently used."""

from collections import OrderedDict
from collections.abc import Mapping

from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.forgetting.frequency_sketch import FrequencySketch
from embodied_mem.records.remembered import Remembered

WINDOW_SHARE = 0.01  # window's share of the capacity, at least one item (the paper's W-TinyLFU (1 %))
PROTECTED_SHARE = 0.8  # protected share of the main part

_Queue = OrderedDict[str, None]  # least recently used first


class WTinyLfu:
    """Keeps frequently used items, gives new ones a trial, and resists long scans.

    W-TinyLFU (Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM ToS 2017,
    section 4): an LRU window of 1 %, a main part of segmented LRU (probation, and 80 % protected), and a
    frequency sketch with periodic halving. Once the main part is full, an item that leaves the window
    competes with the least recently used of probation: the one with the lower count loses; ties: the new one.

    `retention` lists losers first. A caller that removes one item for each item above the capacity runs the
    paper's policy. A loser that is used before its removal re-enters the window.

    Args:
        capacity: Number of items to keep, >= 2.
        seed: Selects the hash functions of the sketch.
        window_share: The window's share of the capacity, in (0, 1); at least one item.
    """

    def __init__(self, capacity: int, *, seed: int = 0, window_share: float = WINDOW_SHARE) -> None:
        if isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 2:
            raise InvalidQuery(f"capacity is {capacity!r}; expected an integer of at least 2")
        if not 0 < window_share < 1:
            raise InvalidQuery(f"window_share is {window_share!r}; expected a number between 0 and 1")
        self.capacity = capacity
        self._window_size = min(max(1, round(window_share * capacity)), capacity - 1)
        self._main_size = capacity - self._window_size
        self._protected_size = int(PROTECTED_SHARE * self._main_size)
        self._sketch = FrequencySketch(capacity, seed=seed)
        self._losers: _Queue = OrderedDict()
        self._probation: _Queue = OrderedDict()
        self._protected: _Queue = OrderedDict()
        self._window: _Queue = OrderedDict()

    def added(self, item: Remembered, *, at: float) -> None:
        """Add an item to the window, or restart a known one."""
        self.removed(item.id)
        self._sketch.increment(item.id)
        self._enter(item.id)

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """Count a recall; `helped` is ignored."""
        queue = self._queue_of(item_id)
        if queue is None:
            return
        self._sketch.increment(item_id)
        if queue is self._losers:
            del self._losers[item_id]
            self._enter(item_id)
        elif queue is self._probation:
            del self._probation[item_id]
            self._protect(item_id)
        else:
            queue.move_to_end(item_id)

    def removed(self, item_id: str) -> None:
        """Drop an item; the sketch keeps its count."""
        queue = self._queue_of(item_id)
        if queue is not None:
            del queue[item_id]

    def retention(self, *, at: float) -> Mapping[str, float]:
        """Return the position of each item in the order of removal, from 1; times have no effect."""
        queues = (self._losers, self._probation, self._protected, self._window)
        order = [item_id for queue in queues for item_id in queue]
        return {item_id: float(place) for place, item_id in enumerate(order, start=1)}

    def _enter(self, item_id: str) -> None:
        self._window[item_id] = None
        if len(self._window) <= self._window_size:
            return
        candidate, _ = self._window.popitem(last=False)
        self._probation[candidate] = None
        if len(self._probation) + len(self._protected) > self._main_size:
            loser = self._loser_against(candidate)
            self._losers[loser] = None
            self._remove_from_main(loser)

    def _loser_against(self, candidate: str) -> str:
        """Return the loser: the candidate or the main part's least recently used item."""
        others = self._probation if len(self._probation) > 1 else self._protected
        victim = next(iter(others), candidate)
        is_better = self._sketch.estimate(candidate) > self._sketch.estimate(victim)
        return victim if is_better else candidate

    def _remove_from_main(self, loser: str) -> None:
        (self._probation if loser in self._probation else self._protected).pop(loser)

    def _protect(self, item_id: str) -> None:
        self._protected[item_id] = None
        if len(self._protected) > self._protected_size:
            demoted, _ = self._protected.popitem(last=False)
            self._probation[demoted] = None

    def _queue_of(self, item_id: str) -> _Queue | None:
        queues = (self._window, self._probation, self._protected, self._losers)
        return next((queue for queue in queues if item_id in queue), None)
