"""The arguments an environment was made with, as far as they differ from those of its id."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.toy_text.frozen_lake import generate_random_map

from embodied_mem.recording.made_with import made_with


def test_an_environment_as_registered_was_made_with_nothing():
    assert made_with(gym.make("FrozenLake-v1")) == {}
    assert made_with(gym.make("FrozenLake-v1", map_name="4x4", render_mode="ansi")) == {}


def test_an_environment_without_a_spec_gives_nothing():
    assert made_with(object()) == {}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"map_name": "8x8"}, {"map_name": "8x8"}),
        ({"desc": ["SF", "FG"]}, {"desc": ["SF", "FG"]}),
        ({"desc": np.array([["S", "F"], ["F", "G"]])}, {"desc": [["S", "F"], ["F", "G"]]}),
        ({"is_slippery": False}, {"is_slippery": False}),
        ({"max_episode_steps": 7}, {"max_episode_steps": 7}),
    ],
)
def test_what_differs_is_given(options, expected):
    assert made_with(gym.make("FrozenLake-v1", **options)) == expected


def test_a_long_value_is_a_digest():
    maps = [generate_random_map(20, seed=seed) for seed in (0, 0, 1)]
    first, same, other = (made_with(gym.make("FrozenLake-v1", desc=each)) for each in maps)
    assert first == same != other
    assert first["desc"].startswith("sha256:")


class Reward:
    """Something that JSON cannot hold, with an address in its text."""


def reward():
    """A function."""


class Fixed(gym.Env):
    def __init__(self, **options):
        self.observation_space = self.action_space = gym.spaces.Discrete(2)


@pytest.fixture
def registered():
    gym.register("Fixed-v0", entry_point=Fixed)
    yield
    gym.registry.pop("Fixed-v0")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Reward(), "Reward"),
        (reward, "reward"),
        (Reward, "Reward"),
        ({"of": [Reward()]}, "Reward"),
        (float("nan"), "nan"),
        (2**70, str(2**70)),
    ],
)
def test_what_json_cannot_hold_is_named_the_same_in_every_process(registered, value, expected):
    said = made_with(gym.make("Fixed-v0", option=value))["option"]
    assert expected in str(said)
    assert "0x" not in str(said)
