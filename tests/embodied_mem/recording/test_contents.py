"""What an experience of one environment holds: actions, observations, info and texts."""

import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem.recording import EpisodeSummary, record_experience
from embodied_mem.records import SkillCall
from embodied_mem.records.queries import observation_vector
from embodied_mem.store import MemoryStore
from tests.embodied_mem.recording.scripted import Scripted, end, go_on, recorded, run


def test_a_long_plan_keeps_head_and_tail_and_says_what_is_missing(memory: Any) -> None:
    actions = [action for i in range(20) for action in (i % 2,) * 3]
    experience = recorded(memory, [go_on()] * 59 + [end()], actions, max_calls=5)
    assert [str(call) for call in experience.plan] == [
        "action_0() x3",
        "action_1() x3",
        "action_0() x3",
        "action_0() x3",
        "action_1() x3",
    ]
    assert experience.metadata["plan_left_out"] == {"after_call": 3, "calls": 15, "actions": 45}


def test_a_plan_that_just_fits_is_whole(memory: Any) -> None:
    experience = recorded(memory, [go_on()] * 4 + [end()], [0, 1, 2, 3, 4], max_calls=5)
    assert len(experience.plan) == 5
    assert "plan_left_out" not in experience.metadata


def test_the_enum_of_the_environment_names_its_actions(memory: Any) -> None:
    pytest.importorskip("minigrid")
    env = record_experience(gym.make("MiniGrid-Empty-5x5-v0"), memory)
    run(env, [2, 2, 0])
    env.close()
    assert [str(call) for call in memory.experiences[0].plan] == ["forward() x2", "left()"]
    assert memory.experiences[0].task.text == "get to the green goal square"


def test_given_names_name_the_actions(memory: Any) -> None:
    experience = recorded(memory, [go_on(), end()], [0, 1], action_names=["wait", "jump"])
    assert [call.name for call in experience.plan] == ["wait", "jump"]


@pytest.mark.parametrize(
    ("space", "actions", "expected"),
    [
        (
            gym.spaces.MultiDiscrete([2, 3]),
            [np.array([1, 2]), [1, 2], (0, 0)],
            ["act([1, 2]) x2", "act([0, 0])"],
        ),
        (gym.spaces.MultiBinary(2), [np.array([1, 0], np.int8)] * 3, ["act([1, 0]) x3"]),
        (gym.spaces.Text(20), ["open door", "open door", "\ud800"], ["act(open door) x2", "act(\ufffd)"]),
        (gym.spaces.Discrete(3), [np.int64(1), 1, np.array(1)], ["action_1() x3"]),
        (gym.spaces.Discrete(3), [np.array([1]), 1, 1], ["action_1() x3"]),
        (gym.spaces.Discrete(3), ["left", None, None], ["act('left')", "act(None) x2"]),
        (
            gym.spaces.Dict({"move": gym.spaces.Discrete(2), "say": gym.spaces.Text(5)}),
            [{"move": 1, "say": "hi"}, {"say": "hi", "move": np.int64(1)}, {"move": 0, "say": ""}],
            ['act({"move": 1, "say": "hi"}) x2', 'act({"move": 0, "say": ""})'],
        ),
        (gym.spaces.Tuple((gym.spaces.Discrete(2),)), [(np.int64(1),)] * 3, ["act([1]) x3"]),
    ],
)
def test_actions_of_any_discrete_space_are_run_length_coded(
    memory: Any, space: Any, actions: list[Any], expected: list[str]
) -> None:
    env = Scripted([go_on(), go_on(), end()], space=space)
    assert [str(call) for call in recorded(memory, [], actions, env=env).plan] == expected


def test_an_agent_may_reuse_its_action_buffer(memory: Any) -> None:
    buffer = np.array([0.0])
    env = record_experience(Scripted([go_on(), end()], space=gym.spaces.Box(-1, 1, (1,))), memory)
    env.reset()
    for value in (0.25, 0.75):
        buffer[0] = value
        env.step(buffer)
    assert memory.experiences[0].metadata["actions"].endswith("mean [0.5], from [0.25] to [0.75]")


def test_continuous_actions_are_summed_up_however_many(memory: Any) -> None:
    env = Scripted([go_on()] * 999 + [end()], space=gym.spaces.Box(-1, 1, (1,)))
    experience = recorded(memory, [], [np.array([i / 1000]) for i in range(1000)], env=env)
    assert len(experience.plan) <= 8
    assert experience.metadata["actions"].startswith("1000 continuous actions of Box")
    assert experience.metadata["actions"].endswith("mean [0.4995], from [0] to [0.999]")


@pytest.mark.parametrize("odd", ["push", np.zeros(3), None])
def test_malformed_continuous_actions_are_counted_only(memory: Any, odd: Any) -> None:
    env = Scripted([go_on(), end()], space=gym.spaces.Box(-1, 1, (2,)))
    line = recorded(memory, [], [np.zeros(2), odd], env=env).metadata["actions"]
    assert isinstance(line, str)
    assert line.startswith("2 continuous actions")
    assert "mean" not in line or odd is None


def test_continuous_actions_can_be_kept(memory: Any) -> None:
    env = Scripted([go_on(), end()], space=gym.spaces.Box(-1, 1, (2,)))
    actions = [np.array([0.1, 0.5], np.float32)] * 2
    assert recorded(memory, [], actions, env=env, keep_continuous=True).plan == (
        SkillCall("act", {"action": [0.1, 0.5]}, count=2),
    )


def test_an_environment_may_reuse_its_observation_buffer(memory: Any) -> None:
    buffer = np.zeros(2)

    class Reusing(Scripted):
        def step(self, action: Any) -> Any:
            buffer[:] = 7
            return buffer, 0.0, True, False, {}

    summaries: list[EpisodeSummary] = []
    experience = recorded(memory, [], [0], env=Reusing([], first=buffer), outcome=summaries.append)
    assert (experience.state, experience.state_after) == ("[0 0]", "[7 7]")
    assert summaries[0].first_observation.tolist() == [0, 0]


def test_each_span_begins_with_what_was_seen_then(memory: Any) -> None:
    buffer = np.zeros(1)

    class Reusing(Scripted):
        def step(self, action: Any) -> Any:
            buffer[:] += 1
            return buffer, 0.0, False, False, {}

    summaries: list[EpisodeSummary] = []
    env = record_experience(
        Reusing([], first=buffer), memory, max_steps_per_experience=2, outcome=summaries.append
    )
    run(env, [0] * 4)
    assert [summary.first_observation.tolist() for summary in summaries] == [[0], [2]]


def test_one_store_serves_environments_of_several_observation_shapes(tmp_path: Path) -> None:
    memory = MemoryStore.open(tmp_path).memory()
    for size in (2, 3):
        run(record_experience(Scripted([end()], first=np.ones(size)), memory, task=f"size {size}"), [0])
    assert [hit.experience.task.text for hit in memory.recall(observation=np.ones(3), k=1)] == ["size 3"]


def test_an_array_observation_becomes_a_vector(memory: Any) -> None:
    first = np.array([0.5, -1.0], np.float32)
    assert recorded(memory, [], [0], env=Scripted([end()], first=first)).vectors == (
        observation_vector(first),
    )


@pytest.mark.parametrize(
    "first",
    [np.array([np.nan]), np.zeros(0), np.array([1e300]), np.array([1j]), None, object(), {"a": None}],
)
def test_an_observation_that_cannot_be_compared_has_no_vector(memory: Any, first: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # 1e300 overflows float32
        assert recorded(memory, [], [0], env=Scripted([end()], first=first)).vectors == ()


def test_numpy_in_info_is_kept_and_the_rest_is_named(memory: Any) -> None:
    step = end(success=np.bool_(True), position=np.array([1.5, 2]), handle=object())
    assert recorded(memory, [step], [0]).metadata["info"] == {
        "success": True,
        "position": [1.5, 2.0],
        "left_out": ["handle"],
    }


@pytest.mark.parametrize("text", ["", "\udcff", "x" * 1_000_000])
def test_texts_of_any_kind_are_recorded(memory: Any, text: str) -> None:
    env = Scripted([end(observation=text, note=text)], first=text, info={"mission": text})
    experience = recorded(memory, [], [0], env=env)
    assert len(experience.state) < 20_000
    assert experience.task.text
