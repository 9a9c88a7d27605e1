"""Make worlds by name: "babyai:UnlockPickup", "minigrid:DoorKey-8x8", "gym:CartPole-v1"."""

from typing import Any

from embodied_mem import registry
from embodied_mem.contracts import World
from embodied_mem.errors import EpisodeError
from embodied_mem.isolation.recipe import remember_call


def make_world(name: str, **options: Any) -> World:
    """Make a world by name.

    Args:
        name: "family:rest"; the family is a registered world, and its factory interprets the optional rest.
        options: Passed to the family's factory.

    Raises:
        UnknownName: The family, or the rest within it, does not exist; the message gives the nearest names.
        MissingExtra: The world's package is not installed.
        EpisodeError: The factory gave something that is no `World` with an environment.
    """
    family, separator, rest = name.partition(":")
    factory = registry.load("worlds", family)
    world: World = factory(rest, **options) if separator else factory(**options)
    _check(world, name)
    return remember_call(world, "embodied_mem.envs:make_world", {"name": name, **options})


def _check(world: World, name: str) -> None:
    if not isinstance(world, World):
        raise EpisodeError(
            f"the factory of {name!r} gave {type(world).__name__}; expected a World with env, begin, "
            "observe, skills and start"
        )
    if not hasattr(world.env, "reset") or not hasattr(world.env, "step"):
        raise EpisodeError(
            f"world {name!r} has an env of {type(world.env)}; expected a Gymnasium environment; "
            "its factory gets the text after the colon as its first argument"
        )
