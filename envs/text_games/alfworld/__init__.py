"""ALFWorld (extra: alfworld): household tasks in text, by games of our own and by the published ones."""

from embodied_mem.envs.text_games.alfworld.make import KNOWLEDGE, make_alfworld, make_alfworld_generated

__all__ = ["KNOWLEDGE", "make_alfworld", "make_alfworld_generated"]
