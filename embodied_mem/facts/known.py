"""`Known`: timelines and the graph of what holds now, kept in step."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log

from embodied_mem.facts.graph import FactGraph
from embodied_mem.facts.rules import FactRules
from embodied_mem.facts.statement import Statement
from embodied_mem.facts.timelines import Fact, Timelines
from embodied_mem.facts.triplet import Triplet


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of an experience a set of facts covers.

    Attributes:
        source: Id of the experience.
        score: matches / size * log(size): the share of its facts that are in the set, times the natural
            logarithm of their number, >= 0; see `Known.episodes_of`.
        matches: Number of its facts in the set.
        size: Number of its facts.
    """

    source: str
    score: float
    matches: int
    size: int


class Known:
    """All that a list of statements says.

    Args:
        rules: Which facts end others.
    """

    def __init__(self, rules: FactRules) -> None:
        self.timelines = Timelines(rules)
        self.graph = FactGraph()  # of what holds at the end of time
        self._past: dict[float, FactGraph] = {}

    def add(self, statements: Iterable[Statement]) -> None:
        """Add statements in the order of the log."""
        for each in statements:
            slot = self.timelines.add(each)
            interval = self.timelines.current(slot)
            self.graph.set(slot, None if interval is None else interval.triplet)
            self._past.clear()

    def graph_at(self, time: float | None) -> FactGraph:
        """The graph of what holds at a time; None: at the end of time. The last past one is kept."""
        if time is None:
            return self.graph
        if time not in self._past:
            past = FactGraph()
            for interval in self.timelines.holding(time):
                past.set(self.timelines.rules.slot(interval.triplet), interval.triplet)
            self._past = {time: past}
        return self._past[time]

    def fact(self, triplet: Triplet, time: float | None) -> Fact:
        """The record of a fact that holds at a time."""
        slot = self.timelines.rules.slot(triplet)
        interval = self.timelines.current(slot) if time is None else self.timelines.at(slot, time)
        assert interval is not None, "the graph holds what the timelines hold"
        return interval.fact()

    def episodes_of(self, facts: Iterable[Fact], *, k: int) -> list[Overlap]:
        """Return the sources that a set of facts covers best; of equal ones, those met last first.

        AriGraph (arXiv 2407.04363, section 3) weighs an episode by n / N * log(N), where n of its N facts
        were recalled, so that an episode with one fact counts nothing. Its code divides by the best weight,
        by which the best episode always counts 1, however little it has to do with the facts; this does not.
        """
        matches: dict[str, set[Triplet]] = {}
        for fact in facts:
            for source in fact.sources:
                matches.setdefault(source, set()).add(fact.triplet)
        found = []
        for source, triplets in matches.items():
            size = self.timelines.size_of(source)
            if not size:  # purged since, or met later than what is known here
                continue
            found.append(Overlap(source, len(triplets) / size * log(size), len(triplets), size))
        order = {each.source: place for place, each in enumerate(found)}
        return sorted(found, key=lambda each: (-each.score, -order[each.source]))[:k]
