"""Worlds of a process: made once per kind, reset for every episode."""

from embodied_mem.contracts import World, close_world
from embodied_mem.errors import EmbodiedMemError, ExperimentError
from embodied_mem.experiments.task_kinds import TaskKind


class Worlds:
    """Makes each world at the first use of its kind and keeps it: making one costs more than an episode."""

    def __init__(self) -> None:
        self._worlds: dict[str, World] = {}

    def get(self, kind: str) -> World:
        """The world of a kind, such as `babyai:UnlockPickup` or `gym:FrozenLake-v1?is_slippery=false`.

        Raises:
            UnknownName: The world or task does not exist.
            MissingExtra: Its simulator is not installed.
            ExperimentError: The world rejects the kind's options.
        """
        if kind not in self._worlds:
            self._worlds[kind] = make_kind(kind)
        return self._worlds[kind]

    def close(self) -> None:
        """Close every environment."""
        for world in self._worlds.values():
            close_world(world)
        self._worlds.clear()


def make_kind(text: str) -> World:
    """Make the world of a kind; see `Worlds.get`."""
    from embodied_mem.envs import make_world

    kind = TaskKind.parse(text)
    try:
        return make_world(kind.name, **kind.options)
    except EmbodiedMemError:
        raise
    except Exception as error:  # simulators reject names and options with errors of any class
        given = f" with {kind.options}" if kind.options else ""
        what = "options" if kind.options else "name"
        raise ExperimentError(
            f"world {kind.name!r} cannot be made{given}: {type(error).__name__}: {error}; "
            f"change the {what} of {kind}"
        ) from error
