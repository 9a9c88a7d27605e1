"""The simulator's messages as failures: a bounded vocabulary that names the obstacle and never the remedy."""

import re
from collections.abc import Callable, Sequence

from embodied_mem.envs.building import SkillFailed

_MESSAGES: tuple[tuple[str, str], ...] = (
    (r"is not close to", "far"),
    (r"inside other closed thing", "closed_in"),
    (r"does not have a free hand", "hands_full"),
    (r"is not open or is not openable", "closed"),
    (r"is still on", "running"),
    (r"is unplugged", "unplugged"),
    (r"is not holding a knife", "no_knife"),
    (r"is not holding", "not_held"),
    (r"does not hold anything", "empty_handed"),
    (r"does not face|is not facing", "not_facing"),
    (r"char room", "far"),
    (r"Too many things on", "occupied"),
    (r"is not lying or sitting|\(65\) is not sitting", "standing"),
    (r"\(65\) is (?:sitting|lying)", "not_standing"),
    (r"\) is not on <character>", "not_worn"),
)
"""Patterns of the simulator's messages and codes of obstacles, tried in order; anything else is `cannot`."""


def obstacle_of(message: str) -> str:
    """The code of the obstacle that a message of the simulator speaks of."""
    return next((code for pattern, code in _MESSAGES if re.search(pattern, message)), "cannot")


def failure(
    code: str,
    names: Sequence[str],
    *,
    done: str,
    held: Sequence[str] = (),
    closed: str = "",
    posture: str = "",
) -> SkillFailed:
    """The failure of a call.

    Args:
        code: The obstacle's code.
        names: Names of the call's arguments.
        done: Past participle of the skill, such as `picked up`.
        held: Names of what is held.
        closed: Name of the closed thing around the object.
        posture: `sitting` or `lying`.
    """
    last, first = (names or ("it",))[-1], (names or ("it",))[0]
    texts: dict[str, Callable[[], tuple[str, tuple[str, ...]]]] = {
        "far": lambda: (f"{last} is out of reach", (last,)),
        "closed_in": lambda: (f"{last} is in {closed}, which is closed", (last, closed)),
        "hands_full": lambda: (f"both hands are full, with {' and '.join(held)}", tuple(held)),
        "closed": lambda: (f"{last} is closed", (last,)),
        "running": lambda: (f"{last} is on", (last,)),
        "unplugged": lambda: (f"{last} is unplugged", (last,)),
        "no_knife": lambda: ("no knife is held", ()),
        "not_held": lambda: (f"{first} is not held", (first,)),
        "empty_handed": lambda: ("nothing is held", ()),
        "not_facing": lambda: (f"the agent does not face {last}", (last,)),
        "occupied": lambda: (f"{last} is occupied", (last,)),
        "standing": lambda: ("the agent is standing", ()),
        "not_standing": lambda: (f"the agent is {posture}", ()),
        "not_worn": lambda: (f"{first} is not worn", (first,)),
        "unseen": lambda: (f"{first} has not been seen", (first,)),
        "all_seen": lambda: ("every room has been seen", ()),
        "cannot": lambda: (
            f"{first} cannot be {done}" if names else f"it cannot be {done}",
            (first,) if names else (),
        ),
    }
    reason, subjects = texts[code]()
    return SkillFailed(code, reason, *dict.fromkeys(subjects))
