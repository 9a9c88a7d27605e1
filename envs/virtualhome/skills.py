"""Skill calls as actions: what is not seen cannot be acted on; what the simulator refuses is a failure.

A skill walks up to what it needs, if that has been seen. No skill does a planner's work: none looks for
things, opens, fetches, puts down or stands up, unless it was called for that.
"""

from collections.abc import Mapping
from typing import TypeAlias

from embodied_mem.envs.building import Steps
from embodied_mem.envs.virtualhome.actions import action
from embodied_mem.envs.virtualhome.env import VirtualHomeEnv
from embodied_mem.envs.virtualhome.home import AGENT, way_between
from embodied_mem.envs.virtualhome.known import Known
from embodied_mem.envs.virtualhome.offers import Offers
from embodied_mem.envs.virtualhome.reasons import failure, obstacle_of
from embodied_mem.envs.virtualhome.skill_table import BY_NAME, SkillRow
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

    def __init__(self, env: VirtualHomeEnv, known: Known, names: Mapping[int, str]) -> None:
        self._home, self._env = env.home, env
        self._known, self._names = known, names
        self._offers = Offers(env, known, names)
        self.outcome: Outcome = ("", False)

    def skills(self) -> tuple[Skill, ...]:
        """The skills of the moment, with what may be meant now as choices."""
        return self._offers.skills()

    def run(self, row: SkillRow, texts: tuple[str, ...]) -> Steps:
        """The actions of a call."""
        ids: tuple[int, ...] = ()
        if row.name == "explore":
            ids = (self._unseen_room(),)
        else:
            ids = tuple(self._find(text, role_at, row) for role_at, text in enumerate(texts))
            self._check_visible(row, ids)
        self.outcome = ("", False)
        if (
            row.approaches
            and not self._home.things[ids[-1]].is_body
            and not self._env.simulation.is_near(ids[-1])
        ):
            yield from self._repeat(BY_NAME["go_to"], ids[-1:])
        if not self.outcome[0]:
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
        offered = self._offers.ids(row, at)
        if offered and not self._known.is_name(text):  # what is at hand before what has to be walked to
            offered = sorted(offered, key=lambda id: not self._env.simulation.is_near(id))
        id = self._known.find(text, first=offered)
        if id is None:
            raise self._nothing_fits(text, at, row)
        if row.where[at] == "held" and id not in self._home.held:
            raise failure("not_held", [self._names[id]], done=row.done)
        return id

    def _nothing_fits(self, text: str, at: int, row: SkillRow) -> Exception:
        """The failure where no known thing is meant: it is unseen, or nothing that is held fits."""
        if row.where[at] != "held" or not self._known.is_anything(text):
            return failure("unseen", [text], done=row.done)
        held = [self._names[id] for id in self._home.held]
        return failure("cannot" if held else "empty_handed", held[:1], done=row.done)

    def _unseen_room(self) -> int:
        here = self._home.room_of(AGENT)
        ways = [way_between(self._home.doors, here, each) for each in self._home.rooms]
        unseen = [way for way in ways if way and way[-1] not in self._known.visited]
        if not unseen:
            raise failure("all_seen", [], done="")
        return min(unseen, key=lambda way: (len(way), way[-1]))[-1]

    def _check_visible(self, row: SkillRow, ids: tuple[int, ...]) -> None:
        """Refuse to act on what cannot be seen from here; the simulator would allow some of it."""
        if row.name == "go_to":
            return
        for at, id in enumerate(ids):
            closed = self._home.closed_around(id)
            if closed is not None:
                raise failure("closed_in", [self._names[id]], done=row.done, closed=self._names[closed])
            if not self._is_here(id) and not (row.approaches and at == len(ids) - 1):
                raise failure("far", [self._names[id]], done=row.done)

    def _is_here(self, id: int) -> bool:
        thing = self._home.things[id]
        return thing.is_room or thing.is_body or self._home.room_of(id) == self._home.room_of(AGENT)

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
