"""MiniGrid and BabyAI (extra: grid): missions in language, partial views, named objects, six skills."""

from embodied_mem.envs.minigrid.make import level_ids, make_babyai, make_minigrid
from embodied_mem.envs.minigrid.world import MiniGridWorld

__all__ = ["MiniGridWorld", "level_ids", "make_babyai", "make_minigrid"]
