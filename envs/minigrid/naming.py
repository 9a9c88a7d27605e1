"""Find the seen thing of a name or description: "red ball 1", "the green door", "a box on your left"."""

from collections.abc import Callable
from dataclasses import dataclass

from embodied_mem.envs.minigrid import codes
from embodied_mem.envs.minigrid.navigation import distances
from embodied_mem.envs.minigrid.seen_map import NOWHERE, SeenMap, Thing

ARTICLES = frozenset(("the", "a", "an"))
FILLERS = frozenset(("square", "tile"))
_KINDS = {codes.TYPE_NAMES[kind]: (kind,) for kind in codes.THING_TYPES} | {"object": codes.MOVABLE_TYPES}
_COLOURS = {name: code for code, name in enumerate(codes.COLOUR_NAMES)}
# Tests of the cells ahead and to the right of the agent's first pose.
_PLACES: dict[str, Callable[[int, int], bool]] = {
    " on your left": lambda ahead, right: right < 0,
    " on your right": lambda ahead, right: right > 0,
    " in front of you": lambda ahead, right: ahead > 0,
    " behind you": lambda ahead, right: ahead < 0,
}


@dataclass(frozen=True, slots=True)
class Description:
    """The properties of a thing that a text names; None for properties not named.

    Attributes:
        kinds: Type codes that fit.
        colour: Colour code.
        place: Its place relative to the agent's first pose, as a key of `_PLACES`.
    """

    kinds: tuple[int, ...]
    colour: int | None = None
    place: str | None = None

    def fits(self, thing: Thing, seen: SeenMap) -> bool:
        """Whether the thing matches the description."""
        if thing.kind not in self.kinds or self.colour not in (None, thing.colour):
            return False
        if self.place is None:
            return True
        return thing.first_cell != NOWHERE and _is_at(self.place, thing.first_cell, seen)


def parse(text: str) -> Description | None:
    """Parse a description of a thing; None if the text is not one."""
    words = " ".join(text.lower().split())
    place = next((name for name in _PLACES if words.endswith(name)), None)
    kept = [word for word in words.removesuffix(place or "").split() if word not in ARTICLES | FILLERS]
    if not kept or kept[-1] not in _KINDS or len(kept) > 2:
        return None
    if len(kept) == 1:
        return Description(_KINDS[kept[-1]], place=place)
    return Description(_KINDS[kept[-1]], _COLOURS[kept[0]], place) if kept[0] in _COLOURS else None


def find(seen: SeenMap, text: str, *, prefer_held: bool = False) -> Thing | None:
    """Return the thing of that name, gone or not, else the nearest known thing that fits the description.

    A thing in the agent's hand is the last choice, or the first with `prefer_held`.
    """
    named = seen.thing(" ".join(text.lower().split()))
    if named is not None:
        return named
    description = parse(text)
    if description is None:
        return None
    fitting = [thing for thing in seen.known() if description.fits(thing, seen)]
    if not fitting and description.kinds == codes.MOVABLE_TYPES:
        anything = Description(codes.THING_TYPES, description.colour, description.place)
        fitting = [thing for thing in seen.known() if anything.fits(thing, seen)]
    if seen.held in fitting and (prefer_held or len(fitting) == 1):
        return seen.held
    standing = [thing for thing in fitting if thing is not seen.held]
    return _nearest(seen, standing, from_start=description.place is not None)


def _nearest(seen: SeenMap, things: list[Thing], *, from_start: bool) -> Thing | None:
    if len(things) < 2:
        return things[0] if things else None
    origin = seen.start if from_start else seen.position
    walks = {} if from_start else distances(seen, [thing.cell for thing in things])

    def farness(thing: Thing) -> tuple[bool, int]:
        east, south = seen.offset(thing.first_cell if from_start else thing.cell)
        origin_east, origin_south = seen.offset(origin)
        straight = abs(east - origin_east) + abs(south - origin_south)
        return not from_start and thing.cell not in walks, walks.get(thing.cell, straight)

    return min(things, key=farness)


def _is_at(place: str, cell: int, seen: SeenMap) -> bool:
    east, south = seen.offset(cell)
    ahead = (east, south, -east, -south)[seen.start_heading]
    right = (south, -east, -south, east)[seen.start_heading]
    return _PLACES[place](ahead, right)
