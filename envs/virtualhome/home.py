"""Where everything is, derived from a graph: rooms, what lies on or in what, and what is open.

The simulator's graph says more than it means: a lamp is inside a room, on a floor and close to two hundred
things; two curtains are inside each other. Here each thing has one place: held by the agent, in a thing, on a
thing, or in a room. `docs/virtualhome.md` has the rules.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from embodied_mem.envs.virtualhome.problems import Graph

AGENT = 65  # the character's id in every graph
STRUCTURE = frozenset(("wall", "ceiling", "floor", "door", "doorjamb"))  # of the building: no things of ours
BUILT_IN = frozenset(("sink", "faucet"))  # visible although their counter is closed
PLACES = ("HOLDS_RH", "HOLDS_LH", "INSIDE", "ON")


@dataclass(frozen=True, slots=True)
class Thing:
    """What never changes about a node of the graph."""

    id: int
    class_name: str
    category: str
    properties: frozenset[str]

    @property
    def is_room(self) -> bool:
        """Whether it is a room."""
        return self.category == "Rooms"

    @property
    def is_body(self) -> bool:
        """Whether it is a part of the agent's body, such as its hands."""
        return "BODY_PART" in self.properties


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing is.

    Attributes:
        relation: `held`, `in` or `on`.
        parent: The thing or room that it is in or on; the agent if it is held.
    """

    relation: str
    parent: int


class Readable(Protocol):
    """The state of a home: a running simulation, or a graph."""

    def states(self, id: int) -> frozenset[str]:
        """Names of an object's states."""
        ...

    def to(self, id: int, relation: str) -> Sequence[int]:
        """Ids of the objects to which it stands in the relation, sorted."""
        ...


@dataclass(slots=True)
class GraphState:
    """The state that a graph describes."""

    graph: Graph
    _states: dict[int, frozenset[str]] = field(default_factory=dict)
    _edges: dict[tuple[int, str], list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._states = {node["id"]: frozenset(node["states"]) for node in self.graph["nodes"]}
        for edge in self.graph["edges"]:
            self._edges.setdefault((edge["from_id"], edge["relation_type"]), []).append(edge["to_id"])

    def states(self, id: int) -> frozenset[str]:
        """Names of an object's states."""
        return self._states[id]

    def to(self, id: int, relation: str) -> list[int]:
        """Ids of the objects to which it stands in the relation, sorted."""
        return sorted(self._edges.get((id, relation), ()))


class Home:
    """The places and states of one episode, kept up to date from action to action.

    Args:
        graph: The home at the start.

    Attributes:
        things: Every thing and room by id; walls, ceilings, floors and doors are left out.
        version: Raised whenever a place or a state changed.
    """

    def __init__(self, graph: Graph) -> None:
        nodes = [_thing(node) for node in graph["nodes"]]
        self.things = {thing.id: thing for thing in nodes if thing.class_name not in STRUCTURE}
        self.rooms = sorted(thing.id for thing in nodes if thing.is_room)
        self.doors = doors_between(graph)
        self.version = 0
        self._states: dict[int, frozenset[str]] = {}
        self._places: dict[int, Place] = {}
        self._children: dict[int, set[int]] = {}
        self.update(sorted(set(self.things) - set(self.rooms)), GraphState(graph))
        for room in self.rooms:
            self._states[room] = frozenset()

    def update(self, ids: Iterable[int], state: Readable) -> None:
        """Read the states and places of these things anew."""
        for id in ids:
            if id in self.things and not self.things[id].is_room:
                self._set(id, state.states(id), self._place(id, state))

    def states(self, id: int) -> frozenset[str]:
        """Names of a thing's states."""
        return self._states[id]

    def place(self, id: int) -> Place:
        """Where a thing is."""
        return self._places[id]

    def children(self, id: int) -> list[int]:
        """What is in, on or held by it, sorted."""
        return sorted(self._children.get(id, ()))

    def room_of(self, id: int) -> int:
        """The room that a thing is in, through all that it is in or on."""
        while not self.things[id].is_room:
            id = self._places[id].parent
        return id

    @property
    def held(self) -> list[int]:
        """What the agent holds, sorted."""
        return [id for id in self.children(AGENT) if self._places[id].relation == "held"]

    def closed_around(self, id: int) -> int | None:
        """The innermost closed thing that hides it; None if nothing does."""
        while not self.things[id].is_room:
            place = self._places[id]
            if self._hides(id, place):
                return place.parent
            id = place.parent
        return None

    def visible_in(self, room: int) -> list[int]:
        """The things in a room that are in nothing closed, sorted; the agent and its body are left out."""
        found: list[int] = []
        waiting = deque([room])
        while waiting:
            parent = waiting.popleft()
            for id in self._children.get(parent, ()):
                if not self._hides(id, self._places[id]):
                    waiting.append(id)
                    found.append(id)
        return sorted(id for id in found if id != AGENT and not self.things[id].is_body)

    def _hides(self, id: int, place: Place) -> bool:
        is_inside = place.relation == "in" and not self.things[place.parent].is_room
        return (
            is_inside
            and "CLOSED" in self._states[place.parent]
            and self.things[id].class_name not in BUILT_IN
        )

    def _place(self, id: int, state: Readable) -> Place:
        if id in state.to(AGENT, "HOLDS_RH") or id in state.to(AGENT, "HOLDS_LH"):
            return Place("held", AGENT)
        rooms = [each for each in state.to(id, "INSIDE") if each in self.rooms]
        if id != AGENT:
            for relation in ("INSIDE", "ON"):
                for parent in state.to(id, relation):
                    if parent in self.things and parent not in self.rooms and not self._is_under(parent, id):
                        return Place("in" if relation == "INSIDE" else "on", parent)
        return Place("in", rooms[0])

    def _is_under(self, id: int, above: int) -> bool:
        """Whether a thing is in or on another, through any number of things: no thing is in itself."""
        while id != above:
            place = self._places.get(id)
            if place is None or place.parent in self.rooms:
                return False
            id = place.parent
        return True

    def _set(self, id: int, states: frozenset[str], place: Place) -> None:
        before = self._places.get(id)
        if before == place and self._states.get(id) == states:
            return
        if before is not None:
            self._children[before.parent].discard(id)
        self._children.setdefault(place.parent, set()).add(id)
        self._places[id], self._states[id] = place, states
        self.version += 1


def doors_between(graph: Graph) -> dict[int, set[int]]:
    """Room -> rooms next to it, by the doors and doorways of the graph."""
    sides: dict[int, list[int]] = {}
    for edge in graph["edges"]:
        if edge["relation_type"] == "BETWEEN":
            sides.setdefault(edge["from_id"], []).append(edge["to_id"])
    beside: dict[int, set[int]] = {}
    for rooms in sides.values():
        for room in rooms:
            beside.setdefault(room, set()).update(set(rooms) - {room})
    return beside


def way_between(doors: Mapping[int, Iterable[int]], start: int, end: int) -> list[int]:
    """The rooms on the shortest way, without the first; empty if there is no way, or none is needed."""
    came_from = {start: start}
    waiting = deque([start])
    while waiting and end not in came_from:
        room = waiting.popleft()
        for beside in sorted(doors.get(room, ())):
            if beside not in came_from:
                came_from[beside] = room
                waiting.append(beside)
    way: list[int] = []
    while end in came_from and end != start:
        way.append(end)
        end = came_from[end]
    return way[::-1]


def _thing(node: Mapping[str, object]) -> Thing:
    given: Mapping[str, object] = node
    properties = given["properties"]
    return Thing(
        id=int(str(given["id"])),
        class_name=str(given["class_name"]),
        category=str(given["category"]),
        properties=frozenset(map(str, properties)) if isinstance(properties, list) else frozenset(),
    )
