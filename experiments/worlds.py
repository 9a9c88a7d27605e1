"""Worlds of a process: made once per kind, reset for every episode."""

from typing import Any

from embodied_mem.contracts import World, close_world


class Worlds:
    """Makes each world at the first use of its kind and keeps it: making one costs more than an episode."""

    def __init__(self) -> None:
        self._worlds: dict[str, World] = {}

    def get(self, kind: str) -> World:
        """The world of a kind, such as `babyai:UnlockPickup`.

        Raises:
            UnknownName: The world or task does not exist.
            MissingExtra: Its simulator is not installed.
        """
        if kind not in self._worlds:
            from embodied_mem.envs import make_world

            self._worlds[kind] = make_world(kind)
        return self._worlds[kind]

    def close(self) -> None:
        """Close every environment."""
        for world in self._worlds.values():
            close_world(world)
        self._worlds.clear()


def max_steps(env: Any) -> int | None:
    """The environment's own step limit for the current episode; None if it has none.

    The smaller of a `TimeLimit` wrapper's and `env.unwrapped.max_steps`, which may change at each reset.
    """
    limits = [getattr(env.unwrapped, "max_steps", None)]
    while env is not env.unwrapped:
        limits.append(getattr(env, "_max_episode_steps", None))  # set by gymnasium.wrappers.TimeLimit
        env = env.env
    numbers = [int(limit) for limit in limits if isinstance(limit, int) and limit > 0]
    return min(numbers, default=None)
