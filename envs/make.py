"""Make worlds by name: "babyai:UnlockPickup", "minigrid:DoorKey-8x8", "gym:CartPole-v1"."""

from typing import Any

from embodied_mem import registry
from embodied_mem.contracts import World
from embodied_mem.isolation.recipe import remember_call


def make_world(name: str, **options: Any) -> World:
    """Make a world by name.

    Args:
        name: "family:rest"; the family is a registered world, and its factory interprets the optional rest.
        options: Passed to the family's factory.

    Raises:
        UnknownName: The family, or the rest within it, does not exist; the message gives the nearest names.
        MissingExtra: The world's package is not installed.
    """
    family, separator, rest = name.partition(":")
    factory = registry.load("worlds", family)
    world: World = factory(rest, **options) if separator else factory(**options)
    return remember_call(world, "embodied_mem.envs:make_world", {"name": name, **options})
