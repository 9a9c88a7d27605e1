"""Worlds by level name: "UnlockPickup" or "BabyAI-UnlockPickup-v0"."""

from typing import Any

from embodied_mem.envs.minigrid.world import MiniGridWorld
from embodied_mem.errors import unknown_name
from embodied_mem.optional import require


def make_babyai(level: str = "", **options: Any) -> MiniGridWorld:
    """A BabyAI level as a world.

    Args:
        level: "UnlockPickup" or the full id "BabyAI-UnlockPickup-v0".
        options: Passed to `gymnasium.make`, such as `max_steps`.

    Raises:
        MissingExtra: MiniGrid is not installed.
        UnknownName: No such level; the message gives the nearest.
    """
    return _make("BabyAI", level, options)


def make_minigrid(level: str = "", **options: Any) -> MiniGridWorld:
    """A MiniGrid level as a world; see `make_babyai`."""
    return _make("MiniGrid", level, options)


def level_ids(family: str) -> list[str]:
    """Every registered id of a family ("BabyAI" or "MiniGrid"), sorted."""
    import gymnasium as gym

    require("minigrid", extra="grid")
    return sorted(name for name in gym.registry if name.startswith(f"{family}-"))


def _make(family: str, level: str, options: dict[str, Any]) -> MiniGridWorld:
    import gymnasium as gym

    known = level_ids(family)
    found = next((name for name in (level, f"{family}-{level}-v0", f"{family}-{level}") if name in known), None)
    if found is None:
        raise unknown_name(f"{family} level", level, [name.removeprefix(f"{family}-").removesuffix("-v0") for name in known])
    # The checker runs in its own tests; left on it doubles the time of a step.
    return MiniGridWorld(gym.make(found, disable_env_checker=True, **options), options=options)
