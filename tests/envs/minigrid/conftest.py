"""A grid drawn in text as a world, so that a test says what it is about."""

import gymnasium as gym
import pytest
from minigrid.core.grid import Grid
from minigrid.core.mission import MissionSpace
from minigrid.core.world_object import Ball, Box, Door, Goal, Key, Lava, Wall
from minigrid.minigrid_env import MiniGridEnv

from embodied_mem.envs.minigrid import MiniGridWorld
from embodied_mem.records import SkillCall
from embodied_mem.testing.execution import begin_episode, run_call

THINGS = {
    "#": Wall,
    "r": lambda: Ball("red"),
    "b": lambda: Ball("blue"),
    "k": lambda: Key("yellow"),
    "x": lambda: Box("green", contains=Key("red")),
    "D": lambda: Door("yellow", is_locked=True),
    "d": lambda: Door("grey"),
    "o": lambda: Door("purple", is_open=True),
    "g": Goal,
    "~": Lava,
}
HEADINGS = ">v<^"


class DrawnEnv(MiniGridEnv):
    """The grid of the drawing; ">v<^" is the agent."""

    def __init__(self, drawing: str, mission: str = "look around", max_steps: int = 500):
        self._rows = drawing.split()
        self._mission = mission
        super().__init__(
            mission_space=MissionSpace(mission_func=lambda: mission),
            width=len(self._rows[0]),
            height=len(self._rows),
            max_steps=max_steps,
        )

    def _gen_grid(self, width: int, height: int) -> None:
        self.grid = Grid(width, height)
        self.mission = self._mission
        for y, row in enumerate(self._rows):
            for x, letter in enumerate(row):
                if letter in HEADINGS:
                    self.agent_pos, self.agent_dir = (x, y), HEADINGS.index(letter)
                elif letter in THINGS:
                    self.put_obj(THINGS[letter](), x, y)


class Drawn:
    """A drawn world in an episode, and the calls made in it."""

    def __init__(self, drawing: str, **options):
        self.env: gym.Env = DrawnEnv(drawing, **options)
        self.world = MiniGridWorld(self.env)
        self.observation = begin_episode(self.world)
        self.actions: list = []

    def call(self, name: str, *values: str):
        """The result of a call; its actions are in `actions`."""
        skills = {skill.name: skill for skill in self.world.skills(self.observation)}
        names = [parameter.name for parameter in skills[name].parameters]
        call = SkillCall(name, dict(zip(names, values, strict=True)))
        result, self.actions = run_call(self.world, call, self.observation)
        return result

    def act(self, *actions: int):
        """What is observed after these raw actions."""
        for action in actions:
            raw, *_, info = self.world.env.step(action)
            self.observation = self.world.observe(raw, info)
        return self.observation

    @property
    def choices(self) -> tuple:
        """What has been seen and stands somewhere."""
        skills = {skill.name: skill for skill in self.world.skills(self.observation)}
        return skills["go_to"].parameters[0].choices


@pytest.fixture
def drawn_env():
    return DrawnEnv


@pytest.fixture
def drawn():
    return Drawn
