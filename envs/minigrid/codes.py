"""MiniGrid's encoding of cells, and lookup tables over it.

A view is (n, n, 3) uint8: type, colour and state of each cell. Each cell is stored as one number,
`type | colour << 4 | state << 7`, so that every property is a lookup in a table of 512 entries.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

CellCodes: TypeAlias = npt.NDArray[np.uint16]

UNSEEN, EMPTY, WALL, FLOOR, DOOR, KEY, BALL, BOX, GOAL, LAVA, AGENT = range(11)
TYPE_NAMES = ("unseen", "empty", "wall", "floor", "door", "key", "ball", "box", "goal", "lava", "agent")
COLOUR_NAMES = ("red", "green", "blue", "purple", "yellow", "grey")
OPEN, CLOSED, LOCKED = range(3)
STATE_NAMES = ("open", "closed", "locked")

LEFT, RIGHT, FORWARD, PICK_UP, DROP, TOGGLE, DONE = range(7)

THING_TYPES = (DOOR, KEY, BALL, BOX, GOAL)
MOVABLE_TYPES = (KEY, BALL, BOX)

WEIGHTS = np.array([1, 1 << 4, 1 << 7], dtype=np.uint16)
CODE_COUNT = 512


def type_of(code: int) -> int:
    """The type in a cell code."""
    return code & 15


def colour_of(code: int) -> int:
    """The colour in a cell code."""
    return code >> 4 & 7


def state_of(code: int) -> int:
    """The state in a cell code: `OPEN`, `CLOSED` or `LOCKED` for a door, 0 for anything else."""
    return code >> 7 & 3


def is_walkable(code: int) -> bool:
    """Whether the agent can safely walk there: an empty cell, a floor tile, a goal or an open door."""
    kind = type_of(code)
    return kind in (EMPTY, FLOOR, GOAL) or (kind == DOOR and state_of(code) == OPEN)


def _way_cost(code: int) -> int:
    """Cost of a cell in the search for the first obstacle; 0 if no skill could ever clear it."""
    if is_walkable(code):
        return 1
    kind = type_of(code)
    if kind == DOOR:
        return 10 if state_of(code) == CLOSED else 60
    if kind in MOVABLE_TYPES:
        return 20
    return 250 if kind == UNSEEN else 0


_CODES = range(CODE_COUNT)
WALKABLE = np.array([is_walkable(code) for code in _CODES], dtype=np.bool_)
MOVES_INTO = np.array([is_walkable(code) or type_of(code) == LAVA for code in _CODES], dtype=np.bool_)
IS_THING = np.array([type_of(code) in THING_TYPES for code in _CODES], dtype=np.bool_)
IS_MOVABLE = np.array([type_of(code) in MOVABLE_TYPES for code in _CODES], dtype=np.bool_)
WAY_COST = np.array([_way_cost(code) for code in _CODES], dtype=np.uint8)
