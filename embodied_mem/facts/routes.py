"""The way from one place to another over known exits."""

from collections import deque
from collections.abc import Collection

from embodied_mem.facts.graph import FactGraph
from embodied_mem.facts.triplet import Triplet


def route(graph: FactGraph, start: str, goal: str, *, exits: Collection[str]) -> list[Triplet] | None:
    """Return the exits to take in turn, as few as possible: (kitchen, north, hall), (hall, east, garden).

    What AriGraph's action "go to" walks along (arXiv 2407.04363, section 3). An exit leads from its subject
    to its object; the way back is known once it was seen.

    Args:
        graph: What is known.
        start: Name of the place where the way begins.
        goal: Name of the place where it ends.
        exits: The relations that link places.

    Returns:
        The exits; empty if the two places are one, None if no way is known.
    """
    came_by: dict[str, Triplet | None] = {start: None}
    places = deque([start])
    while places and goal not in came_by:
        place = places.popleft()
        for triplet in graph.facts_of(place):
            if triplet.subject == place and triplet.relation in exits and triplet.object not in came_by:
                came_by[triplet.object] = triplet
                places.append(triplet.object)
    if goal not in came_by:
        return None
    way: list[Triplet] = []
    while (last := came_by[way[-1].subject if way else goal]) is not None:
        way.append(last)
    return way[::-1]
