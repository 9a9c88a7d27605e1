"""The agent's six skills, run over the seen map; a failed skill names its obstacle.

No skill does a planner's work: none opens a door, fetches a key, puts down the held thing, moves an obstacle
or looks for an unseen thing, unless it was called for exactly that.
"""

from collections.abc import Collection, Iterator

from embodied_mem.envs.minigrid import codes, navigation
from embodied_mem.envs.minigrid.execution import SkillFailed, Steps
from embodied_mem.envs.minigrid.naming import find
from embodied_mem.envs.minigrid.seen_map import SeenMap, Thing


class Controller:
    """Turns skill calls into actions; reads only the seen map.

    Each method is a generator of actions that returns on success and raises `SkillFailed` otherwise. The
    caller must update the map between two actions.
    """

    def __init__(self, seen: SeenMap) -> None:
        self._seen = seen

    def go_to(self, object: str) -> Steps:
        """Stand next to the object and look at it; a goal square is stepped on."""
        thing = self._find(object)
        if thing is self._seen.held:
            return
        yield from self._face(thing, object)

    def pick_up(self, object: str) -> Steps:
        """Take the object into the hand."""
        thing = self._find(object)
        if self._seen.held is not None:
            held = self._seen.held.ref
            reason = f"cannot pick up {object} while holding {held}"
            raise SkillFailed("hands_full", reason, *_refs(object, thing), held)
        yield from self._face(thing, object)
        yield codes.PICK_UP
        if self._seen.held is not thing:
            raise SkillFailed("cannot", f"{object} cannot be picked up", *_refs(object, thing))

    def drop(self) -> Steps:
        """Put down the held thing where it is least in the way."""
        held = self._seen.held
        if held is None:
            raise SkillFailed("empty_handed", "nothing is held")
        for cells in navigation.drop_cells(self._seen):
            poses = {pose for cell in cells for pose in navigation.facing(self._seen, cell)}
            if navigation.route(self._seen, poses) is not None:
                yield from self._put_down(held, cells)
                return
        raise SkillFailed("no_room", f"there is no free place to put {held.ref}", held.ref)

    def toggle(self, object: str) -> Steps:
        """Toggle the object; a door is open afterwards, also one that was open before."""
        thing = self._find(object)
        if thing is self._seen.held:
            raise SkillFailed("cannot", f"{object} is held", *_refs(object, thing))
        yield from self._face(thing, object)
        was_open = thing.kind == codes.DOOR and thing.state == codes.OPEN
        before = thing.state
        yield codes.TOGGLE
        if was_open:  # the act of opening fulfils an instruction to open, so it is closed and opened again
            yield codes.TOGGLE
        elif not thing.is_gone and thing.state == before:
            if thing.kind == codes.DOOR and before == codes.LOCKED:
                raise SkillFailed("locked", f"{object} is locked", *_refs(object, thing))
            raise SkillFailed("cannot", f"toggling {object} does nothing", *_refs(object, thing))

    def put_next_to(self, item: str, target: str) -> Steps:
        """Put the held item on a free place beside the target."""
        held = self._find(item, prefer_held=True)
        thing = self._find(target)
        if held is not self._seen.held:
            raise SkillFailed("not_held", f"{item} is not held", *_refs(item, held))
        if thing is held:
            raise SkillFailed("cannot", f"{item} cannot be put next to {target}", *_refs(item, held))
        if not self._free_cells_beside(thing) and self._has_unseen_side(thing):
            yield from self._face(thing, target)
        cells = self._free_cells_beside(thing)
        if not cells:
            raise SkillFailed("no_room", f"there is no free place next to {target}", *_refs(target, thing))
        if navigation.route(self._seen, self._facing_any(cells)) is None:
            places = {cell - step for cell in cells for step in self._seen.steps}
            raise self._obstructed(target, places, thing)
        yield from self._put_down(held, cells)

    def explore(self) -> Steps:
        """Look around until an unseen thing comes into view."""
        seen_before = self._seen.seen_count
        while self._seen.seen_count == seen_before:
            way = navigation.route(self._seen, navigation.frontier(self._seen))
            if way is None:
                raise self._nothing_new()
            ahead = (way[-1] >> 2) + self._seen.steps[way[-1] & 3]
            for action in self._follow(way):
                yield action
                if self._seen.seen_count != seen_before or self._seen.cells[ahead] != codes.UNSEEN:
                    break

    def _find(self, text: str, *, prefer_held: bool = False) -> Thing:
        thing = find(self._seen, text, prefer_held=prefer_held)
        if thing is None:
            raise SkillFailed("unseen", f"{text} has not been seen")
        if thing.is_gone:
            raise SkillFailed("gone", f"{text} is gone", *_refs(text, thing))
        return thing

    def _face(self, thing: Thing, name: str) -> Steps:
        """Walk until the thing is right ahead; a goal is stepped on instead."""
        while True:
            if thing.is_gone:
                raise SkillFailed("gone", f"{name} is gone", *_refs(name, thing))
            is_target = thing.kind == codes.GOAL
            poses = _poses_on(thing.cell) if is_target else navigation.facing(self._seen, thing.cell)
            way = navigation.route(self._seen, poses)
            if way is None:
                cells = {thing.cell} if is_target else {thing.cell - step for step in self._seen.steps}
                raise self._obstructed(name, cells, thing)
            if not way:
                return
            yield from self._follow(way)

    def _follow(self, way: list[int]) -> Iterator[int]:
        """Act along a route until its end, or until a step does not go as planned."""
        for pose in way:
            action = navigation.action_between(self._seen.pose_state, pose)
            if action == codes.FORWARD and not self._seen.walkable[self._seen.front]:
                return
            yield action
            if self._seen.pose_state != pose:
                return

    def _put_down(self, held: Thing, cells: Collection[int]) -> Steps:
        while True:
            way = navigation.route(self._seen, self._facing_any(cells))
            if way is None:
                raise SkillFailed("no_room", f"there is no free place to put {held.ref}", held.ref)
            if not way:
                break
            yield from self._follow(way)
        yield codes.DROP
        if self._seen.held is held:
            raise SkillFailed("no_room", f"there is no free place to put {held.ref}", held.ref)

    def _free_cells_beside(self, thing: Thing) -> set[int]:
        beside = (thing.cell + step for step in self._seen.steps)
        return {cell for cell in beside if self._seen.cells[cell] == codes.EMPTY}

    def _has_unseen_side(self, thing: Thing) -> bool:
        return any(self._seen.cells[thing.cell + step] == codes.UNSEEN for step in self._seen.steps)

    def _facing_any(self, cells: Collection[int]) -> set[int]:
        """Poses that look at one of the cells while it is empty."""
        empty = (cell for cell in cells if self._seen.cells[cell] == codes.EMPTY)
        return {pose for cell in empty for pose in navigation.facing(self._seen, cell)}

    def _obstructed(self, name: str, cells: Collection[int], thing: Thing) -> SkillFailed:
        """The failure of finding no way to a thing: the first obstacle on the cheapest way to these cells."""
        way = navigation.cheapest_way(self._seen, cells)
        for cell in way:
            if not self._seen.walkable[cell]:
                obstacle = self._seen.things.get(cell)
                if obstacle is None:
                    return SkillFailed("unseen", f"no way to {name} has been seen", *_refs(name, thing))
                code, words = _in_the_way(obstacle)
                reason = f"the way to {name} is blocked by {words}"
                return SkillFailed(code, reason, obstacle.ref, *_refs(name, thing))
        return SkillFailed("cannot", f"there is no way to {name}", *_refs(name, thing))

    def _nothing_new(self) -> SkillFailed:
        reason = "nothing new can be seen from here"
        for cell in navigation.cheapest_way(self._seen, navigation.beyond(self._seen)):
            obstacle = self._seen.things.get(cell)
            if obstacle is not None and not self._seen.walkable[cell]:
                code, words = _in_the_way(obstacle)
                return SkillFailed(code, f"{reason}; the way on is blocked by {words}", obstacle.ref)
        return SkillFailed("nothing_new", reason)


def _in_the_way(thing: Thing) -> tuple[str, str]:
    """Obstacle code and text for a thing that is in the way."""
    if thing.kind == codes.DOOR:
        return thing.state_name, f"{thing.ref}, which is {thing.state_name}"
    return "blocked", thing.ref


def _refs(name: str, thing: Thing) -> tuple[str, ...]:
    """The thing's name as a subject, if the reason uses that name."""
    return (thing.ref,) if thing.ref in name else ()


def _poses_on(cell: int) -> set[int]:
    return {cell << 2 | heading for heading in range(4)}
