"""The full initial state of a MiniGrid episode, to name its problem; no planner sees it."""

from typing import Any

from embodied_mem.records.json_values import canonical


def can_read_state(env: Any) -> bool:
    """Whether the unwrapped environment is a MiniGrid environment, whose state can be read."""
    return all(hasattr(env, name) for name in ("grid", "agent_pos", "agent_dir", "carrying", "mission"))


def initial_state(env: Any) -> bytes:
    """Return everything that makes up the problem: cells and what boxes hold, agent, mission, step limit."""
    grid = env.grid
    east, south = map(int, env.agent_pos)
    numbers = [grid.width, grid.height, east, south, int(env.agent_dir)]
    # Two levels may show the same grid through different views, and stop after different numbers of steps.
    rules = [int(env.agent_view_size), bool(env.see_through_walls), int(env.max_steps)]
    cells = b"".join(map(_content, [*grid.grid, env.carrying]))
    return canonical([*numbers, *rules, str(env.mission)]).encode() + cells


def _content(thing: Any) -> bytes:
    if thing is None:
        return b"."
    inside = getattr(thing, "contains", None)  # a box with a key in it is encoded like an empty one
    return bytes(thing.encode()) + (b"(" + _content(inside) + b")" if inside is not None else b"")
