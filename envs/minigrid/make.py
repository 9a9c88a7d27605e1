"""Make worlds by level name: "UnlockPickup" or "BabyAI-UnlockPickup-v0"."""

import re
from typing import Any

from embodied_mem.envs.minigrid.world import MiniGridWorld
from embodied_mem.errors import unknown_name
from embodied_mem.optional import require


def make_babyai(level: str = "", **options: Any) -> MiniGridWorld:
    """Make a BabyAI level as a world.

    Args:
        level: "UnlockPickup" (its newest version) or the full id "BabyAI-UnlockPickup-v0".
        options: Passed to `gymnasium.make`, such as `max_steps`.

    Raises:
        MissingExtra: MiniGrid is not installed.
        UnknownName: The level does not exist; the message gives the nearest names.
    """
    return _make("BabyAI", level, options)


def make_minigrid(level: str = "", **options: Any) -> MiniGridWorld:
    """Make a MiniGrid level as a world; see `make_babyai`."""
    return _make("MiniGrid", level, options)


def level_ids(family: str) -> list[str]:
    """Every registered id of a family ("BabyAI" or "MiniGrid"), sorted."""
    import gymnasium as gym

    require("minigrid", extra="grid")
    return sorted(name for name in gym.registry if name.startswith(f"{family}-"))


def _make(family: str, level: str, options: dict[str, Any]) -> MiniGridWorld:
    ids = level_ids(family)
    from embodied_mem.envs.minigrid.views import make_quick

    newest = {_short(name): name for name in sorted(ids, key=_version)}
    found = level if level in ids else newest.get(level)
    if found is None:
        raise unknown_name(f"{family} level", level, newest)
    return MiniGridWorld(make_quick(found, **options))


def _short(level: str) -> str:
    return re.sub(r"^(BabyAI|MiniGrid)-|-v\d+$", "", level)


def _version(level: str) -> int:
    return int(level.rpartition("-v")[2])
