"""Texts of the view, the scene and the skills, as planners read them."""

from collections.abc import Sequence

from embodied_mem.envs.minigrid import codes
from embodied_mem.envs.minigrid.seen_map import SeenMap, Thing
from embodied_mem.records.json_values import JsonObject, JsonValue
from embodied_mem.records.scene import SceneView
from embodied_mem.records.skills import Detail, Parameter, Skill

CHARS_PER_TOKEN = 4  # of English text, for budgets; tokenizers differ
HEADINGS = ("east", "south", "west", "north")

_NONE: tuple[str, ...] = ()
_SKILLS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str], ...] = (
    (
        "go_to",
        ("object",),
        ("go to {object}", "get to {object}", "find {object}"),
        "Walk to an object that has been seen, stand next to it and look at it.",
    ),
    (
        "pick_up",
        ("object",),
        ("pick up {object}", "get {object}", "fetch {object}", "take {object}"),
        "Walk to an object that has been seen and take it into the hand.",
    ),
    ("drop", _NONE, ("drop", "put down"), "Put down what is held."),
    (
        "toggle",
        ("object",),
        ("open {object}", "unlock {object}", "toggle {object}"),
        "Walk to an object that has been seen and work it; a door is open afterwards.",
    ),
    (
        "put_next_to",
        ("item", "target"),
        ("put {item} next to {target}", "put {item} near {target}", "move {item} next to {target}"),
        "Carry the held item to the target and put it down beside it.",
    ),
    (
        "explore",
        _NONE,
        ("explore", "look around"),
        "Walk and look around until an object comes into view that was not seen before.",
    ),
)


def describe_view(seen: SeenMap) -> tuple[str, tuple[str, ...]]:
    """One sentence on the held thing and the things in view, and the names in view in alphabetical order."""
    things = sorted((seen.things[cell] for cell in seen.visible), key=lambda thing: thing.ref)
    held = seen.held.ref if seen.held else "nothing"
    shown = ", ".join(_with_state(thing) for thing in things) or "nothing"
    return f"Holding {held}; seeing {shown}.", tuple(thing.ref for thing in things)


def known_things(seen: SeenMap) -> list[JsonValue]:
    """The things that were seen and are not gone, but for the held one, doors with their state."""
    return [_with_state(thing) for thing in seen.known() if thing is not seen.held]


def describe_scene(seen: SeenMap) -> str:
    """Text on the things that were seen and are not gone, with places relative to the start."""
    return _scene_text([_with_place(thing, seen) for thing in seen.known()], seen)


def view_scene(seen: SeenMap, budget_tokens: int | None, *, about: Sequence[str] = ()) -> SceneView:
    """The text of `describe_scene`, shortened to a budget by leaving things out, and all things as facts.

    Things named in `about` are left out last, then those seen most recently. Facts: `agent` with its `place`
    and `heading`, `held`, and `objects`: name -> `type`, `colour`, `state` (doors only) and `place`, which is
    None for the held one. A place is [cells east, cells north] of the start, as in `Observation.pose`.
    """
    known = seen.known()
    return SceneView(text=_within(seen, known, budget_tokens, about), facts=_scene_facts(seen, known))


def _within(seen: SeenMap, known: list[Thing], budget_tokens: int | None, about: Sequence[str]) -> str:
    room = None if budget_tokens is None else budget_tokens * CHARS_PER_TOKEN
    kept = set(range(len(known)))
    parts = [_with_place(thing, seen) for thing in known]
    for at in sorted(kept, key=lambda at: known[at].ref in about):
        text = _scene_text([parts[i] for i in sorted(kept)], seen, n_more=len(known) - len(kept))
        if room is None or len(text) <= room:
            return text
        kept.discard(at)
    return _scene_text([], seen, n_more=len(known))[:room]


def _scene_text(parts: Sequence[str], seen: SeenMap, *, n_more: int = 0) -> str:
    known = ", ".join([*parts, f"{n_more} more"] if n_more else parts) or "nothing"
    return f"Known: {known}. The agent is {_place(*seen.offset(seen.position))}."


def _scene_facts(seen: SeenMap, known: list[Thing]) -> JsonObject:
    return {
        "agent": {"place": _cells(seen, seen.position), "heading": HEADINGS[seen.heading]},
        "held": seen.held.ref if seen.held else None,
        "objects": {thing.ref: _thing_facts(seen, thing) for thing in known},
    }


def _thing_facts(seen: SeenMap, thing: Thing) -> JsonObject:
    return {
        "type": codes.TYPE_NAMES[thing.kind],
        "colour": codes.COLOUR_NAMES[thing.colour],
        **({"state": thing.state_name} if thing.kind == codes.DOOR else {}),
        "place": None if thing is seen.held else _cells(seen, thing.cell),
    }


def _cells(seen: SeenMap, cell: int) -> list[JsonValue]:
    east, south = seen.offset(cell)
    return [east, -south]


def _with_place(thing: Thing, seen: SeenMap) -> str:
    if thing is seen.held:
        return f"{thing.ref} in the hand"
    return f"{_with_state(thing)} {_place(*seen.offset(thing.cell))}"


def skill_list(seen: SeenMap, detail: Detail) -> tuple[Skill, ...]:
    """The skills, with the things seen as choices of their arguments."""
    known = seen.known()
    standing = tuple(thing.ref for thing in known if thing is not seen.held)
    with_held = tuple(thing.ref for thing in known)
    return _skills(detail, standing=standing, with_held=with_held)


def _skills(detail: Detail, *, standing: tuple[str, ...], with_held: tuple[str, ...]) -> tuple[Skill, ...]:
    of_object = Parameter(name="object", type="object", choices=standing, is_open=True)
    of_item = Parameter(name="item", type="object", choices=with_held, is_open=True)
    of_target = Parameter(name="target", type="object", choices=standing, is_open=True)
    parameters = {"object": of_object, "item": of_item, "target": of_target}
    return tuple(
        Skill(
            name=name,
            parameters=tuple(parameters[parameter] for parameter in takes),
            phrases=phrases,
            description=description if detail == "full" else "",
        )
        for name, takes, phrases, description in _SKILLS
    )


SIGNATURES = _skills("signature", standing=(), with_held=())


def _with_state(thing: Thing) -> str:
    return f"{thing.ref} ({thing.state_name})" if thing.kind == codes.DOOR else thing.ref


def _place(east: int, south: int) -> str:
    parts = []
    if east:
        parts.append(f"{abs(east)} {'east' if east > 0 else 'west'}")
    if south:
        parts.append(f"{abs(south)} {'south' if south > 0 else 'north'}")
    return " ".join(parts) or "at the start"
