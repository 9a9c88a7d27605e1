"""`Timelines`: which facts hold when, derived from statements in any order."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from embodied_mem.facts.rules import FactRules, Slot
from embodied_mem.facts.statement import Statement
from embodied_mem.facts.triplet import Triplet


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact over the time in which it held without a break.

    Attributes:
        triplet: What holds.
        valid_from: Since when, in the unit of the world.
        valid_until: When it ceased to hold; None: it still does, as far as is known.
        sources: Ids of the experiences in which it was seen, in the order of seeing.
        sequence: Sequence number of the first statement: when it was recorded.
        ids: Ids of the experiences that state it.
    """

    triplet: Triplet
    valid_from: float
    valid_until: float | None = None
    sources: tuple[str, ...] = ()
    sequence: int = 0
    ids: tuple[str, ...] = ()

    def holds_at(self, time: float) -> bool:
        """Whether it holds at a time."""
        return self.valid_from <= time and (self.valid_until is None or time < self.valid_until)


@dataclass(slots=True)
class Interval:
    """A fact as it is built: `Fact` with room to grow."""

    triplet: Triplet
    valid_from: float
    sequence: int
    valid_until: float | None = None
    sources: dict[str, None] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)

    def fact(self) -> Fact:
        """Return the finished record."""
        return Fact(
            triplet=self.triplet,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            sources=tuple(self.sources),
            sequence=self.sequence,
            ids=tuple(self.ids),
        )


class Timelines:
    """The facts of each slot in order of valid time.

    A fact holds from the time at which it was seen until another one of its slot is seen, or until it is said
    to hold no longer. Nothing is stored about the end that a rule gives: it follows from what was seen, so
    that taking statements away (a purge) leaves what one would know without them.

    Args:
        rules: Which facts share a slot.

    Attributes:
        latest: The latest time of a statement; None without one.
    """

    def __init__(self, rules: FactRules) -> None:
        self.rules = rules
        self.latest: float | None = None
        self._statements: dict[Slot, list[Statement]] = defaultdict(list)
        self._intervals: dict[Slot, list[Interval]] = defaultdict(list)
        self._seen_in: dict[str, set[Triplet]] = defaultdict(set)

    def add(self, statement: Statement) -> Slot:
        """Add a statement and return the slot that it changed."""
        slot = self.rules.slot(statement.triplet)
        self.latest = statement.valid_at if self.latest is None else max(self.latest, statement.valid_at)
        statements = self._statements[slot]
        is_late = bool(statements) and statement.order < statements[-1].order
        insort(statements, statement, key=attrgetter("order"))
        if is_late:
            self._intervals[slot] = _intervals(statements)
        else:
            _extend(self._intervals[slot], statement)
        if statement.holds:
            for source in statement.sources:
                self._seen_in[source].add(statement.triplet)
        return slot

    def current(self, slot: Slot) -> Interval | None:
        """What holds in a slot at the end of time; None if nothing is known to."""
        intervals = self._intervals.get(slot)
        return intervals[-1] if intervals and intervals[-1].valid_until is None else None

    def at(self, slot: Slot, time: float) -> Interval | None:
        """What holds in a slot at a time; None if nothing is known to."""
        intervals = self._intervals.get(slot, [])
        before = bisect_right(intervals, time, key=attrgetter("valid_from"))
        if not before:
            return None
        last = intervals[before - 1]
        return last if last.valid_until is None or time < last.valid_until else None

    def holding(self, time: float | None) -> Iterator[Interval]:
        """All that holds at a time; None: at the end of time."""
        for slot in self._intervals:
            interval = self.current(slot) if time is None else self.at(slot, time)
            if interval is not None:
                yield interval

    def history(self) -> Iterator[Interval]:
        """All that holds or held, slot by slot, in order of time."""
        for intervals in self._intervals.values():
            yield from intervals

    def is_stated(self, triplet: Triplet, *, holds: bool, time: float, sources: Iterable[str]) -> bool:
        """Whether exactly this was stated already: at this time, with at least these sources."""
        statements = self._statements.get(self.rules.slot(triplet), [])
        start = bisect_left(statements, time, key=attrgetter("valid_at"))
        wanted = set(sources)
        for each in statements[start:]:
            if each.valid_at != time:
                return False
            if each.triplet == triplet and each.holds == holds and wanted <= set(each.sources):
                return True
        return False

    def size_of(self, source: str) -> int:
        """Number of different facts that were seen in a source."""
        return len(self._seen_in.get(source, ()))

    def was_visited(self, place: str) -> bool:
        """Whether the agent was seen at a place, at any time."""
        slots = self.rules.slots_of_agent()
        visits = (interval for slot in slots for interval in self._intervals.get(slot, ()))
        return any(interval.triplet.object == place for interval in visits)


def _intervals(statements: Iterable[Statement]) -> list[Interval]:
    intervals: list[Interval] = []
    for each in statements:
        _extend(intervals, each)
    return intervals


def _extend(intervals: list[Interval], new: Statement) -> None:
    """Add the next statement of a slot to its intervals."""
    last = intervals[-1] if intervals else None
    if last is not None and last.valid_until is None and (new.holds or last.triplet == new.triplet):
        if not (new.holds and last.triplet == new.triplet):
            last.valid_until = new.valid_at
        if last.valid_until == last.valid_from:  # it never held: another entry says otherwise of that time
            intervals.pop()
            last = intervals[-1] if intervals else None
    if not new.holds:
        return
    if last is None or last.triplet != new.triplet or last.valid_until not in (None, new.valid_at):
        last = Interval(new.triplet, new.valid_at, new.sequence)
        intervals.append(last)
    last.valid_until = None
    last.sources |= dict.fromkeys(new.sources)
    last.ids.append(new.id)
