"""What a player sees of TextWorld's state, out of all its facts, most of which are hidden.

Seen are: the room, its exits and doors, what stands or lies in it, what is on those things or in open ones,
what is carried, whether a thing is open, and how food was prepared where the text says so. Hidden are the
other rooms, what is in closed things, whether those are locked, which key fits, and what a recipe needs.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from embodied_mem.envs.text_games.turn import PLAYER, Fact

DIRECTIONS = ("north", "south", "east", "west")
PREPARED = ("raw", "roasted", "grilled", "fried", "burned", "sliced", "diced", "chopped")


class View:
    """What is seen at one moment.

    Args:
        facts: TextWorld's own, all of them, with names that a player reads.
        text: The text that the player reads now; prepared food is named in it.
        walked: Pairs of rooms between which the player has walked.

    Attributes:
        room: Name of the room.
        in_view: Names of what is seen, with the room and the player.
        facts: The facts seen, sorted.
    """

    def __init__(self, facts: Iterable[Any], text: str, walked: Iterable[frozenset[str]]) -> None:
        self._of: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for fact in facts:
            self._of[fact.name].append(tuple(variable.name for variable in fact.arguments))
        self.room = next(room for thing, room in self._of["at"] if thing == "P")
        self.in_view = {self.room, PLAYER}
        self._seen: set[Fact] = {(PLAYER, "in", self.room)}
        self._look_around()
        self._look_at_states(text)
        self._look_at_exits(set(walked))

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts seen, sorted."""
        return tuple(sorted(self._seen))

    def _look_around(self) -> None:
        is_open = {thing for (thing,) in self._of["open"]}
        self._add((thing, "in", room) for thing, room in self._of["at"] if room == self.room and thing != "P")
        self._add((door, "in", room) for room, door, _ in self._of["link"] if room == self.room)
        self._add((thing, "carried by", PLAYER) for thing, holder in self._of["in"] if holder == "I")
        self._add((thing, "on", under) for thing, under in self._of["on"] if under in self.in_view)
        self._add(
            (thing, "in", box) for thing, box in self._of["in"] if box in self.in_view and box in is_open
        )

    def _look_at_states(self, text: str) -> None:
        is_open = {thing for (thing,) in self._of["open"]}
        is_shut = {thing for (thing,) in (*self._of["closed"], *self._of["locked"])}
        self._add((thing, "is", "open") for thing in is_open & self.in_view)
        self._add((thing, "is", "closed") for thing in is_shut & self.in_view)
        for state in PREPARED:
            named = (thing for (thing, *_) in self._of[state] if thing in self.in_view)
            self._add((thing, "is", state) for thing in named if _is_said(state, thing, text))

    def _look_at_exits(self, walked: set[frozenset[str]]) -> None:
        for direction in DIRECTIONS:
            for there, here in self._of[f"{direction}_of"]:
                if here == self.room:
                    self._seen.add((here, "has exit", direction))
                    if frozenset((here, there)) in walked:
                        self._seen.add((there, f"{direction} of", here))

    def _add(self, facts: Iterable[Fact]) -> None:
        for fact in list(facts):
            self._seen.add(fact)
            self.in_view.add(fact[0])


def _is_said(state: str, thing: str, text: str) -> bool:
    return re.search(rf"\b{state} (?:\w+ )?{re.escape(thing)}\b", text) is not None
