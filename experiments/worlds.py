"""Worlds of a process: made once per kind, reset for every episode."""

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
