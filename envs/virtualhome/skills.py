"""Skill calls as actions: what is not seen cannot be acted on; what the simulator refuses is a failure.

No skill does a planner's work: none opens, fetches, puts down or stands up, unless it was called for that.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from embodied_mem.envs.building import Steps
from embodied_mem.envs.virtualhome.actions import action
from embodied_mem.envs.virtualhome.env import VirtualHomeEnv
from embodied_mem.envs.virtualhome.home import AGENT, way_between
from embodied_mem.envs.virtualhome.known import Known
from embodied_mem.envs.virtualhome.reasons import failure, obstacle_of
from embodied_mem.envs.virtualhome.skill_table import ROWS, SkillRow, as_skill
from embodied_mem.records.skills import Skill

Outcome: TypeAlias = tuple[str, bool]
"""The simulator's message after a step, and whether a walk goes on."""


class Controller:
    """Turns calls into actions in one episode.

    Args:
        env: The environment; it is read, and never stepped.
        known: What the agent knows.
        names: Names of the things.
    """

    def __init__(self, env: VirtualHomeEnv, known: Known, names: dict[int, str]) -> None:
        self._home, self._env = env.home, env
        self._known, self._names = known, names
        self._near: tuple[int, frozenset[int]] = (-1, frozenset())
        self.outcome: Outcome = ("", False)

    def skills(self) -> tuple[Skill, ...]:
        """Every skill, with what may be meant now as choices."""
        return tuple(as_skill(row, self._choices(row)) for row in ROWS)

    def run(self, row: SkillRow, texts: tuple[str, ...]) -> Steps:
        """The actions of a call."""
        if row.name == "explore":
            ids = (self._unseen_room(),)
        else:
            ids = tuple(self._find(text, role_at, row) for role_at, text in enumerate(texts))
            self._check_visible(row, ids)
        yield from self._repeat(row, ids)
        message = self.outcome[0]
        if message and not self._has_effect(row, ids):
            raise self._failure(message, row, ids)

    def _repeat(self, row: SkillRow, ids: tuple[int, ...]) -> Steps:
        """The action, again as long as a walk goes on."""
        is_room = bool(ids) and self._home.things[ids[0]].is_room
        name = "WALK" if row.action == "FIND" and is_room else row.action
        while True:
            yield action(name, *ids)
            if not self.outcome[1]:
                return

    def _find(self, text: str, at: int, row: SkillRow) -> int:
        id = self._known.find(text, first=self._offered(row, at))
        if id is None:
            raise failure("unseen", [text], done=row.done)
        return id

    def _unseen_room(self) -> int:
        here = self._home.room_of(AGENT)
        ways = [way_between(self._home.doors, here, each) for each in self._home.rooms]
        unseen = [way for way in ways if way and way[-1] not in self._known.visited]
        if not unseen:
            raise failure("all_seen", [], done="")
        return min(unseen, key=lambda way: (len(way), way[-1]))[-1]

    def _check_visible(self, row: SkillRow, ids: tuple[int, ...]) -> None:
        """Refuse to act on what cannot be seen now; the simulator would allow some of it."""
        if row.name == "go_to":
            return
        for id in ids:
            closed = self._home.closed_around(id)
            thing = self._home.things[id]
            if closed is not None:
                raise failure("closed_in", [self._names[id]], done=row.done, closed=self._names[closed])
            is_here = thing.is_room or thing.is_body or self._home.room_of(id) == self._home.room_of(AGENT)
            if not is_here:
                raise failure("far", [self._names[id]], done=row.done)

    def _has_effect(self, row: SkillRow, ids: tuple[int, ...]) -> bool:
        """Whether what the skill is for holds already, so that the simulator had nothing to do."""
        if row.effect in ("SITTING", "LYING"):
            is_on = ids[0] in self._env.simulation.to(AGENT, "ON")
            return is_on and row.effect in self._home.states(AGENT)
        if not row.effect or self._home.things[ids[0]].is_room:
            return False
        if row.effect in ("held", "in", "on"):
            place = self._home.place(ids[0])
            return (
                place.relation == row.effect
                and place.parent == (AGENT, *ids)[len(ids) if len(ids) > 1 else 0]
            )
        return row.effect in self._home.states(ids[0])

    def _failure(self, message: str, row: SkillRow, ids: tuple[int, ...]) -> Exception:
        code = obstacle_of(message)
        if code == "closed" and "CLOSED" not in self._home.states(ids[-1]):
            code = "cannot"
        states = self._home.states(AGENT)
        closed = self._home.closed_around(ids[0]) if code == "closed_in" and ids else None
        return failure(
            code,
            [self._names[id] for id in ids],
            done=row.done,
            held=[self._names[id] for id in self._home.held],
            closed=self._names[closed] if closed is not None else "something",
            posture="lying" if "LYING" in states else "sitting",
        )

    # What may be meant

    def _choices(self, row: SkillRow) -> tuple[tuple[str, ...], ...]:
        offered = (self._offered(row, at) for at in range(len(row.roles)))
        return tuple(tuple(self._names[id] for id in each) for each in offered)

    def _offered(self, row: SkillRow, at: int) -> list[int]:
        """Ids of the things that a parameter offers, those with short names first."""
        if not row.roles:
            return []
        needs = row.needs[at]
        found = [
            id for id in self._where(row.where[at]) if not needs or not needs.isdisjoint(self._abilities(id))
        ]
        return sorted(
            found, key=lambda id: (not self._home.things[id].is_room, self._names[id].count(" "), id)
        )

    def _where(self, where: str) -> Iterable[int]:
        seen = self._visible()
        held = set(self._home.held)
        if where == "held":
            return held
        if where == "worn":
            return [
                id
                for id in self._home.children(AGENT)
                if id not in held and not self._home.things[id].is_body
            ]
        if where == "known":
            return [*self._home.rooms, *(id for id in self._known.sightings if id not in held)]
        if where == "seen":
            return [id for id in seen if id not in held]
        near = self._near_now()
        return [*(id for id in seen if id in near and id not in held), *self._body(near)]

    def _visible(self) -> list[int]:
        return self._home.visible_in(self._home.room_of(AGENT))

    def _body(self, near: frozenset[int]) -> Iterator[int]:
        return (id for id in sorted(near) if id in self._home.things and self._home.things[id].is_body)

    def _near_now(self) -> frozenset[int]:
        if self._near[0] != self._env.n_steps:
            self._near = (self._env.n_steps, frozenset(self._env.near()))
        return self._near[1]

    def _abilities(self, id: int) -> frozenset[str]:
        """The properties of a thing, and two classes that the simulator treats like one."""
        thing = self._home.things[id]
        extra = {"water": "WATER", "keyboard": "KEYBOARD", "desk": "CAN_OPEN", "window": "CAN_OPEN"}
        return thing.properties | {extra.get(thing.class_name, "")}
