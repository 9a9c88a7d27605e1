"""Copies of a recorded environment, on which planners imagine what would happen."""

import copy
import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem import MemoryStore
from embodied_mem.recording import record_experience
from tests.embodied_mem.recording.scripted import Scripted, end, go_on, run


def pickled(env: Any) -> Any:
    return pickle.loads(pickle.dumps(env))


each_way = pytest.mark.parametrize("copied", [copy.deepcopy, pickled])


def imagine(env: Any, *, n_steps: int = 3, action: Any = 0) -> None:
    for _ in range(n_steps):
        env.step(action)


@each_way
@pytest.mark.parametrize("n_before", [0, 1, 3])
def test_imagined_rollouts_are_not_recorded(copied: Any, n_before: int, tmp_path: Any) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = record_experience(gym.make("CartPole-v1"), store.memory())
        env.reset(seed=0)
        imagine(env, n_steps=n_before)
        for _ in range(5):
            twin = copied(env)
            imagine(twin)
            twin.reset(seed=1)
            imagine(twin)
            twin.close()
        assert twin.recording_counts.imagined == 1
        imagine(env, n_steps=2)
        env.close()
        assert [each.outcome.steps for each in store.experiences()] == [n_before + 2]


@each_way
def test_copies_of_copies_and_of_vector_environments_are_not_recorded(copied: Any, tmp_path: Any) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = record_experience(gym.make_vec("CartPole-v1", num_envs=2), store.memory())
        env.reset(seed=0)
        twin = copied(copied(env))
        imagine(twin, action=np.array([0, 1]))
        twin.close()
        assert store.stats().n_experiences == 0
        imagine(env, action=np.array([0, 1]))
        env.close()
        assert store.stats().n_experiences == 2


def test_a_vector_environment_of_recorded_ones_is_copied_without_recording(memory: Any) -> None:
    env = gym.vector.SyncVectorEnv([lambda: record_experience(Scripted([go_on()]), memory)])
    env.reset()
    env.step(np.array([0]))
    twin = copy.deepcopy(env)
    twin.step(np.array([0]))
    twin.close()
    assert memory.experiences == []


def test_a_copy_makes_the_same_steps(memory: Any) -> None:
    env = record_experience(gym.make("CartPole-v1"), memory)
    env.reset(seed=0)
    env.step(1)
    twin = copy.deepcopy(env)
    for ours, theirs in zip(env.step(1), twin.step(1), strict=True):
        assert np.array_equal(ours, theirs)


@each_way
@pytest.mark.parametrize("n_envs", [0, 2])
def test_a_copy_records_attempts_of_its_own_if_asked(copied: Any, n_envs: int, tmp_path: Any) -> None:
    with MemoryStore.open(tmp_path) as store:
        made = gym.make_vec("CartPole-v1", num_envs=n_envs) if n_envs else gym.make("CartPole-v1")
        env = record_experience(made, store.memory(), record_copies=True)
        env.reset(seed=0)
        action = env.action_space.sample()
        env.step(action)
        other = copied(env)
        for each in (env, other):
            each.step(action)
            each.close()
        found = list(store.experiences())
        assert [each.outcome.steps for each in found] == [2] * 2 * max(n_envs, 1)
        assert len({each.origin.attempt for each in found}) == len(found)
        assert [each.metadata.get("is_copy", False) for each in found] == [
            is_copy for is_copy in (False, True) for _ in range(max(n_envs, 1))
        ]


def test_an_environment_whose_memory_cannot_be_copied_can_be(memory: Any) -> None:
    memory.handle = (each for each in ())  # a generator can neither be copied nor pickled
    env = record_experience(Scripted([end()]), memory)
    run(copy.deepcopy(env), [0])
    run(env, [0])
    assert len(memory.experiences) == 1
