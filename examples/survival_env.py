"""A small survival game on a grid, in the manner of Crafter: gather wood and stone, craft tools, drink.

This is the simulator of `grid_survival_world.py`, not a part of the example itself.
"""

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

MATERIALS = ("edge", "grass", "water", "tree", "stone", "table")
EDGE, GRASS, WATER, TREE, STONE, TABLE = range(len(MATERIALS))
ITEMS = ("wood", "stone", "wood_pickaxe", "stone_pickaxe")
ACTIONS = (
    "wait",
    "west",
    "east",
    "north",
    "south",
    "do",
    "place_table",
    "make_wood_pickaxe",
    "make_stone_pickaxe",
)
MOVES = {"west": (0, -1), "east": (0, 1), "north": (-1, 0), "south": (1, 0)}  # (row, column)
NEEDS = {
    "place_table": {"wood": 1},
    "make_wood_pickaxe": {"wood": 1},
    "make_stone_pickaxe": {"wood": 1, "stone": 1},
}
SIZE, VIEW = 12, 7


class SurvivalEnv(gym.Env[dict[str, Any], np.int64]):
    """Make a stone pickaxe before you die of thirst; reward 1 for it, which ends the episode.

    Observations: `view` (7, 7) uint8, materials around the agent, who stands in the middle; `inventory` (4,)
    int64; `facing` (2,) int64, row and column of the step ahead; `health` and `water`, 0 to 9.
    """

    action_names = ACTIONS

    def __init__(self, *, max_steps: int = 300) -> None:
        self.max_steps = max_steps
        self.action_space = spaces.Discrete(len(ACTIONS))
        self.observation_space = spaces.Dict(
            view=spaces.Box(0, len(MATERIALS) - 1, (VIEW, VIEW), np.uint8),
            inventory=spaces.Box(0, 99, (len(ITEMS),), np.int64),
            facing=spaces.Box(-1, 1, (2,), np.int64),
            health=spaces.Discrete(10),
            water=spaces.Discrete(10),
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Draw a map; the agent stands in its middle."""
        super().reset(seed=seed)
        others = self.np_random.choice([GRASS, WATER, TREE, STONE], (SIZE, SIZE), p=[0.68, 0.06, 0.14, 0.12])
        self.map: npt.NDArray[np.uint8] = np.pad(others.astype(np.uint8), VIEW // 2)
        self._at = np.array([SIZE // 2, SIZE // 2]) + VIEW // 2
        self.map[tuple(self._at)] = GRASS
        self._facing = np.array([0, 1])
        self._has = dict.fromkeys(ITEMS, 0)
        self._health, self._water, self._steps = 9, 9, 0
        return self._observe(), {}

    def step(self, action: np.int64) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Move, act on the cell ahead, build or craft; what is not possible has no effect."""
        self._steps += 1
        name = ACTIONS[int(action)]
        if name in MOVES:
            self._move(name)
        elif name == "do":
            self._do()
        elif name in NEEDS:
            self._make(name)
        self._age()
        is_won = bool(self._has["stone_pickaxe"])
        is_over = is_won or self._health == 0
        info = {"made": is_won, "died": self._health == 0}
        return self._observe(), float(is_won), is_over, self._steps >= self.max_steps and not is_over, info

    def _move(self, name: str) -> None:
        self._facing = np.array(MOVES[name])
        if self.map[self._ahead] == GRASS:
            self._at = self._at + self._facing

    def _do(self) -> None:
        material = self.map[self._ahead]
        if material == WATER:
            self._water = 9
        elif material == TREE:
            self._has["wood"] += 1
        elif material == STONE and self._has["wood_pickaxe"]:
            self._has["stone"] += 1
            self.map[self._ahead] = GRASS

    def _make(self, name: str) -> None:
        row, column = self._at
        is_near_table = bool((self.map[row - 1 : row + 2, column - 1 : column + 2] == TABLE).any())
        is_table = name == "place_table"
        can_place = self.map[self._ahead] == GRASS if is_table else is_near_table
        if not can_place or any(self._has[item] < count for item, count in NEEDS[name].items()):
            return
        for item, count in NEEDS[name].items():
            self._has[item] -= count
        if is_table:
            self.map[self._ahead] = TABLE
        else:
            self._has[name.removeprefix("make_")] += 1

    def _age(self) -> None:
        if self._steps % 20 == 0:
            self._water = max(0, self._water - 1)
            self._health = min(9, self._health + 1) if self._water else self._health - 1

    @property
    def _ahead(self) -> tuple[int, int]:
        row, column = self._at + self._facing
        return int(row), int(column)

    def _observe(self) -> dict[str, Any]:
        row, column = self._at - VIEW // 2
        return {
            "view": self.map[row : row + VIEW, column : column + VIEW].copy(),
            "inventory": np.array([self._has[item] for item in ITEMS]),
            "facing": self._facing.copy(),
            "health": np.int64(self._health),
            "water": np.int64(self._water),
        }
