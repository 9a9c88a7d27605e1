"""The cleaning game: things lie where they do not belong, and each put back is a point.

The task is that of AriGraph (arXiv 2407.04363, section 4), whose games were not published: this one is ours,
made with TextWorld's own game maker, and its scores are not comparable with published ones. Where a thing
belongs is the same in every game, and nothing in the game says it.
"""

from collections import deque
from typing import Any

import numpy as np

N_MISPLACED = 4
OBJECTIVE = "The house is a mess. Find the things that are out of place and put each back where it belongs."

FURNITURE = {
    "bathroom": ("washbasin", "towel rail"),
    "bedroom": ("bed", "wardrobe shelf"),
    "kitchen": ("stove", "plate rack"),
    "living room": ("bookcase", "tv stand"),
    "hallway": ("coat rack", "shoe rack"),
    "garage": ("workbench", "tool board"),
}
HOMES = {
    "toothbrush": "washbasin",
    "towel": "towel rail",
    "pillow": "bed",
    "sweater": "wardrobe shelf",
    "saucepan": "stove",
    "dinner plate": "plate rack",
    "novel": "bookcase",
    "remote control": "tv stand",
    "raincoat": "coat rack",
    "boot": "shoe rack",
    "hammer": "workbench",
    "screwdriver": "tool board",
}
OFFSETS = {"north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0)}
OPPOSITE = {"north": "south", "south": "north", "east": "west", "west": "east"}


def make_cleaning(options: Any) -> Any:
    """Return a cleaning game of TextWorld's `GameOptions`; its seeds decide the map and what lies where."""
    import textworld

    rngs = options.rngs
    maker = textworld.GameMaker(options)
    rooms = {name: maker.new_room(name) for name in FURNITURE}
    exits = _connect(maker, rooms, rngs["map"])
    stands = {name: (maker.new("s", name=name), room) for room, names in FURNITURE.items() for name in names}
    for stand, room in stands.values():
        rooms[room].add(stand)
    start = str(rngs["map"].choice(sorted(rooms)))
    maker.set_player(rooms[start])
    places = _places(rngs["objects"])
    things = {thing: maker.new("o", name=thing) for thing in HOMES}
    for thing, place in places.items():
        stands[place][0].add(things[thing])
    strayed = [thing for thing in HOMES if places[thing] != HOMES[thing]]
    maker.quests = [_quest(maker, things[thing], stands[HOMES[thing]][0]) for thing in strayed]
    commands = _walkthrough(strayed, places, {name: room for name, (_, room) in stands.items()}, exits, start)
    game = maker.build()
    game.metadata["walkthrough"] = commands
    game.objective = OBJECTIVE
    return game


def _connect(maker: Any, rooms: dict[str, Any], rng: np.random.RandomState) -> dict[str, dict[str, str]]:
    """Lay the rooms on a grid as a tree; return the exits of each: direction -> room."""
    order = [str(name) for name in rng.permutation(sorted(rooms))]
    at = {(0, 0): order[0]}
    exits: dict[str, dict[str, str]] = {name: {} for name in order}
    for name in order[1:]:
        free = [
            (cell, direction, beside)
            for cell in at
            for direction, (east, north) in OFFSETS.items()
            if (beside := (cell[0] + east, cell[1] + north)) not in at
        ]
        cell, direction, beside = free[int(rng.randint(len(free)))]
        at[beside], back = name, OPPOSITE[direction]
        maker.connect(getattr(rooms[at[cell]], direction), getattr(rooms[name], back))
        exits[at[cell]][direction], exits[name][back] = name, at[cell]
    return exits


def _places(rng: np.random.RandomState) -> dict[str, str]:
    """Where each thing lies: at home, or on another piece of furniture."""
    strayed = {str(thing) for thing in rng.permutation(sorted(HOMES))[:N_MISPLACED]}
    stands = sorted(HOMES.values())
    return {
        thing: str(rng.choice([stand for stand in stands if stand != home])) if thing in strayed else home
        for thing, home in HOMES.items()
    }


def _quest(maker: Any, thing: Any, home: Any) -> Any:
    from textworld.generator.game import Event, Quest

    return Quest(win_events=[Event(conditions={maker.new_fact("on", thing, home)})], reward=1)


def _walkthrough(
    strayed: list[str],
    places: dict[str, str],
    rooms: dict[str, str],
    exits: dict[str, dict[str, str]],
    at: str,
) -> list[str]:
    """Commands that put one thing after the other back."""
    commands: list[str] = []
    for thing in strayed:
        there, home = rooms[places[thing]], rooms[HOMES[thing]]
        commands += [*_way(exits, at, there), f"take {thing} from {places[thing]}"]
        commands += [*_way(exits, there, home), f"put {thing} on {HOMES[thing]}"]
        at = home
    return commands


def _way(exits: dict[str, dict[str, str]], start: str, goal: str) -> list[str]:
    """The shortest way as commands, by breadth-first search."""
    ways: dict[str, list[str]] = {start: []}
    queue = deque([start])
    while goal not in ways:
        here = queue.popleft()
        for direction, there in exits[here].items():
            if there not in ways:
                ways[there] = [*ways[here], f"go {direction}"]
                queue.append(there)
    return ways[goal]
