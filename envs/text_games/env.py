"""`TextGameEnv`: a text game as a Gymnasium environment; its actions are commands."""

import string
from collections.abc import Sequence
from typing import Any

import gymnasium as gym

from embodied_mem.envs.text_games.turn import Opening, TextGame, Turn
from embodied_mem.errors import EpisodeError

MAX_STEPS = 100
MAX_CHARS = 4_000  # of one observation; ScienceWorld's longest rooms take about 2,000
MAX_COMMAND_CHARS = 300
CHARACTERS = string.printable
ON_ONE_LINE = "".join(character for character in CHARACTERS if character.isprintable())


class TextGameEnv(gym.Env[str, str]):
    """One engine's games. `info` has `admissible_commands`, `score`, `won`, `lost`, and all of it as `turn`.

    The reward of a step is what it added to the score, a share of the maximum. The episode terminates when
    the game is won or lost, and is truncated after `max_steps` commands.

    Args:
        game: The engine.
        max_steps: Commands of an episode.

    Attributes:
        opening: The start of the current game; the world names the problem by it.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - Gymnasium declares it so

    def __init__(self, game: TextGame, *, max_steps: int = MAX_STEPS) -> None:
        self._game, self.max_steps = game, max_steps
        self.observation_space = gym.spaces.Text(MAX_CHARS, charset=CHARACTERS)
        self.action_space = gym.spaces.Text(MAX_COMMAND_CHARS, charset=ON_ONE_LINE)
        self.opening: Opening | None = None
        self._n_steps = 0
        self._score = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Start the game of a seed; without one, of a random seed."""
        super().reset(seed=seed)
        drawn = int(self.np_random.integers(2**31)) if seed is None else seed
        self.opening = self._game.start(drawn)
        self._n_steps, self._score = 0, self.opening.turn.score
        return _text(self.opening.turn), _info(self.opening.turn)

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Type a command.

        Raises:
            EpisodeError: There was no reset, or the action is no text of one line.
        """
        if self.opening is None:
            raise EpisodeError("no game has been started; call reset first")
        if not isinstance(action, str) or len(action.splitlines()) != 1:
            raise EpisodeError(f"the command is {action!r:.200}; expected one line of text, such as 'look'")
        turn = self._game.play(action)
        self._n_steps += 1
        reward, self._score = turn.score - self._score, turn.score
        is_terminated = turn.is_won or turn.is_lost
        is_truncated = not is_terminated and self._n_steps >= self.max_steps
        return _text(turn), reward, is_terminated, is_truncated, _info(turn)

    def walkthrough(self) -> Sequence[str]:
        """Commands that win the game that was just started; only the world's expert reads them."""
        return self._game.walkthrough()

    def close(self) -> None:
        """End the engine."""
        self._game.close()


def _text(turn: Turn) -> str:
    """What is read at a turn: the answer, the place unless the answer holds it, and what is carried."""
    place = "" if turn.place in turn.feedback else turn.place
    parts = (part.strip() for part in (turn.feedback, place, turn.inventory))
    return printable("\n".join(part for part in parts if part))[:MAX_CHARS] or "Nothing is said."


def printable(text: str) -> str:
    """The text in the characters of the space: others become `?`."""
    return text if text.isascii() and text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    return character if character in CHARACTERS else "?"


def _info(turn: Turn) -> dict[str, Any]:
    return {
        "admissible_commands": list(turn.commands),
        "score": turn.score,
        "won": turn.is_won,
        "lost": turn.is_lost,
        "turn": turn,
    }
