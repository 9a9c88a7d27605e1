"""Names of recorded problems: an environment made with other arguments poses other problems."""

import gymnasium as gym
import pytest

from embodied_mem.envs.gym_world import GymWorld
from embodied_mem.recording import record_experience

BIG = 'FrozenLake-v1#3?{"map_name":"8x8"}'


def names(env, memory, *, seed=3, options=None):
    """The names of the problems that one step of each sub-environment records."""
    recorded = record_experience(env, memory)
    recorded.reset(seed=seed, options=options)
    recorded.step(recorded.action_space.sample())
    recorded.close()
    return [experience.task.instance for experience in memory.experiences]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({}, "FrozenLake-v1#3"),
        ({"render_mode": "ansi"}, "FrozenLake-v1#3"),
        ({"map_name": "8x8"}, BIG),
        ({"max_episode_steps": 7}, 'FrozenLake-v1#3?{"max_episode_steps":7}'),
    ],
)
def test_what_an_environment_was_made_with_is_in_the_name(memory, arguments, name):
    assert names(gym.make("FrozenLake-v1", **arguments), memory) == [name]


def test_options_of_the_reset_come_beside_it(memory):
    env = gym.make("FrozenLake-v1", map_name="8x8")
    assert names(env, memory, options={"goal": 1}) == ['FrozenLake-v1#3?{"goal":1,"map_name":"8x8"}']


def test_the_world_of_the_same_environment_uses_the_same_name(memory):
    world = GymWorld(gym.make("FrozenLake-v1", map_name="8x8"))
    observation, info = world.env.reset(seed=3)
    task = world.begin(observation, info, seed=3)
    assert names(gym.make("FrozenLake-v1", map_name="8x8"), memory) == [task.instance]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_sub_environments_are_named_as_single_ones_are(memory, mode):
    env = gym.make_vec("FrozenLake-v1", num_envs=2, vectorization_mode=mode, map_name="8x8")
    assert names(env, memory) == [BIG, BIG.replace("#3", "#4")]


def test_each_sub_environment_has_its_own_arguments(memory):
    lakes = [lambda: gym.make("FrozenLake-v1", is_slippery=False), lambda: gym.make("FrozenLake-v1")]
    env = gym.vector.SyncVectorEnv(lakes)
    assert names(env, memory) == ['FrozenLake-v1#3?{"is_slippery":false}', "FrozenLake-v1#4"]


def test_a_vector_environment_of_its_own_kind_too(memory):
    env = gym.make_vec("CartPole-v1", num_envs=1, sutton_barto_reward=True)
    name = 'CartPole-v1#3?{"env_index":0,"num_envs":1,"sutton_barto_reward":true}'
    assert names(env, memory) == [name]
