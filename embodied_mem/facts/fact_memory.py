"""`FactMemory`: what is known of a world, as facts in the log of an experience memory."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embodied_mem.facts.known import Known, Overlap
from embodied_mem.facts.routes import route
from embodied_mem.facts.rules import HOME_RULES, FactRules
from embodied_mem.facts.statement import PATHS, Statement, fact_experience, statement_from
from embodied_mem.facts.timelines import Fact
from embodied_mem.facts.triplet import Triplet, normal_name
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.memory.views.view import Follower, View, is_in
from embodied_mem.records.argument_checks import check_type
from embodied_mem.records.experience import Receipt
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind, Span

MAX_PASTS = 4  # states as of an earlier entry that are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class RecalledFact:
    """A recalled fact.

    Attributes:
        fact: The fact.
        score: How near it is to the query, 0 to 1; see `FactGraph.recall`.
        depth: Number of facts between it and a thing that the query names.
    """

    fact: Fact
    score: float
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What came of `learn`.

    Attributes:
        receipts: One for each statement that was recorded.
        kept: The outdated facts that were not ended: exits between places that the agent has visited.
    """

    receipts: tuple[Receipt, ...] = ()
    kept: tuple[Triplet, ...] = ()


class FactMemory:
    """Facts with the time in which they hold, and the entry of the log since which that is known.

    Each sighting of a fact is an experience of kind `fact`, appended and never rewritten: so withdrawals,
    the archive, purges, exports and merges hold for facts as for all experiences. What holds is derived from
    them, incrementally. Safe to share between threads.

    Args:
        memory: Where the facts are recorded; other experiences may lie in it.
        rules: Which facts end others; they are applied when facts are read.

    Raises:
        InvalidQuery: The memory is of another kind, such as one that is frozen.
    """

    def __init__(self, memory: ExperienceMemory, *, rules: FactRules = HOME_RULES) -> None:
        check_type("memory", memory, ExperienceMemory, "an ExperienceMemory, such as store.memory()")
        self.memory = memory
        self.rules = rules
        self._log = LogValues(memory.backend)
        self._views = LogViews(memory.backend)
        self._read = _Statements()
        self._follower = Follower(self._log, (self._read,))
        self._lock = threading.RLock()
        self._state: tuple[_Visible, Known, int] | None = None  # what is seen, from how many statements
        self._pasts: dict[int, Known] = {}
        self._generation = -1

    def learn(
        self,
        triplets: Sequence[Triplet],
        *,
        sources: Sequence[str] = (),
        time: float | None = None,
        outdated: Sequence[Triplet] = (),
        instance: str = "",
    ) -> Learnt:
        """Record that facts were seen, and that others hold no longer; what is recorded already is not again.

        A fact that is seen again gets one more source. A fact that a rule excludes is ended by the new one. A
        late sighting (an earlier `time` than others) takes its place in the past and ends nothing that was
        seen after it. Of facts that exclude one another at one time the last told is kept; telling one of
        them again changes nothing.

        Args:
            triplets: The facts that were seen.
            sources: Ids of the experiences in which they were seen; purging one takes the sighting away.
            time: When they were seen, in a unit that the caller chooses once for the memory, such as seconds
                or steps; None: the memory's clock, in seconds since the Unix epoch.
            outdated: Facts that hold no longer from then on, though nothing seen excludes them.
            instance: Name of the problem in which they were seen (`Task.instance`), for the leakage guard.

        Raises:
            InvalidRecord: The time is not finite.
            StoreError: The log cannot be written; nothing was learnt.
        """
        with self._lock:
            known = self._known(None)
            ended = dict.fromkeys(map(self.rules.stored, outdated))  # first: what is seen holds
            kept = tuple(each for each in ended if self._is_lasting(known, each))
            said = {each: False for each in ended if each not in kept}
            said |= dict.fromkeys(map(self.rules.stored, triplets), True)
            new = [
                fact_experience(each, holds=holds, sources=source, valid_at=time, instance=instance)
                for each, holds in said.items()
                for source in _one_by_one(sources)
                if time is None or not known.timelines.is_stated(each, holds=holds, time=time, sources=source)
            ]
            return Learnt(receipts=tuple(self.memory.record_all(new)) if new else (), kept=kept)

    def facts(self, *, as_of: int | None = None, valid_at: float | None = None) -> list[Fact]:
        """Return the facts that hold, in the order of recording.

        Args:
            as_of: What was known as of this sequence number (`memory.horizon()`); None: all that is known.
            valid_at: What holds at this time; None: at the end of time.
        """
        with self._lock:
            held = self._known(as_of).timelines.holding(valid_at)
            return sorted((each.fact() for each in held), key=lambda fact: fact.sequence)

    def history(self, name: str, *, as_of: int | None = None) -> list[Fact]:
        """Return all facts about a thing, those that ended too, in order of time."""
        wanted = normal_name(name)
        with self._lock:
            all_of_them = self._known(as_of).timelines.history()
            about = [
                each.fact() for each in all_of_them if wanted in (each.triplet.subject, each.triplet.object)
            ]
        return sorted(about, key=lambda fact: (fact.valid_from, fact.sequence))

    def neighbours(
        self, node: str, depth: int = 1, *, as_of: int | None = None, valid_at: float | None = None
    ) -> list[Fact]:
        """Return the facts within a number of steps of a thing, nearest first."""
        with self._lock:
            known = self._known(as_of)
            near = known.graph_at(valid_at).neighbours(normal_name(node), depth)
            return [known.fact(triplet, valid_at) for triplet in near]

    def recall(
        self,
        query: str,
        *,
        max_depth: int = 2,
        top_k: int = 6,
        threshold: float = 0.75,
        limit: int = 50,
        as_of: int | None = None,
        valid_at: float | None = None,
    ) -> list[RecalledFact]:
        """Return facts near what a text mentions, best first; see `FactGraph.recall`."""
        with self._lock:
            known = self._known(as_of)
            reached = known.graph_at(valid_at).recall(
                query, max_depth=max_depth, top_k=top_k, threshold=threshold, limit=limit
            )
            return [
                RecalledFact(fact=known.fact(each.triplet, valid_at), score=each.score, depth=each.depth)
                for each in reached
            ]

    def episodes_of(self, facts: Sequence[Fact], *, k: int = 2, as_of: int | None = None) -> list[Overlap]:
        """Return the k sources that a set of facts covers best; see `Known.episodes_of`."""
        with self._lock:
            return self._known(as_of).episodes_of(facts, k=k)

    def route(self, start: str, goal: str, *, as_of: int | None = None) -> list[Triplet] | None:
        """Return the exits to take from one place to another; None if no way is known; see `routes.route`."""
        with self._lock:
            graph = self._known(as_of).graph
            return route(graph, normal_name(start), normal_name(goal), exits=self.rules.exits)

    def latest(self, *, as_of: int | None = None) -> float | None:
        """Return the latest time that any fact was seen or said to end; None without facts."""
        with self._lock:
            return self._known(as_of).timelines.latest

    def horizon(self) -> int:
        """Return the newest sequence number; as `as_of` it hides everything recorded later."""
        return self.memory.horizon()

    def _is_lasting(self, known: Known, triplet: Triplet) -> bool:
        """Whether it is an exit between two places that the agent was in, which AriGraph never deletes."""
        was_visited = known.timelines.was_visited
        return (
            triplet.relation in self.rules.exits
            and was_visited(triplet.subject)
            and was_visited(triplet.object)
        )

    def _known(self, as_of: int | None) -> Known:
        """What is known as of an entry, up to date."""
        head = self._log.head()
        self._views.catch_up(head)
        self._follower.catch_up(head)
        if (
            self._generation != self._follower.generation
        ):  # a purge: what was derived may hold what it removed
            self._state, self._pasts, self._generation = None, {}, self._follower.generation
        if as_of is None or as_of >= self._follower.until:
            return self._now()
        if as_of not in self._pasts:
            while len(self._pasts) >= MAX_PASTS:
                del self._pasts[next(iter(self._pasts))]
            self._pasts[as_of] = self._built(self._visible(as_of), self._read.statements)
        return self._pasts[as_of]

    def _now(self) -> Known:
        visible, statements = self._visible(None), self._read.statements
        if self._state is None or self._state[0] != visible:
            known = self._built(visible, statements)
        else:
            known = self._state[1]
            known.add(each for each in statements[self._state[2] :] if visible.shows(each))
        self._state = (visible, known, len(statements))
        return known

    def _built(self, visible: "_Visible", statements: Sequence[Statement]) -> Known:
        known = Known(self.rules)
        known.add(each for each in statements if visible.shows(each))
        return known

    def _visible(self, as_of: int | None) -> "_Visible":
        standing = self._views.standing(as_of)
        return _Visible(standing.spans, frozenset(standing.archived.tolist()))


@dataclass(frozen=True, slots=True)
class _Visible:
    """Which entries count: those of the visible spans that are not archived."""

    spans: tuple[Span, ...]
    archived: frozenset[int]

    def shows(self, statement: Statement) -> bool:
        return is_in(statement.sequence, self.spans) and statement.sequence not in self.archived


class _Statements(View):
    """The statements of a log, in the order of writing."""

    kinds = (EntryKind.EXPERIENCE,)
    paths = PATHS

    def __init__(self) -> None:
        self.clear()

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        statement = statement_from(sequence, values)
        if statement is not None:
            self.statements.append(statement)

    def clear(self) -> None:
        self.statements: list[Statement] = []


def _one_by_one(sources: Sequence[str]) -> list[tuple[str, ...]]:
    """One experience has one source, so that a purge of a source leaves what the others say."""
    return [(source,) for source in dict.fromkeys(sources)] or [()]
