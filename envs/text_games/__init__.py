"""Text games: one adapter, and an engine for each library. Commands are skills, scores are progress."""

from embodied_mem.envs.text_games.commands import CommandGrammar, Form
from embodied_mem.envs.text_games.env import TextGameEnv
from embodied_mem.envs.text_games.turn import Fact, Opening, TextGame, Turn
from embodied_mem.envs.text_games.world import TextGameWorld

__all__ = ["CommandGrammar", "Fact", "Form", "Opening", "TextGame", "TextGameEnv", "TextGameWorld", "Turn"]
