"""`FactGraph`: the facts that hold at one time, as a graph of things: neighbours and recall."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from embodied_mem.errors import InvalidQuery
from embodied_mem.facts.node_words import NodeWords
from embodied_mem.facts.rules import Slot
from embodied_mem.facts.triplet import Triplet

Edges: TypeAlias = dict[Triplet, None]  # in the order of adding


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A fact that a recall came to.

    Attributes:
        triplet: The fact.
        score: Similarity of the query to the node at which the way here began, over 1 + depth; from 0 to 1.
        depth: Number of facts between it and that node; 0 for its own facts.
    """

    triplet: Triplet
    score: float
    depth: int


class FactGraph:
    """A graph whose nodes are subjects and objects and whose edges are facts; it changes fact by fact."""

    def __init__(self) -> None:
        self._in_slot: dict[Slot, Triplet] = {}
        self._edges: dict[str, dict[str, Edges]] = {}  # node -> other end -> facts
        self._words = NodeWords()

    def __len__(self) -> int:
        return len(self._in_slot)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of all nodes."""
        return tuple(self._edges)

    def set(self, slot: Slot, triplet: Triplet | None) -> None:
        """Put a fact in a slot, in place of the one there; None: leave it empty."""
        before = self._in_slot.get(slot)
        if before == triplet:
            return
        if before is not None:
            del self._in_slot[slot]
            self._unlink(before)
        if triplet is not None:
            self._in_slot[slot] = triplet
            self._link(triplet)

    def facts_of(self, node: str) -> Iterator[Triplet]:
        """The facts of a node, those of the newest neighbours first."""
        for edges in reversed(self._edges.get(node, {}).values()):
            yield from reversed(edges)

    def neighbours(self, node: str, depth: int = 1) -> dict[Triplet, int]:
        """Return the facts within a number of steps of a node, nearest first, with their distance."""
        found: dict[Triplet, int] = {}
        seen, ring = {node}, [node]
        for distance in range(depth):
            following: dict[str, None] = {}
            for each in ring:
                for triplet in self.facts_of(each):
                    found.setdefault(triplet, distance)
                    following |= dict.fromkeys((triplet.subject, triplet.object))
            ring = [each for each in following if each not in seen]
            seen.update(ring)
        return found

    def recall(
        self, query: str, *, max_depth: int = 2, top_k: int = 6, threshold: float = 0.75, limit: int = 50
    ) -> list[Reached]:
        """Return facts near what a text mentions: breadth first from the nodes that it names.

        The search of AriGraph (arXiv 2407.04363, section 3: depth and width of a search in the semantic
        memory; the defaults of `top_k` and `threshold` are those of its code). There a language model names
        the items and an embedding compares them with facts; here the words of the query are compared with
        the names of nodes, and the threshold holds for these. Of a node the facts that lead to another named
        node come first, then the newest.

        Args:
            query: Any text, such as the task and what is perceived.
            max_depth: How many facts a way has at most, >= 1.
            top_k: How many facts of a node are followed, >= 1.
            threshold: Least share of a name that the query has, above 0 and up to 1.
            limit: How many facts are returned at most.

        Returns:
            The best first; empty if the query names no node.

        Raises:
            InvalidQuery: A value is out of range.
        """
        _check(max_depth=max_depth, top_k=top_k, limit=limit)
        if not 0 < threshold <= 1:
            raise InvalidQuery(f"threshold is {threshold}; expected a number above 0 and up to 1")
        named = self._words.mentioned(query, threshold=threshold)
        found: dict[Triplet, Reached] = {}
        depths = dict.fromkeys(named, 0)
        ways = deque((node, score) for node, score in named.items())
        while ways and len(found) < limit:
            node, score = ways.popleft()
            depth = depths[node]
            for triplet in islice(self._ranked(node, named), top_k):
                if triplet not in found:
                    found[triplet] = Reached(triplet=triplet, score=score / (1 + depth), depth=depth)
                for end in (triplet.subject, triplet.object):
                    if end not in depths and depth + 1 < max_depth:
                        depths[end] = depth + 1
                        ways.append((end, score))
        return sorted(found.values(), key=lambda each: -each.score)[:limit]

    def _ranked(self, node: str, named: Iterable[str]) -> Iterator[Triplet]:
        """The facts of a node: those to a named node, then the newest."""
        ends = self._edges[node]
        first = [end for end in named if end in ends]
        for end in first:
            yield from reversed(ends[end])
        known = set(first)
        for triplet in self.facts_of(node):
            if (triplet.object if triplet.subject == node else triplet.subject) not in known:
                yield triplet

    def _link(self, triplet: Triplet) -> None:
        for node, end in _ends(triplet):
            ends = self._edges.setdefault(node, {})
            edges = ends.pop(end, {})  # put last: it is the newest
            edges[triplet] = None
            ends[end] = edges
            self._words.add(node)

    def _unlink(self, triplet: Triplet) -> None:
        for node, end in _ends(triplet):
            ends = self._edges[node]
            del ends[end][triplet]
            if not ends[end]:
                del ends[end]
            if not ends:
                del self._edges[node]
                self._words.remove(node)


def _ends(triplet: Triplet) -> list[tuple[str, str]]:
    """Each end with the other one."""
    ends = [(triplet.subject, triplet.object), (triplet.object, triplet.subject)]
    return ends[:1] if triplet.subject == triplet.object else ends


def _check(**counts: int) -> None:
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise InvalidQuery(f"{name} is {count!r}; expected an integer of at least 1")
