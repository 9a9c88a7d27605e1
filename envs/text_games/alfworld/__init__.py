"""ALFWorld (extra: alfworld): household tasks in text; published games where they are, and games of our own."""

from embodied_mem.envs.text_games.alfworld.make import KNOWLEDGE, make_alfworld, make_alfworld_generated

__all__ = ["KNOWLEDGE", "make_alfworld", "make_alfworld_generated"]
