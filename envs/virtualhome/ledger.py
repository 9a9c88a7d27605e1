"""The knowledge ledger of this world: the facts it tells a planner, and where, without learning.

Read results together with this list. Facts that are not on it have to be learnt, such as what hides where,
that a closed thing must be opened, that full hands must be emptied, or that who sits must stand up to walk.
"""

from typing import NamedTuple


class Revealed(NamedTuple):
    """One piece of knowledge, and where a planner gets it."""

    what: str
    where: str


KNOWLEDGE: tuple[Revealed, ...] = (
    Revealed("the rooms of the home and their names, from the start", "choices of go_to"),
    Revealed("which rooms are next to the one the agent is in", "text"),
    Revealed("the way between rooms, and how to walk up to a thing that was seen", "controller"),
    Revealed("where the nearest room is that was not entered yet", "skill explore"),
    Revealed("what is in the agent's room and in nothing closed, with states and places", "text, facts"),
    Revealed("what is held and worn, and whether the agent sits or lies", "text, facts"),
    Revealed("everything seen before in the episode, and when it was seen last", "view_scene, skill choices"),
    Revealed("what a thing can be used for", "skill choices: they fit its properties"),
    Revealed("the names of the things that the goal is about, before they are seen", "task text"),
    Revealed("which skill a phrase of an instruction names", "skill phrases"),
    Revealed("what each skill does", "skill descriptions"),
    Revealed("that a skill's effect holds already: the call is a success", "results"),
    Revealed("that a thing has not been seen, or every room has", "failures unseen, all_seen"),
    Revealed("which closed thing holds a thing that was seen in it", "failure closed_in"),
    Revealed("what is held when both hands are full", "failure hands_full"),
    Revealed("which condition of the simulator does not hold", "other failures"),
)
