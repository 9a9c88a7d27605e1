"""What the arguments of skills may be now: by what is known or seen, and by properties; nothing is tried."""

from collections.abc import Callable, Iterable, Mapping

from embodied_mem.envs.virtualhome.env import VirtualHomeEnv
from embodied_mem.envs.virtualhome.home import AGENT
from embodied_mem.envs.virtualhome.known import Known
from embodied_mem.envs.virtualhome.skill_table import ONLY_DOWN, ROWS, SkillRow, as_skill
from embodied_mem.records.skills import Skill

# Two classes that the simulator treats as if they had a property, and two properties of our own.
_EXTRA = {"water": "WATER", "keyboard": "KEYBOARD", "desk": "CAN_OPEN", "window": "CAN_OPEN"}


class Offers:
    """The choices of one episode, made anew for each step that asks for them.

    Args:
        env: The environment.
        known: What the agent knows.
        names: Names of the things.
    """

    def __init__(self, env: VirtualHomeEnv, known: Known, names: Mapping[int, str]) -> None:
        self._env, self._home = env, env.home
        self._known, self._names = known, names
        self._rank = {id: at for at, id in enumerate(sorted(self._home.things, key=self._order))}
        self._fitting: dict[frozenset[str], frozenset[int]] = {}
        self._groups: dict[str, list[int]] = {}
        self._made_at = -1

    def skills(self) -> tuple[Skill, ...]:
        """The skills of the moment with their choices."""
        is_down = not self._env.can_walk
        rows = (row for row in ROWS if is_down or row.name not in ONLY_DOWN)
        return tuple(as_skill(row, self._choices(row)) for row in rows)

    def ids(self, row: SkillRow, at: int) -> list[int]:
        """Ids of the things that a parameter offers: rooms first, then those with short names."""
        needs, group = row.needs[at], self._group(row.where[at])
        if not needs:
            return group
        fitting = self._fitting.get(needs)
        if fitting is None:
            fitting = self._fitting[needs] = frozenset(
                id for id, thing in self._home.things.items() if not needs.isdisjoint(self._abilities(id))
            )
        return [id for id in group if id in fitting]

    def _choices(self, row: SkillRow) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(self._names[id] for id in self.ids(row, at)) for at in range(len(row.roles)))

    def _group(self, where: str) -> list[int]:
        if self._made_at != self._env.n_steps:
            self._groups, self._made_at = {}, self._env.n_steps
        if where not in self._groups:
            self._groups[where] = sorted(self._makers[where](self), key=self._rank.__getitem__)
        return self._groups[where]

    def _known_things(self) -> Iterable[int]:
        held = set(self._home.held)
        return [*self._home.rooms, *(id for id in self._known.sightings if id not in held)]

    def _seen(self) -> Iterable[int]:
        held = set(self._home.held)
        return [id for id in self._home.visible_in(self._home.room_of(AGENT)) if id not in held]

    def _reach(self) -> Iterable[int]:
        return [*self._group("seen"), *(id for id, thing in self._home.things.items() if thing.is_body)]

    def _faced(self) -> Iterable[int]:
        faced = self._env.simulation.faced()
        return [id for id in self._home.visible_in(self._home.room_of(AGENT)) if id in faced]

    def _held(self) -> Iterable[int]:
        return self._home.held

    def _worn(self) -> Iterable[int]:
        places = {id: self._home.place(id) for id in self._home.children(AGENT)}
        return [id for id, place in places.items() if place.relation == "on"]

    _makers: Mapping[str, Callable[["Offers"], Iterable[int]]] = {
        "known": _known_things,
        "seen": _seen,
        "reach": _reach,
        "faced": _faced,
        "held": _held,
        "worn": _worn,
    }

    def _order(self, id: int) -> tuple[bool, int, int]:
        return not self._home.things[id].is_room, self._names[id].count(" "), id

    def _abilities(self, id: int) -> frozenset[str]:
        thing = self._home.things[id]
        return thing.properties | {_EXTRA.get(thing.class_name, "")}
