"""Episodes written by another process are those that would have been written here."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem import MemoryStore
from embodied_mem.errors import StoreError
from embodied_mem.wrappers import RecordingError, record_experience

pytestmark = pytest.mark.slow  # each starts a process, which imports numpy and gymnasium


class Odd(gym.Env[Any, Any]):
    """Mappings as observations, an info that cannot be sent, rewards of every kind, an error at action 9."""

    action_space = gym.spaces.Discrete(1_000)
    observation_space = gym.spaces.Dict({"view": gym.spaces.Box(0, 9, (3,)), "mission": gym.spaces.Text(20)})
    rewards = (1.0, np.float32(0.1), float("nan"), 2, np.array([0.5]))

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.n = 0
        return self._seen(), {"handle": lambda: None}

    def step(self, action: Any) -> Any:
        if action == 9:
            raise OSError("motor stalled")
        self.n += 1
        return (
            self._seen(),
            self.rewards[self.n % 5],
            self.n >= 12,
            False,
            {"handle": lambda: None, "n": self.n},
        )

    def _seen(self) -> dict[str, Any]:
        return {"view": np.full(3, self.n, np.float32), "mission": "get the key"}


def noon() -> float:
    return 43_200.0


def recorded(path: Path, env: Any, play: Any, **keywords: Any) -> list[Any]:
    with MemoryStore.open(path) as store:
        wrapped = record_experience(env, store.memory(), clock=noon, **keywords)
        play(wrapped)
        wrapped.close()
        counts = wrapped.recording_counts
        assert counts.recorded + counts.empty == counts.begun
        return without_ids(list(store.experiences()))


def without_ids(experiences: list[Any]) -> list[Any]:
    """The same with ids that are alike where those of two runs mean the same."""
    attempts: dict[str, str] = {}
    for each in experiences:
        attempts.setdefault(each.origin.attempt, f"attempt {len(attempts)}")
    return [
        each.replace(id=f"{n}", origin=replace(each.origin, attempt=attempts[each.origin.attempt]))
        for n, each in enumerate(experiences)
    ]


def odd_episodes(env: Any) -> None:
    for seed, actions in enumerate([[1, 1, 2, 999, 1], [3] * 12, [1, 2, 9], ["left", 1]]):
        env.reset(seed=seed)
        for action in actions:
            try:
                env.step(action)
            except OSError:
                break


@pytest.mark.parametrize(
    "keywords", [{}, {"max_steps_per_experience": 4, "max_calls": 3, "outcome": "reward>=5"}]
)
def test_odd_episodes_are_the_same(keywords, tmp_path):
    here = recorded(tmp_path / "here", Odd(), odd_episodes, **keywords)
    there = recorded(tmp_path / "there", Odd(), odd_episodes, in_background=True, **keywords)
    assert there == here
    assert len(here) == 4 if not keywords else len(here) > 4


def several_at_once(env: Any) -> None:
    env.reset(seed=3)
    for _ in range(60):
        env.step(np.ones(2, dtype=np.int64))


def test_a_vector_environment_records_the_same(tmp_path):
    here = recorded(tmp_path / "here", gym.make_vec("CartPole-v1", num_envs=2), several_at_once)
    env = gym.make_vec("CartPole-v1", num_envs=2)
    assert recorded(tmp_path / "there", env, several_at_once, in_background=True) == here


def play(env: Any, n_episodes: int) -> None:
    for seed in range(n_episodes):
        env.reset(seed=seed)
        is_over = False
        while not is_over:
            *_, terminated, truncated, _ = env.step(1)
            is_over = terminated or truncated


def test_all_that_was_handed_over_is_there_after_close(tmp_path):
    with MemoryStore.open(tmp_path, commit_every=1_000) as store:
        env = record_experience(gym.make("CartPole-v1"), store.memory(), in_background=True)
        play(env, 150)
        env.close()
        assert env.recording_counts.recorded == store.stats().n_experiences == 150


def test_recording_goes_on_after_close(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        env = record_experience(gym.make("CartPole-v1"), store.memory(), in_background=True)
        for _ in range(2):
            play(env, 3)
            env.close()
        assert env.recording_counts.recorded == store.stats().n_experiences == 6


def test_a_process_that_was_killed_is_noticed_and_replaced(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        env = record_experience(gym.make("CartPole-v1"), store.memory(), in_background=True)
        play(env, 2)
        os.kill(env._recorder.writer_pid, signal.SIGKILL)
        time.sleep(0.3)
        with pytest.raises(StoreError, match="had not confirmed may be lost"):
            play(env, 40)
        play(env, 2)
        env.close()
        counts = env.recording_counts
        assert counts.failed <= 2  # what it had been sent
        assert counts.recorded + counts.failed + counts.empty == counts.begun
        assert store.stats().n_experiences >= counts.recorded


def test_an_error_of_memory_is_raised_here(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        keywords = {"make_id": str, "in_background": True}  # an empty id, which no experience may have
        env = record_experience(gym.make("CartPole-v1"), store.memory(), **keywords)
        play(env, 1)
        with pytest.raises(ValueError, match=r"experience\.id is empty"):
            env.close()
        assert env.recording_counts.failed == 1


def test_a_function_that_cannot_be_sent_is_refused_before_the_first_step(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        keywords = {"outcome": lambda summary: "success", "in_background": True}
        env = record_experience(gym.make("CartPole-v1"), store.memory(), **keywords)
        with pytest.raises(RecordingError, match="functions that can be imported"):
            env.reset()


def test_what_was_handed_over_survives_a_killed_loop(tmp_path, run_python):
    code = f"""
import os, signal, gymnasium as gym
from embodied_mem import MemoryStore, record_experience
if __name__ == "__main__":
    store = MemoryStore.open({str(tmp_path / "store")!r}, commit_every=1_000)
    env = record_experience(gym.make("CartPole-v1"), store.memory(), in_background=True)
    for seed in range(63):
        env.reset(seed=seed)
        while not any(env.step(1)[2:4]):
            pass
    os.kill(os.getpid(), signal.SIGKILL)
"""
    script = tmp_path / "loop.py"
    script.write_text(code, encoding="utf-8")
    assert run_python(str(script)).returncode == -signal.SIGKILL
    deadline = time.monotonic() + 30
    n_found = 0
    while n_found < 32 and time.monotonic() < deadline:
        time.sleep(0.2)
        if (tmp_path / "store").exists():
            with MemoryStore.open(tmp_path / "store") as store:
                n_found = store.stats().n_experiences
    assert n_found >= 32  # fewer than thirty-two wait to be sent
