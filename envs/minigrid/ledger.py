"""What this world tells a planner, and where: the knowledge that nobody has to learn.

A result is only worth something beside this list: what is not on it, such as which key opens which door, that
a closed door must be toggled, or that a full hand must be emptied, is left to experience. `docs/minigrid.md`
says the same at length.
"""

from typing import NamedTuple


class Revealed(NamedTuple):
    """One piece of knowledge, and where a planner gets it from."""

    what: str
    where: str


KNOWLEDGE: tuple[Revealed, ...] = (
    Revealed("how to walk to, face, take, put down and work a seen object", "controller"),
    Revealed("the shortest way over seen free cells and open doors; lava is never entered", "controller"),
    Revealed("where the nearest unseen part is, and how to look at it", "skill explore"),
    Revealed("which of several objects a description means: the nearest that can be reached", "controller"),
    Revealed(
        "where to put things so that they are least in the way; never before a door by choice", "skill drop"
    ),
    Revealed(
        "that an instruction to open an open door needs the act: it is closed and opened again",
        "skill toggle",
    ),
    Revealed("which skill a phrase of a mission names", "skill phrases"),
    Revealed("that put_next_to wants the item in the hand", "skill description, failure not_held"),
    Revealed(
        "names, colours and kinds of seen objects, and whether doors are open, closed or locked",
        "text, facts",
    ),
    Revealed("what is held", "text, facts"),
    Revealed("that an object was not seen, or is gone", "failures unseen, gone"),
    Revealed(
        "which object or door is first in the way, and the door's state", "failures blocked, closed, locked"
    ),
    Revealed("that toggling a locked door was in vain; not which key opens it", "failure locked"),
    Revealed("that a hand is full and of what, or empty", "failures hands_full, not_held, empty_handed"),
    Revealed("that nothing new can be seen, and what bounds the seen part", "failures of explore"),
    Revealed("that an act has no effect on an object", "failure cannot"),
)
