"""Recording into the real store: recalled by words and by observation, across environments and processes."""

import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv

from embodied_mem import MemoryStore
from embodied_mem.errors import ForkedHandle, StoreError
from embodied_mem.recording import record_experience

# Newer Pythons warn of any fork in a process that has threads, as numpy's are.
may_fork = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def play(env: Any, *, seed: int, action: Any, steps: int = 200) -> Any:
    first, _ = env.reset(seed=seed)
    for _ in range(steps):
        *_, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            break
    return first


def test_an_episode_is_recalled_by_its_task_and_by_its_observation(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        memory = store.memory()
        env = record_experience(gym.make("CartPole-v1"), memory, outcome="reward>=9")
        seen = [play(env, seed=seed, action=1) for seed in range(5)]
        env.close()
        (by_observation,) = memory.recall(observation=seen[3], k=1)
        assert by_observation.experience.task.instance == "CartPole-v1#3"
        assert len(memory.recall(task="balance the cart pole", k=5)) == 5


def test_a_store_takes_environments_whose_observations_differ(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        for name, action in (("CartPole-v1", 1), ("MountainCar-v0", 1)):
            env = record_experience(gym.make(name), store.memory())
            play(env, seed=0, action=action, steps=5)
            env.close()
        assert {e.task.kind for e in store.experiences()} == {"CartPole-v1", "MountainCar-v0"}


@pytest.mark.parametrize("n_envs", [0, 2])
def test_closing_commits_the_episodes_that_wait_for_others(n_envs: int, tmp_path: Path) -> None:
    store = MemoryStore.open(tmp_path, commit_every=100)
    made = gym.make_vec("CartPole-v1", num_envs=n_envs) if n_envs else gym.make("CartPole-v1")
    env = record_experience(made, store.memory())
    env.reset(seed=0)
    env.step(env.action_space.sample())
    assert store.backend.pending == 0
    env.close()
    assert store.backend.pending == 0
    with MemoryStore.open(tmp_path, read_only=True) as other:
        assert other.stats().n_experiences == env.recording_counts.recorded == max(n_envs, 1)
    store.close()


def test_a_store_that_cannot_commit_is_noticed_when_the_environment_is_closed(tmp_path: Path) -> None:
    store = MemoryStore.open(tmp_path, commit_every=100)
    env = record_experience(gym.make("CartPole-v1"), store.memory())
    play(env, seed=0, action=1)
    assert store.backend.pending == 1
    other = sqlite3.connect(next(tmp_path.glob("*.sqlite")))
    other.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'disk on fire'); END"
    )
    with pytest.raises(StoreError, match="disk on fire"):
        env.close()
    assert env.recording_counts.failed == 1
    other.execute("DROP TRIGGER refuse")
    other.close()
    store.close()  # what waited is written after all
    with MemoryStore.open(tmp_path, read_only=True) as again:
        assert again.stats().n_experiences == 1


def test_a_closed_store_is_noticed_before_the_first_step(tmp_path: Path) -> None:
    store = MemoryStore.open(tmp_path)
    env = record_experience(gym.make("CartPole-v1"), store.memory())
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        env.reset()


def test_recording_goes_on_after_close(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = record_experience(gym.make("CartPole-v1"), store.memory())
        for seed in range(2):
            play(env, seed=seed, action=1)
            env.close()
        assert env.recording_counts.recorded == store.stats().n_experiences == 2


def test_each_episode_that_ended_survives_a_killed_loop(tmp_path: Path, run_python: Any) -> None:
    code = f"""
import os, signal, gymnasium as gym
from embodied_mem import MemoryStore, record_experience
store = MemoryStore.open({str(tmp_path / "store")!r})
env = record_experience(gym.make("CartPole-v1"), store.memory())
for seed in range(7):
    env.reset(seed=seed)
    while not any(env.step(1)[2:4]):
        pass
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run_python("-c", code).returncode == -signal.SIGKILL
    with MemoryStore.open(tmp_path / "store") as store:
        assert store.stats().n_experiences == 7


@may_fork
def test_a_child_forked_in_mid_episode_loses_its_own_and_not_that_of_its_parent(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = record_experience(gym.make("CartPole-v1"), store.memory())
        env.reset(seed=0)
        child = os.fork()
        if not child:
            while not any(env.step(1)[2:4]):
                pass
            os._exit(env.recording_counts.failed)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
        while not any(env.step(1)[2:4]):
            pass
        assert env.recording_counts.recorded == store.stats().n_experiences == 1


@may_fork
@pytest.mark.parametrize(
    "context",
    [
        "fork",
        pytest.param("spawn", marks=pytest.mark.slow),
        pytest.param("forkserver", marks=pytest.mark.slow),
    ],
)
def test_sub_environments_in_other_processes_record_into_the_store_they_open(
    tmp_path: Path, context: str
) -> None:
    def recorded() -> Any:
        return record_experience(gym.make("CartPole-v1"), MemoryStore.open(tmp_path).memory())

    env = AsyncVectorEnv([recorded] * 2, context=context)
    env.reset(seed=0)
    for _ in range(30):
        env.step(np.array([1, 1]))
    env.close()
    with MemoryStore.open(tmp_path) as store:
        experiences = list(store.experiences())
    assert {e.task.instance for e in experiences} == {"CartPole-v1#0", "CartPole-v1#1", ""}
    assert len(experiences) == 6  # of each: two that fell over, and the last one cancelled by close()


@may_fork
@pytest.mark.filterwarnings("ignore:.*Worker:UserWarning", "ignore:.*last exception:UserWarning")
@pytest.mark.filterwarnings("ignore:.*Traceback:UserWarning")
def test_a_handle_of_the_parent_is_refused_in_a_forked_child_before_the_first_step(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        memory = store.memory()
        env = AsyncVectorEnv([lambda: record_experience(gym.make("CartPole-v1"), memory)], context="fork")
        with pytest.raises(ForkedHandle, match="open the path again in this child"):
            env.reset(seed=0)
        env.close(terminate=True)
