"""Texts of the view, the scene and the skills, as planners read them."""

from embodied_mem.envs.minigrid import codes
from embodied_mem.envs.minigrid.seen_map import SeenMap, Thing
from embodied_mem.records.skills import Detail, Parameter, Skill

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


def describe_scene(seen: SeenMap) -> str:
    """Text on the things that were seen and are not gone, with places relative to the start."""
    parts = []
    for thing in seen.known():
        if thing is seen.held:
            parts.append(f"{thing.ref} in the hand")
        else:
            parts.append(f"{_with_state(thing)} {_place(*seen.offset(thing.cell))}")
    return f"Known: {', '.join(parts) or 'nothing'}. The agent is {_place(*seen.offset(seen.position))}."


def skill_list(seen: SeenMap, detail: Detail) -> tuple[Skill, ...]:
    """The skills, with the things seen as choices of their arguments."""
    known = seen.known()
    standing = tuple(thing.ref for thing in known if thing is not seen.held)
    with_held = tuple(thing.ref for thing in known)
    return _skills(detail, standing=standing, with_held=with_held)


def _skills(detail: Detail, *, standing: tuple[str, ...], with_held: tuple[str, ...]) -> tuple[Skill, ...]:
    of_object = Parameter(name="object", type="object", choices=standing)
    of_item = Parameter(name="item", type="object", choices=with_held)
    of_target = Parameter(name="target", type="object", choices=standing)
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
