"""Path search over seen cells: the shortest walk with turns counted, and the first obstacle on the way."""

from collections.abc import Collection
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from embodied_mem.envs.minigrid import codes
from embodied_mem.envs.minigrid.seen_map import SeenMap


def route(seen: SeenMap, goals: Collection[int]) -> list[int] | None:
    """Return the shortest walk from the agent to one of these poses; turns and steps cost one action each.

    Args:
        seen: The map; only cells known to be walkable are used.
        goals: Poses, `cell * 4 + heading`.

    Returns:
        The poses of the walk without the first; empty if the agent is there already, None without a way.
    """
    start = seen.pose_state
    if start in goals:
        return []
    if not goals:
        return None
    walkable, steps = seen.walkable, seen.steps
    came_from = {start: start}
    queue = [start]
    for pose in queue:
        heading = pose & 3
        ahead = (pose >> 2) + steps[heading]
        turns = (pose & ~3 | (heading - 1) & 3, pose & ~3 | (heading + 1) & 3)
        for following in (ahead << 2 | heading, *turns) if walkable[ahead] else turns:
            if following not in came_from:
                came_from[following] = pose
                if following in goals:
                    return _walk_back(came_from, following, start)
                queue.append(following)
    return None


def action_between(pose: int, following: int) -> int:
    """The action that leads from a pose to the next one of a route."""
    if pose >> 2 != following >> 2:
        return codes.FORWARD
    return codes.RIGHT if (following - pose) & 3 == 1 else codes.LEFT


def distances(seen: SeenMap, targets: Collection[int]) -> dict[int, int]:
    """Return the number of steps to each of these cells that can be reached; turns are not counted."""
    walkable, steps = seen.walkable, seen.steps
    missing = set(targets)
    found = {seen.position: 0}
    queue = [seen.position]
    for cell in queue:
        missing.discard(cell)
        if not missing:
            break
        if not walkable[cell] and cell != seen.position:
            continue
        for step in steps:
            if cell + step not in found and (walkable[cell + step] or cell + step in missing):
                found[cell + step] = found[cell] + 1
                queue.append(cell + step)
    return {cell: found[cell] for cell in targets if cell in found}


def cheapest_way(seen: SeenMap, goals: Collection[int]) -> list[int]:
    """Return the cells to the cheapest of these cells, obstacles passable at a cost; empty without a way."""
    costs, steps, start = seen.way_costs(), seen.steps, seen.position
    came_from = {start: start}
    heap = [(0, start, start)]
    done = set()
    while heap:
        cost, cell, previous = heappop(heap)
        if cell in done:
            continue
        done.add(cell)
        came_from[cell] = previous
        if cell in goals and cell != start:
            return _walk_back(came_from, cell, start)
        for step in steps:
            following = cell + step
            if following not in done and (price := costs[following]):
                heappush(heap, (cost + price, following, cell))
    return []


def facing(seen: SeenMap, cell: int) -> set[int]:
    """The poses on walkable cells next to a cell that look at it."""
    walkable = seen.walkable
    return {(cell - step) << 2 | heading for heading, step in enumerate(seen.steps) if walkable[cell - step]}


def frontier(seen: SeenMap) -> set[int]:
    """The poses on walkable cells that look straight at a cell not seen yet."""
    is_unseen = seen.cells == codes.UNSEEN
    walkable = _shifted(codes.WALKABLE[seen.cells], 0, seen)
    poses: set[int] = set()
    for heading, step in enumerate(seen.steps):
        cells = np.flatnonzero(walkable & _shifted(is_unseen, step, seen)) + seen.size
        poses.update((cells * 4 + heading).tolist())
    return poses


def beyond(seen: SeenMap) -> set[int]:
    """Unseen cells beside a cell that is not a wall: those that an obstacle may hide."""
    is_unseen = seen.cells == codes.UNSEEN
    is_way = (codes.WAY_COST[seen.cells] > 0) & ~is_unseen
    is_next_to_way = np.logical_or.reduce([_shifted(is_way, step, seen) for step in seen.steps])
    return set((np.flatnonzero(_shifted(is_unseen, 0, seen) & is_next_to_way) + seen.size).tolist())


def drop_cells(seen: SeenMap) -> list[set[int]]:
    """Cells to drop a thing on, best class first: harmless and not beside a door, harmless, any."""
    is_empty = seen.cells == codes.EMPTY
    is_empty[seen.position] = False
    anywhere = np.flatnonzero(is_empty)
    is_harmless = _keeps_ways_open(seen, anywhere)
    is_door = (seen.cells & 15) == codes.DOOR
    is_beside_door = np.logical_or.reduce([is_door[anywhere + step] for step in seen.steps])
    classes = (anywhere[is_harmless & ~is_beside_door], anywhere[is_harmless], anywhere)
    return [set(cells.tolist()) for cells in classes]


def _keeps_ways_open(seen: SeenMap, cells: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Whether the ways around a cell stay connected, and no thing beside it loses its last free side.

    Doors in any state and unseen cells count as ways.
    """
    east, south = seen.steps[0], seen.steps[1]
    ring = np.array([-east - south, -south, east - south, east, east + south, south, south - east, -east])
    around = seen.cells[cells[:, None] + ring]
    is_thing = codes.IS_MOVABLE[around]
    is_way = (codes.WAY_COST[around] > 0) & ~is_thing
    gaps = (is_way != np.roll(is_way, 1, axis=1)).sum(axis=1)
    has_free_side = np.roll(is_way, 1, axis=1) | np.roll(is_way, -1, axis=1)
    shuts_in = (is_thing & ~has_free_side).any(axis=1)
    result: npt.NDArray[np.bool_] = (gaps <= 2) & ~shuts_in
    return result


def _shifted(mask: npt.NDArray[np.bool_], step: int, seen: SeenMap) -> npt.NDArray[np.bool_]:
    """The mask shifted by one step, without the map's first and last row, which the agent never reaches."""
    return mask[seen.size + step : mask.size - seen.size + step]


def _walk_back(came_from: dict[int, int], last: int, start: int) -> list[int]:
    way = []
    while last != start:
        way.append(last)
        last = came_from[last]
    return way[::-1]
