"""What is noted ahead is what the long way would have noted, whatever the agent and the environment do."""

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.recording import record_experience
from embodied_mem.recording.episode_log import EpisodeLog
from embodied_mem.recording.plan_log import PlanLog, action_log
from embodied_mem.recording.quick_steps import CAPACITY
from embodied_mem.recording.recording_options import RecordOptions
from embodied_mem.recording.single_env import RecordExperience

SPACE = gym.spaces.Discrete(300)


class Endless(gym.Env[Any, Any]):
    """Gives the prepared rewards, one a step, and ends after `length` of them."""

    action_space = SPACE
    observation_space = gym.spaces.Discrete(10_000_000)

    def __init__(self, rewards: list[Any], length: int) -> None:
        self.rewards = rewards
        self.length = length
        self.is_broken = False

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        self.n = 0
        return 0, {}

    def step(self, action: Any) -> Any:
        if action == 299:
            raise RuntimeError("stalled")
        if self.is_broken:
            return self.n, 1.0, True, {}  # as before Gymnasium 0.26
        self.n += 1
        return self.n, self.rewards[self.n % len(self.rewards)], self.n >= self.length, False, {}


class Slow(EpisodeLog):
    """Takes every step one by one."""

    def add_steps(self, actions: Any, rewards: Any) -> None:
        for action in actions:
            self.act(action)
        for reward in rewards:
            self.result(reward)


def episode(memory: Any, env: gym.Env[Any, Any], actions: list[Any], **keywords: Any) -> Any:
    wrapped = record_experience(env, memory, make_id=map(str, range(1_000)).__next__, **keywords)
    wrapped.reset()
    for action in actions:
        wrapped.step(action)
    wrapped.close()
    return memory.experiences


@pytest.mark.parametrize(
    "rewards",
    [
        [1.0],
        [0.1, 0.2, 0.7],
        [1, 2],
        [np.float32(0.1)],
        [0.5, float("nan")],
        [np.array([1.0])],
        [1e308],
        ["x", 1.0],
    ],
)
@pytest.mark.parametrize("limit", [None, 1, 2, 7])
def test_the_record_is_the_same_as_step_by_step(rewards, limit, list_memory, monkeypatch):
    actions = [int(each) for each in np.random.default_rng(0).integers(0, 3, 40)]
    keywords = {"max_steps_per_experience": limit, "clock": lambda: 5.0, "max_calls": 6}
    quick = episode(list_memory(), Endless(rewards, 30), actions, **keywords)
    monkeypatch.setattr(EpisodeLog, "add_steps", Slow.add_steps)
    assert quick == episode(list_memory(), Endless(rewards, 30), actions, **keywords)
    assert len(quick) == 1 if limit is None else -(-30 // limit)


def test_an_episode_longer_than_the_buffers_keeps_every_step(list_memory):
    n = 2 * CAPACITY + 500
    (found,) = episode(list_memory(), Endless([1.0], n), [n % 2 for n in range(n)])
    assert (found.outcome.steps, found.outcome.reward) == (n, float(n))
    left_out = found.metadata["plan_left_out"]
    assert sum(call.count for call in found.plan) + left_out["actions"] == n


def test_a_step_that_raises_is_part_of_the_plan(list_memory):
    memory = list_memory()
    with pytest.raises(RuntimeError, match="stalled"):
        episode(memory, Endless([1.0], 100), [1, 1, 2, 299])
    (found,) = memory.experiences
    assert [str(call) for call in found.plan] == ["action_1() x2", "action_2()", "action_299()"]
    assert (found.outcome.steps, found.outcome.status.value) == (3, "truncated")
    assert found.state_after == "3"


@pytest.mark.parametrize("odd", [np.int64(2), np.array(2), 2.0, True, "two", None, 260, 2**70])
def test_an_action_of_another_type_in_between_is_kept(odd, list_memory):
    (found,) = episode(list_memory(), Endless([1.0], 100), [1, 1, odd, 1, 1])
    assert sum(call.count for call in found.plan) == 5


def test_a_result_of_another_shape_costs_the_record_and_not_the_step(list_memory):
    env = Endless([1.0], 100)
    wrapped = record_experience(env, list_memory())
    wrapped.reset()
    for _ in range(3):
        wrapped.step(1)
    env.is_broken = True
    assert len(wrapped.step(1)) == 4
    assert wrapped.recording_counts.failed == 1


def test_a_first_result_of_another_shape_costs_the_record_and_not_the_step(list_memory):
    env = Endless([1.0], 100)
    wrapped = record_experience(env, list_memory())
    wrapped.reset()
    env.is_broken = True
    assert len(wrapped.step(1)) == 4
    assert wrapped.recording_counts.failed == 1


def test_a_reward_that_the_environment_writes_over_counts_as_it_was(list_memory):
    reward = np.array(1.0)

    class Counting(Endless):
        def step(self, action: Any) -> Any:
            reward[...] = self.n
            return super().step(action)

    (found,) = episode(list_memory(), Counting([reward], 5), [1] * 4)
    assert (found.outcome.reward, found.outcome.steps) == (0.0 + 1.0 + 2.0 + 3.0, 4)


@pytest.mark.parametrize("do", ["copy", "close", "reset"])
def test_what_happens_to_the_wrapper_within_a_step_costs_no_step(do, list_memory):
    memory = list_memory()

    class Meddling(Endless):
        def step(self, action: Any) -> Any:
            result = super().step(action)
            if result[0] == 5 and not self.has_meddled:
                self.has_meddled = True
                {"copy": lambda: copy.deepcopy(wrapped), "close": wrapped.close, "reset": wrapped.reset}[do]()
            return result

        has_meddled = False

    wrapped = record_experience(Meddling([1.0], 20), memory)
    for _ in range(2):
        wrapped.reset()
        while not wrapped.step(1)[2]:
            pass
    wrapped.close()
    steps = [recorded.outcome.steps for recorded in memory.experiences]
    calls = [sum(call.count for call in recorded.plan) for recorded in memory.experiences]
    expected = {"copy": [20, 20], "close": [4, 20], "reset": [4, 21, 20]}[do]
    assert (steps, calls) == (expected, expected)


def test_a_copy_in_the_middle_of_an_episode_goes_its_own_way(list_memory):
    memory = list_memory()
    wrapped = record_experience(Endless([1.0], 100), memory)
    wrapped.reset()
    for _ in range(3):
        wrapped.step(1)
    twin = copy.deepcopy(wrapped)
    twin.step(2)
    wrapped.step(3)
    wrapped.close()
    (found,) = memory.experiences
    assert [str(call) for call in found.plan] == ["action_1() x3", "action_3()"]


@pytest.mark.parametrize("n_before", [0, 1, 3])
def test_a_step_function_that_somebody_kept_records_too(n_before, list_memory):
    memory = list_memory()
    wrapped = record_experience(Endless([1.0], 6), memory)
    wrapped.reset()
    for _ in range(n_before):
        wrapped.step(1)
    kept = wrapped.step
    for _ in range(6 - n_before):
        kept(2)
    wrapped.reset()
    for n in range(6):
        kept(3) if n % 3 else wrapped.step(action=3)
    assert [sum(call.count for call in found.plan) for found in memory.experiences] == [6, 6]
    assert [found.outcome.reward for found in memory.experiences] == [6.0, 6.0]


def test_a_subclass_keeps_its_own_step(list_memory):
    class Counting(RecordExperience):
        n = 0

        def step(self, action: Any) -> Any:
            self.n += 1
            return super().step(action)

    wrapped = Counting(Endless([1.0], 100), list_memory(), RecordOptions())
    wrapped.reset()
    for _ in range(5):
        wrapped.step(1)
    assert wrapped.n == 5


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(0, 300), max_size=40), max_size=6), st.integers(2, 9))
def test_many_actions_at_once_are_the_same_as_one_by_one(batches: list[list[int]], max_calls: int) -> None:
    make = action_log(SPACE, {}, max_calls=max_calls, keep_continuous=False)
    at_once, one_by_one = make(), make()
    assert isinstance(at_once, PlanLog)
    for batch in batches:
        at_once.extend(batch)
        for action in batch:
            one_by_one.add(action)
    assert at_once.calls() == one_by_one.calls()
    assert at_once.metadata() == one_by_one.metadata()
