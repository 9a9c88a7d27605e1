"""What the agent knows in an episode: every thing it has seen, as it was when it was seen last."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from embodied_mem.envs.virtualhome.home import AGENT, Home, Place
from embodied_mem.records.json_values import JsonObject, JsonValue

_ARTICLES = frozenset(("the", "a", "an", "some", "any"))
_ANYTHING = frozenset(("something", "anything", "thing", "object", "one"))


@dataclass(frozen=True, slots=True)
class Sighting:
    """A thing as it was seen.

    Attributes:
        id: Its id.
        name: Its name.
        room: Name of the room.
        class_name: The simulator's name for such things.
        relation: `in`, `on`, `held` or `worn`.
        parent: Name of what it was in or on; the room's if it stood there, `agent` if it was held or worn.
        states: Its states in lower case, sorted.
    """

    id: int
    name: str
    class_name: str
    room: str
    relation: str
    parent: str
    states: tuple[str, ...]

    def as_fact(self) -> JsonObject:
        """The sighting as JSON; `relation` is `in`, `on`, `held` or `worn`."""
        states: list[JsonValue] = list(self.states)
        return {
            "id": self.id,
            "name": self.name,
            "class": self.class_name,
            "room": self.room,
            "relation": self.relation,
            "to": self.parent,
            "states": states,
        }


class Known:
    """The ledger of an episode.

    Args:
        home: The home; only what is visible is taken from it.
        names: Names of its things.
    """

    def __init__(self, home: Home, names: Mapping[int, str]) -> None:
        self._home, self._names = home, names
        self._ids = {name.lower(): id for id, name in names.items()}
        self._made: dict[int, tuple[frozenset[str], Place, int, Sighting]] = {}
        self.sightings: dict[int, Sighting] = {}
        self.seen_at: dict[int, int] = {}
        self.visited: set[int] = set()

    def see(self, room: int, visible: Iterable[int], *, step: int) -> list[Sighting]:
        """Take in what is visible at a step; return what is new, or different from before."""
        self.visited.add(room)
        changed = []
        for id in visible:
            sighting = self._sighting(id, room)
            self.seen_at[id] = step
            if self.sightings.get(id) is not sighting:
                self.sightings[id] = sighting
                changed.append(sighting)
        return changed

    def see_again(self, visible: Iterable[int], *, step: int) -> None:
        """Note that the same things were seen unchanged."""
        self.seen_at.update(dict.fromkeys(visible, step))

    def is_known(self, id: int) -> bool:
        """Whether it has been seen; rooms and the agent's body are always known."""
        thing = self._home.things[id]
        return thing.is_room or thing.is_body or id in self.sightings

    def find(self, text: str, *, first: Iterable[int] = ()) -> int | None:
        """Id of what a text means: a name, or a description that fits something known.

        Args:
            text: Such as `cup 1`, `the cup` or `something`.
            first: Ids to prefer among those that fit, best first; `something` can mean nothing else.
        """
        words = [word for word in re.findall(r"[^\W_]+", text.lower()) if word not in _ARTICLES]
        named = self._ids.get(" ".join(words))
        if named is not None:
            return named if self.is_known(named) else None
        wanted = {word for word in words if word not in _ANYTHING}
        known = [*first, *self._rooms_and_body(), *sorted(self.sightings)] if wanted else [*first]
        fitting = [id for id in known if wanted <= set(self._names[id].lower().split())]
        return fitting[0] if fitting else None

    def is_name(self, text: str) -> bool:
        """Whether a text is the name of a thing of this home, seen or not."""
        return text.strip().lower() in self._ids

    @staticmethod
    def is_anything(text: str) -> bool:
        """Whether a text such as `something` describes no thing in particular."""
        return set(text.lower().split()) <= _ARTICLES | _ANYTHING

    def _rooms_and_body(self) -> list[int]:
        return [id for id, thing in sorted(self._home.things.items()) if thing.is_room or thing.is_body]

    def _sighting(self, id: int, room: int) -> Sighting:
        """The sighting of a thing; the same object as long as nothing has changed."""
        home = self._home
        states, place = home.states(id), home.place(id)
        made = self._made.get(id)
        if made is not None and made[0] == states and made[1] == place and made[2] == room:
            return made[3]
        is_worn = place.relation == "on" and place.parent == AGENT
        sighting = Sighting(
            id=id,
            name=self._names[id],
            class_name=home.things[id].class_name,
            room=self._names[room],
            relation="worn" if is_worn else place.relation,
            parent="agent" if place.parent == AGENT else self._names[place.parent],
            states=tuple(sorted(state.lower() for state in states)),
        )
        self._made[id] = (states, place, room, sighting)
        return sighting
