"""Environments whose observations, rewards, flags and infos are arrays of other libraries."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem.recording import record_experience
from embodied_mem.records import Status
from embodied_mem.records.arrays import as_array
from embodied_mem.records.queries import observation_vector
from tests.embodied_mem.recording import stand_ins
from tests.embodied_mem.recording.scripted import Scripted, end, go_on, recorded

VIEW = np.array([0.5, -1.0], np.float32)
each_library = pytest.mark.parametrize("make", stand_ins.ALL)
each_tensor = pytest.mark.parametrize("make", [stand_ins.Tensor, stand_ins.on_gpu, stand_ins.with_gradients])


@each_library
def test_an_array_of_any_library_is_read(make: Any) -> None:
    array = as_array(make(VIEW))
    assert array is not None
    assert array.tolist() == VIEW.tolist()


@pytest.mark.parametrize(
    "value", [None, "text", 3, [1, 2], {"a": 1}, object(), np.array([{}]), stand_ins.Tensor, np.ndarray]
)
def test_what_is_no_array_is_none(value: Any) -> None:
    assert as_array(value) is None


@each_library
def test_an_observation_of_any_library_is_described_and_keyed(make: Any, memory: Any) -> None:
    env = Scripted([end(observation=make(VIEW))], first=make(VIEW))
    experience = recorded(memory, [], [0], env=env)
    assert experience.state == experience.state_after == "[0.5 -1]"
    assert experience.vectors == (observation_vector(VIEW),)


@each_library
def test_an_array_within_an_observation_is_described_and_keyed(make: Any, memory: Any) -> None:
    experience = recorded(memory, [], [0], env=Scripted([end()], first={"view": make(VIEW), "goal": "tea"}))
    assert experience.state == "goal: tea\nview: [0.5 -1]"
    assert [vector.field for vector in experience.vectors] == ["observation/view/2"]


@each_library
def test_success_and_numbers_in_info_are_kept(make: Any, memory: Any) -> None:
    step = end(success=make(np.array(True)), parts={"distance": make(np.array([0.25]))})
    experience = recorded(memory, [step], [0])
    assert experience.outcome.status is Status.SUCCESS
    assert experience.metadata["info"] == {"success": True, "parts": {"distance": [0.25]}}


@each_tensor
@pytest.mark.parametrize("shape", [(), (1,)])
def test_rewards_and_flags_are_read(make: Any, shape: Any, memory: Any) -> None:
    steps = [
        (1, make(np.full(shape, 0.5)), make(np.zeros(shape, bool)), make(np.zeros(shape, bool)), {}),
        (1, make(np.full(shape, 1.5)), make(np.ones(shape, bool)), make(np.zeros(shape, bool)), {}),
    ]
    outcome = recorded(memory, steps, [0, 0], outcome="reward>=2").outcome
    assert (outcome.status, outcome.reward, outcome.steps) == (Status.SUCCESS, 2.0, 2)


@each_tensor
@pytest.mark.parametrize(
    ("space", "action", "plan"),
    [
        (gym.spaces.Discrete(4), np.array(2), "action_2() x2"),
        (gym.spaces.MultiDiscrete([4, 4]), np.array([1, 3]), "act([1, 3]) x2"),
        (gym.spaces.Box(-1, 1, (2,)), np.array([0.25, -1.0], np.float32), "act([0.25, -1.0]) x2"),
        (gym.spaces.Tuple([gym.spaces.Discrete(4)]), (np.array(2),), "act([2]) x2"),
    ],
    ids=repr,
)
def test_actions_are_read(make: Any, space: Any, action: Any, plan: str, memory: Any) -> None:
    given = tuple(map(make, action)) if isinstance(action, tuple) else make(action)
    experience = recorded(memory, [], [given] * 2, env=Scripted([go_on(), end()], space=space))
    assert [str(call) for call in experience.plan] == [plan]


@each_tensor
def test_a_large_tensor_in_info_is_named_and_never_fetched(make: Any, memory: Any) -> None:
    class Large(stand_ins.Tensor):
        def numpy(self) -> Any:
            raise AssertionError("fetched")

        def cpu(self) -> Any:
            raise AssertionError("fetched")

    step = end(image=Large(np.zeros((100, 100))), n=make(np.array(3)))
    assert recorded(memory, [step], [0]).metadata["info"] == {"n": 3, "left_out": ["image"]}


@each_tensor
def test_a_vector_environment_of_tensors_is_recorded(make: Any, memory: Any) -> None:
    class Simulator(gym.vector.VectorEnv[Any, Any, Any]):
        num_envs = 2
        metadata = {"autoreset_mode": "SameStep"}  # noqa: RUF012
        single_observation_space = gym.spaces.Box(-1, 1, (2,))
        single_action_space = gym.spaces.Box(-1, 1, (1,))
        observation_space = gym.spaces.Box(-1, 1, (2, 2))
        action_space = gym.spaces.Box(-1, 1, (2, 1))

        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            return make(np.stack([VIEW, -VIEW])), {}

        def step(self, actions: Any) -> Any:
            observation, none = make(np.zeros((2, 2))), make(np.zeros(2, bool))
            info = {"success": make(np.array([True, False]))}
            return observation, make(np.array([1.0, 0.0])), make(np.array([True, True])), none, {
                "final_obs": observation, "final_info": info,
            }  # fmt: skip

    env = record_experience(Simulator(), memory)
    env.reset(seed=0)
    env.step(np.zeros((2, 1), np.float32))
    assert [e.state for e in memory.experiences] == ["[0.5 -1]", "[-0.5 1]"]
    assert [e.vectors for e in memory.experiences] == [
        (observation_vector(VIEW),),
        (observation_vector(-VIEW),),
    ]
    assert [e.outcome.status for e in memory.experiences] == [Status.SUCCESS, Status.FAILURE]
    assert [e.outcome.reward for e in memory.experiences] == [1.0, 0.0]
