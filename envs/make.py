"""Worlds by name: "babyai:UnlockPickup", "minigrid:DoorKey-8x8", "gym:CartPole-v1"."""

from typing import Any

from embodied_mem import registry
from embodied_mem.contracts import World


def make_world(name: str, **options: Any) -> World:
    """The world of that name.

    Args:
        name: "family:rest"; the family is a registered world, the rest is its own affair and may be left out.
        options: Passed to the family's factory.

    Raises:
        UnknownName: No such family, or the family knows no such rest; the message gives the nearest names.
        MissingExtra: The package behind it is not installed.
    """
    family, separator, rest = name.partition(":")
    factory = registry.load("worlds", family)
    world: World = factory(rest, **options) if separator else factory(**options)
    return world
