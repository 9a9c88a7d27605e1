"""The knowledge ledger of this world: the facts it tells a planner, and where, without learning.

Read results together with this list. Facts that are not on it have to be learnt, such as which key opens
which door, that a closed door must be toggled, or that a full hand must be emptied. A memory of decisions of
the planner `minigrid_demonstrator` reveals these too: it was told them. `docs/minigrid.md` gives details.
"""

from embodied_mem.envs.knowledge import Revealed

__all__ = ["KNOWLEDGE", "Revealed"]

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
    Revealed("that saying done ends the episode in GoToDoor and GoToObject", "controller, while it waits"),
    Revealed("which skill a phrase of a mission names; toggle is what opens and unlocks", "skill phrases"),
    Revealed("that a door is open after toggling, and what else each skill does", "skill descriptions"),
    Revealed("that put_next_to wants the item in the hand", "skill description, failure not_held"),
    Revealed(
        "names, colours and kinds of seen objects, and whether doors are open, closed or locked",
        "text, facts",
    ),
    Revealed("what is held", "text, facts"),
    Revealed("every object seen before, also out of view, while it is not known to be gone", "skill choices"),
    Revealed("where each of them was seen last, relative to the start", "scene"),
    Revealed("that an object put down is the one that was picked up", "names in texts"),
    Revealed("where the agent is relative to the start, and where it looks", "pose"),
    Revealed("the environment's own view, direction and mission", "raw"),
    Revealed("the level's id and options, and whether two problems are the same", "task kind and instance"),
    Revealed("that an object was not seen, or is gone", "failures unseen, gone"),
    Revealed(
        "which object or door is first on the way that is cheapest to clear, and the door's state",
        "failures blocked, closed, locked",
    ),
    Revealed("that toggling a locked door was in vain; not which key opens it", "failure locked"),
    Revealed("that a hand is full and of what, or empty", "failures hands_full, not_held, empty_handed"),
    Revealed("that nothing new can be seen, and what bounds the seen part", "failures of explore"),
    Revealed("that an act has no effect on an object", "failure cannot"),
)
