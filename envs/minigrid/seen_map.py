"""The agent's own map of what it has seen: dead reckoning, merged views, and objects with names.

Its only inputs are the agent's observations and actions. Cells are addressed by one flat index; the start is
in the middle of the map, so the map reveals nothing about the size of the world.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.envs.minigrid import codes
from embodied_mem.errors import EpisodeError

NOWHERE = -1


@dataclass(slots=True, eq=False)
class Thing:
    """An object that was seen.

    Attributes:
        ref: Its name, "colour type number", numbered in the order seen.
        kind: Its type code.
        colour: Its colour code.
        state: Its state code when last seen.
        first_cell: Where it was first seen.
        cell: Where it was last seen; `NOWHERE` while it is held or gone.
        is_gone: Whether its cell was later seen without it.
    """

    ref: str
    kind: int
    colour: int
    state: int
    first_cell: int
    cell: int
    is_gone: bool = False

    @property
    def state_name(self) -> str:
        """Name of a door's state; empty for anything else."""
        return codes.STATE_NAMES[self.state] if self.kind == codes.DOOR else ""


class SeenMap:
    """The part of a grid world that one agent has seen since its episode began.

    Attributes:
        size: Cells along each side of the map.
        steps: Index offset of one step in each heading (east, south, west, north).
        cells: (size * size,) cell codes, 0 where nothing was seen.
        position: Cell of the agent.
        heading: 0 east, 1 south, 2 west, 3 north.
        start_heading: Heading at the start.
        held: The thing it carries.
        things: Cell -> the thing on it.
        visible: Cells of the things in the current view.
        version: Increases whenever a cell changes.
        things_version: Increases whenever a thing appears, moves, changes or is gone.
        seen_count: Number of things ever seen.
    """

    def __init__(self, *, view_size: int = 7, size: int = 96) -> None:
        if size < 4 * view_size:
            raise EpisodeError(
                f"map_size is {size}; views of {view_size} cells need at least {4 * view_size}"
            )
        self.size = size
        self.steps = (1, size, -1, -size)
        self._view_size = view_size
        self._own = (view_size // 2) * view_size + view_size - 1
        self._view_order = _nearest_first(view_size, self._own)
        self._offsets = [self._view_offsets(heading) for heading in range(4)]
        self.forget()

    def forget(self) -> None:
        """Clear the map and put the agent in its middle."""
        self.cells: codes.CellCodes = np.zeros(self.size * self.size, dtype=np.uint16)
        self.start = self.position = (self.size // 2) * self.size + self.size // 2
        self.cells[self.position] = codes.EMPTY
        self.heading = self.start_heading = 0
        self.held: Thing | None = None
        self.things: dict[int, Thing] = {}
        self.visible: list[int] = []
        self.version = self.things_version = self.seen_count = 0
        self._by_ref: dict[str, Thing] = {}
        self._counts: dict[tuple[int, int], int] = {}
        self._walkable: tuple[int, bytes] = (-1, b"")

    def begin(self, image: npt.NDArray[np.uint8], heading: int) -> None:
        """Start a new episode with its first view."""
        self.forget()
        self.start_heading = heading
        self.merge(image, heading, None)

    def merge(self, image: npt.NDArray[np.uint8], heading: int, action: Any) -> None:
        """Merge the view after an action into the map.

        Args:
            image: (n, n, 3) view.
            heading: The direction that the environment reports.
            action: The action since the last view; None if there was none.

        Raises:
            EpisodeError: The agent reached the edge of the map.
        """
        if action == codes.FORWARD and codes.MOVES_INTO[self.cells[self.front]]:
            self._move(self.front)
        self.heading = heading
        view: codes.CellCodes = image.reshape(-1, 3) @ codes.WEIGHTS & np.uint16(codes.CODE_COUNT - 1)
        seen = view[self._view_order]
        places = self.position + self._offsets[heading]
        before = self.cells[places]
        changed = np.flatnonzero((seen != before) & ((seen & 15) != codes.UNSEEN))
        self._merge_things(seen, before, places, changed, held_code=int(view[self._own]))
        if changed.size:
            self.cells[places[changed]] = seen[changed]
            self.version += 1
        self.visible = places[codes.IS_THING[seen]].tolist()

    @property
    def front(self) -> int:
        """The cell in front of the agent."""
        return self.position + self.steps[self.heading]

    @property
    def pose_state(self) -> int:
        """Position and heading as one number, `position * 4 + heading`."""
        return self.position * 4 + self.heading

    @property
    def walkable(self) -> bytes:
        """One byte per cell, 1 where the agent is known to be able to walk."""
        if self._walkable[0] != self.version:
            self._walkable = (self.version, codes.WALKABLE[self.cells].tobytes())
        return self._walkable[1]

    def way_costs(self) -> bytes:
        """One byte per cell: the cost of passing it, its obstacle cleared; 0 where that is impossible."""
        return codes.WAY_COST[self.cells].tobytes()

    def thing(self, ref: str) -> Thing | None:
        """The thing of this name, gone or not; None if there is none."""
        return self._by_ref.get(ref)

    def known(self) -> list[Thing]:
        """The things that were seen and are not gone, in the order seen; includes the held one."""
        return [thing for thing in self._by_ref.values() if not thing.is_gone]

    def offset(self, cell: int) -> tuple[int, int]:
        """Cells east and south of the start."""
        south, east = divmod(cell, self.size)
        start_south, start_east = divmod(self.start, self.size)
        return east - start_east, south - start_south

    def _view_offsets(self, heading: int) -> npt.NDArray[np.intp]:
        forward, right = self.steps[heading], self.steps[(heading + 1) % 4]
        columns, rows = np.divmod(self._view_order, self._view_size)
        ahead, aside = self._view_size - 1 - rows, columns - self._view_size // 2
        offsets: npt.NDArray[np.intp] = forward * ahead + right * aside
        return offsets

    def _move(self, cell: int) -> None:
        south, east = divmod(cell, self.size)
        margin = self._view_size
        if not (margin <= south < self.size - margin and margin <= east < self.size - margin):
            raise EpisodeError(
                f"the agent left its map of {self.size} by {self.size} cells; give a larger map_size"
            )
        self.position = cell

    def _merge_things(
        self,
        seen: codes.CellCodes,
        before: codes.CellCodes,
        places: npt.NDArray[np.intp],
        changed: npt.NDArray[np.intp],
        *,
        held_code: int,
    ) -> None:
        """Track the things: a thing keeps its name while it stays in place or the agent carries it."""
        released = None
        if self.held is not None and not _is_same(self.held, held_code):
            released, self.held = self.held, None
            self.things_version += 1
        vanished: list[Thing] = []
        if changed.size:
            touched = changed[codes.IS_THING[seen[changed]] | codes.IS_THING[before[changed]]]
            for cell, code in zip(places[touched].tolist(), seen[touched].tolist(), strict=True):
                released = self._merge_cell(cell, code, released, vanished)
        if self.held is None and codes.IS_THING[held_code]:
            self.held = next((thing for thing in vanished if _is_same(thing, held_code)), None)
            self.held = self.held or self._add_thing(held_code, NOWHERE)
            self.things_version += 1
        for thing in (*vanished, *((released,) if released else ())):
            thing.cell = NOWHERE
            thing.is_gone = thing is not self.held

    def _merge_cell(
        self, cell: int, code: int, released: Thing | None, vanished: list[Thing]
    ) -> Thing | None:
        """Merge one changed cell; return `released`, or None if it now stands on this cell."""
        self.things_version += 1
        there = self.things.get(cell)
        if there is not None:
            if _is_same(there, code):
                there.state = codes.state_of(code)
                return released
            vanished.append(self.things.pop(cell))
        if codes.IS_THING[code]:
            if released is not None and _is_same(released, code):
                self.things[cell], released.cell = released, cell
                return None
            self.things[cell] = self._add_thing(code, cell)
        return released

    def _add_thing(self, code: int, cell: int) -> Thing:
        kind, colour = codes.type_of(code), codes.colour_of(code)
        number = self._counts[kind, colour] = self._counts.get((kind, colour), 0) + 1
        ref = f"{codes.COLOUR_NAMES[colour]} {codes.TYPE_NAMES[kind]} {number}"
        thing = self._by_ref[ref] = Thing(ref, kind, colour, codes.state_of(code), cell, cell)
        self.seen_count += 1
        return thing


def _nearest_first(view_size: int, own: int) -> npt.NDArray[np.intp]:
    """Indices of the flattened view without the agent's own, nearest first: near things get lower numbers."""
    columns, rows = np.divmod(np.arange(view_size * view_size), view_size)
    distance = abs(columns - view_size // 2) + (view_size - 1 - rows)
    order: npt.NDArray[np.intp] = np.argsort(distance, kind="stable")
    without_own: npt.NDArray[np.intp] = order[order != own]
    return without_own


def _is_same(thing: Thing, code: int) -> bool:
    return thing.kind == codes.type_of(code) and thing.colour == codes.colour_of(code)
