"""MiniGrid and BabyAI: missions in language, partial views, objects with names, six skills and an expert (extra: grid)."""

from embodied_mem.envs.minigrid.make import level_ids, make_babyai, make_minigrid
from embodied_mem.envs.minigrid.world import MiniGridWorld

__all__ = ["MiniGridWorld", "level_ids", "make_babyai", "make_minigrid"]
