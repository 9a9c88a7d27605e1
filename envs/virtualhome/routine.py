"""What the people of a home change while the agent is away: they move things and leave things on or open.

Each class of things belongs to one person's habits, or to nobody's. On a day a habit is followed with
probability `FOLLOWED`: a thing is moved to the person's place for it, a lamp is left on. The habits follow
from the household alone, the day's events from the day too, so habits can be learnt over days, and what was
seen can be out of date. Places are those of the dataset's catalogue; a thing is put on something, never into
it. This variation is ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from embodied_mem.envs.virtualhome.goals import is_reached
from embodied_mem.envs.virtualhome.home import AGENT, GraphState, Home
from embodied_mem.envs.virtualhome.problems import Goal, Graph

PEOPLE = ("Anna", "Ben")
FOLLOWED = 0.7
LEFT_ALONE = 0.4  # share of the classes that nobody has a habit for
_LEFT = (("ON", "OFF"), ("OPEN", "CLOSED"))


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that somebody changed.

    Attributes:
        person: Who.
        id: Id of the thing.
        to: Id of what it was put on; 0 if its state was changed.
        state: The state it was left in; empty if it was moved.
    """

    person: str
    id: int
    to: int = 0
    state: str = ""


@dataclass(frozen=True, slots=True)
class Household:
    """The habits of the people of a home.

    Attributes:
        seed: Which household.
        catalogue: Class -> classes that such a thing may be put on.
    """

    seed: int
    catalogue: Mapping[str, Sequence[str]]

    def day(self, graph: Graph, goal: Goal, *, day: int) -> tuple[Change, ...]:
        """What was changed by the time the agent comes back; never so that the goal holds already.

        Args:
            graph: The home.
            goal: The goal; states that it names are left alone.
            day: Which day; other days differ in who followed which habit.
        """
        home, rng = Home(graph), np.random.default_rng([self.seed, day])
        things = sorted(id for id in home.things if not home.things[id].is_room and id != AGENT)
        draws = dict(zip(things, rng.random(len(things)).tolist(), strict=True))
        asked = {each.id for each in goal.states}
        changes = [
            change
            for id in things
            if draws[id] < FOLLOWED and (change := self._habit(home, id, asked)) is not None
        ]
        if is_reached(goal, GraphState(changed(graph, changes)), []):
            named = {id for each in goal.relations for id in (each.from_id, each.to_id)}
            changes = [each for each in changes if each.id not in named]
        return tuple(changes)

    def person_of(self, class_name: str) -> str:
        """Whose habit it is to use such things; empty if nobody's."""
        rng = self._rng(class_name)
        return "" if rng.random() < LEFT_ALONE else PEOPLE[int(rng.integers(len(PEOPLE)))]

    def places_for(self, class_name: str) -> list[str]:
        """Classes that the person puts such a thing on, the usual one first."""
        places = sorted(set(self.catalogue.get(class_name, ())))
        order = self._rng(class_name + " places").permutation(len(places))
        return [places[at] for at in order]

    def _habit(self, home: Home, id: int, asked: set[int]) -> Change | None:
        thing = home.things[id]
        person = self.person_of(thing.class_name)
        if not person or home.place(id).parent == AGENT or thing.is_body:
            return None
        if thing.category == "placable_objects":  # the things of daily life; not hangers, drawings and chairs
            if "GRABBABLE" not in thing.properties or home.children(id):
                return None
            to = self._place(home, id)
            return Change(person, id, to=to) if to and home.place(id).parent != to else None
        if id in asked:
            return None
        return self._left(home, id, person)

    def _place(self, home: Home, id: int) -> int:
        for class_name in self.places_for(home.things[id].class_name):
            for other, thing in sorted(home.things.items()):
                if thing.class_name == class_name and other != id and self._is_free(home, other):
                    return other
        return 0

    @staticmethod
    def _is_free(home: Home, id: int) -> bool:
        """Whether things may be put on it: no seats, since the simulator lets nobody sit where much lies."""
        is_seat = not home.things[id].properties.isdisjoint(("SITTABLE", "LIEABLE"))
        return not is_seat and home.closed_around(id) is None and home.place(id).parent != AGENT

    def _left(self, home: Home, id: int, person: str) -> Change | None:
        """A thing with a switch or a lid, in the state that the person usually leaves it in."""
        states = home.states(id)
        for pair in _LEFT:
            now = [state for state in pair if state in states]
            usual = pair[int(self._rng(home.things[id].class_name + pair[0]).integers(2))]
            if now and now[0] != usual and usual != "CLOSED":
                return Change(person, id, state=usual)
        return None

    def _rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *name.encode()])


def read_catalogue(entries: Mapping[str, Sequence[Mapping[str, str]]]) -> dict[str, list[str]]:
    """Class -> classes that such things are put on, from the dataset's `object_script_placing.json`."""
    return {
        name: [each["destination"] for each in places if each["relation"] == "ON"]
        for name, places in entries.items()
    }


def changed(graph: Graph, changes: Sequence[Change]) -> Graph:
    """The home after the changes; the given graph is left as it is."""
    home = Home(graph)
    moved = {each.id: each.to for each in changes if each.to}
    states = {each.id: each.state for each in changes if each.state}
    edges = [edge for edge in graph["edges"] if not _is_undone(edge, moved)]
    for id, to in moved.items():
        room = home.room_of(moved.get(to, to))
        edges += [
            _edge(id, "ON", to),
            _edge(id, "INSIDE", room),
            _edge(id, "CLOSE", to),
            _edge(to, "CLOSE", id),
        ]
    nodes = [_left_in(node, states[node["id"]]) if node["id"] in states else node for node in graph["nodes"]]
    return {"nodes": nodes, "edges": edges}


def _is_undone(edge: Mapping[str, object], moved: Mapping[int, int]) -> bool:
    is_placed = edge["from_id"] in moved and edge["relation_type"] in ("ON", "INSIDE", "CLOSE")
    return is_placed or (edge["to_id"] in moved and edge["relation_type"] == "CLOSE")


def _edge(from_id: int, relation: str, to_id: int) -> dict[str, object]:
    return {"from_id": from_id, "relation_type": relation, "to_id": to_id}


def _left_in(node: Mapping[str, object], state: str) -> dict[str, object]:
    before = node["states"]
    opposite = {a: b for pair in _LEFT for a, b in (pair, pair[::-1])}
    kept = [each for each in before if each != opposite[state]] if isinstance(before, list) else []
    return {**node, "states": [*kept, state]}
