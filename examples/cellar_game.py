"""A text game of 100 cellars, with the interface that text games have: text in, text out.

Four rooms in a row; a coin lies in a locked chest, and its key in another room. The seed of a reset draws one
of the cellars. This is the simulator of `text_game_world.py`, not a part of the example itself.
"""

import string
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

N_GAMES = 100
ROOMS = ("kitchen", "cellar", "workshop", "pantry")
METALS = ("brass", "iron", "silver")
CHARACTERS = string.ascii_letters + string.digits + " .,:'\n"


class CellarGame(gym.Env[str, str]):
    """Take the coin. Actions are commands, observations are texts; the coin gives reward 1 and ends the game.

    `info` has the keys `objective`, `admissible_commands`, `inventory`, `won` and `game`, the cellar's
    number.
    """

    def __init__(self, *, max_steps: int = 40) -> None:
        self.max_steps = max_steps
        self.action_space = spaces.Text(60, charset=CHARACTERS)
        self.observation_space = spaces.Text(1_000, charset=CHARACTERS)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Draw a cellar, and stand in its first room."""
        super().reset(seed=seed)
        self._game = int(self.np_random.integers(N_GAMES))
        layout = np.random.default_rng(self._game)
        self._rooms = [ROOMS[at] for at in layout.permutation(len(ROOMS))]
        self._chest, self._start, key_room = map(int, layout.permutation(len(ROOMS))[:3])
        metal = METALS[int(layout.integers(len(METALS)))]
        self._key = f"{metal} key"
        others = [f"{other} key" for other in METALS if other != metal]
        self._things = {self._key: key_room, others[0]: self._start}  # thing -> room; -1 is the hand
        self._at, self._steps = self._start, 0
        self._is_locked, self._is_open = True, False
        return self._look(), self._info()

    def step(self, command: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Carry out a command; the first line of the text is its result."""
        self._steps += 1
        reply = self._carry_out(command) if command in self._commands() else "You cannot do that."
        is_truncated = self._steps >= self.max_steps and not self._has_coin()
        text = f"{reply}\n{self._look()}"
        return text, float(self._has_coin()), self._has_coin(), is_truncated, self._info()

    def _carry_out(self, command: str) -> str:
        verb, _, rest = command.partition(" ")
        if verb == "go":
            self._at += 1 if rest == "east" else -1
            return f"You go {rest}."
        if verb == "take":
            self._things[rest] = -1
            return f"You take the {rest}."
        if verb == "unlock":
            if not rest.endswith(self._key):
                return "You cannot unlock the chest: the key does not fit."
            self._is_locked = False
            return "The chest clicks."
        if self._is_locked:
            return "You cannot open the chest: it is locked."
        self._is_open = True
        self._things.setdefault("coin", self._chest)
        return "You open the chest."

    def _commands(self) -> list[str]:
        found = [
            f"go {way}" for way, step in (("west", -1), ("east", 1)) if 0 <= self._at + step < len(ROOMS)
        ]
        found += [f"take {thing}" for thing, room in self._things.items() if room == self._at]
        if self._at == self._chest and not self._is_open:
            held = [thing for thing, room in self._things.items() if room == -1]
            found += ["open chest", *(f"unlock chest with {thing}" for thing in held)]
        return found

    def _look(self) -> str:
        here = [thing for thing, room in self._things.items() if room == self._at]
        here += ["chest"] * (self._at == self._chest)
        seen, carried = ", ".join(here) or "nothing", ", ".join(self._carried()) or "nothing"
        return f"You are in the {self._rooms[self._at]}. You see: {seen}. You carry: {carried}."

    def _carried(self) -> list[str]:
        return [thing for thing, room in self._things.items() if room == -1]

    def _has_coin(self) -> bool:
        return self._things.get("coin") == -1

    def _info(self) -> dict[str, Any]:
        return {
            "objective": "take the coin",
            "admissible_commands": self._commands(),
            "inventory": self._carried(),
            "won": self._has_coin(),
            "game": self._game,
        }
