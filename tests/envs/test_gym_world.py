"""Any Gymnasium environment as a world."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem.contracts import World
from embodied_mem.envs.gym_world import GymWorld, make_gym_world
from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.recording import record_experience
from embodied_mem.records import SkillCall, Task
from embodied_mem.records.skills import Observation, SkillResult, SkillStatus
from embodied_mem.testing.world import WorldContract

NOTHING = Observation(text="")


class TestTheContract(WorldContract):
    @pytest.fixture(params=["CartPole-v1", "FrozenLake-v1"])
    def world(self, request: Any) -> World:
        return make_gym_world(request.param)

    @pytest.fixture
    def call(self) -> SkillCall:
        return SkillCall("action_1")


class Fixed(gym.Env[Any, Any]):
    """Does nothing, with any action space and observation."""

    observation_space = gym.spaces.Discrete(2)

    def __init__(self, space: Any, observation: Any = 0) -> None:
        self.action_space = space
        self.observation = observation

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return self.observation, {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action)
        return self.observation, 0.0, False, False, {}


def begin(world: GymWorld, seed: int | None = 3) -> tuple[Task, Observation]:
    observation, info = world.env.reset(seed=seed)
    return world.begin(observation, info, seed=seed), world.observe(observation, info)


def names(world: GymWorld) -> list[str]:
    return [skill.name for skill in world.skills(NOTHING)]


def test_it_is_a_world() -> None:
    assert isinstance(make_gym_world("CartPole-v1"), World)


def test_the_task_is_the_id_in_words_with_its_instance() -> None:
    task, _ = begin(make_gym_world("CartPole-v1"))
    assert task == Task("cart pole", kind="CartPole-v1", instance="CartPole-v1#3")


def test_an_unseeded_episode_has_no_instance() -> None:
    assert begin(make_gym_world("CartPole-v1"), seed=None)[0].instance == ""


def test_the_task_can_be_given() -> None:
    assert begin(make_gym_world("CartPole-v1", task="balance the pole"))[0].text == "balance the pole"


def test_a_mission_is_the_task_and_the_enum_names_the_skills() -> None:
    pytest.importorskip("minigrid")
    world = make_gym_world("MiniGrid-Empty-5x5-v0")
    task, observation = begin(world)
    assert task.text == "get to the green goal square"
    assert "mission: get to the green goal square" in observation.text
    assert names(world) == ["left", "right", "forward", "pickup", "drop", "toggle", "done"]


def test_actions_without_names_go_by_number() -> None:
    assert names(make_gym_world("CartPole-v1")) == ["action_0", "action_1"]


def test_names_can_be_given_and_doubles_go_by_number() -> None:
    world = GymWorld(Fixed(gym.spaces.Discrete(3, start=0)), action_names=["wait", "wait"])
    assert names(world) == ["wait", "action_1", "action_2"]


def test_a_discrete_space_may_start_anywhere() -> None:
    world = GymWorld(Fixed(gym.spaces.Discrete(2, start=-1)))
    assert names(world) == ["action_-1", "action_0"]
    assert world.start(SkillCall("action_-1")).advance(NOTHING) == -1


def test_full_detail_describes_the_skills() -> None:
    (skill,) = GymWorld(Fixed(gym.spaces.Box(-1, 1, (2,)))).skills(NOTHING, detail="full")
    assert "Box(-1.0, 1.0, (2,), float32)" in skill.description


def test_a_call_takes_one_step_and_succeeds() -> None:
    execution = make_gym_world("CartPole-v1").start(SkillCall("action_1"))
    assert execution.advance(NOTHING) == 1
    for _ in range(2):
        assert execution.advance(NOTHING) == SkillResult(status=SkillStatus.SUCCESS)
    assert execution.cancel().status is SkillStatus.SUCCESS


def test_a_cancelled_call_stays_cancelled() -> None:
    execution = make_gym_world("CartPole-v1").start(SkillCall("action_1"))
    result = execution.cancel()
    assert result.status is SkillStatus.CANCELLED
    assert execution.advance(NOTHING) is result


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (gym.spaces.Box(-1, 1, (2,)), [0.5, -1.0]),
        (gym.spaces.Box(-1, 1, (2, 1)), [0.5, -1.0]),
        (gym.spaces.MultiDiscrete([2, 3]), [1, 2]),
        (gym.spaces.MultiBinary(2), [1, 0]),
        (gym.spaces.Text(10), "open"),
        (
            gym.spaces.Dict({"go": gym.spaces.Discrete(3), "by": gym.spaces.Box(0, 1, (1,))}),
            {"go": 2, "by": [0.5]},
        ),
        (gym.spaces.Tuple((gym.spaces.Discrete(3), gym.spaces.MultiBinary(1))), [2, [1]]),
    ],
)
def test_an_action_given_as_json_reaches_the_environment(space: Any, action: Any) -> None:
    world = GymWorld(Fixed(space))
    begin(world)
    world.env.step(world.start(SkillCall("act", {"action": action})).advance(NOTHING))


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (gym.spaces.Box(-1, 1, (2,)), [0.5]),
        (gym.spaces.Box(-1, 1, (2,)), [0.5, 7.0]),
        (gym.spaces.Box(-1, 1, (2,)), "left"),
        (gym.spaces.Box(-1, 1, (2,)), None),
        (gym.spaces.Box(-1, 1, (2,)), {"x": 1}),
        (gym.spaces.MultiDiscrete([2, 3]), [1.7, 2]),
        (gym.spaces.MultiDiscrete([2, 3]), [2**62, 2]),
        (gym.spaces.Text(3), "open"),
        (gym.spaces.Dict({"go": gym.spaces.Discrete(3)}), {"stay": 2}),
        (gym.spaces.Tuple((gym.spaces.Discrete(3),)), [1, 2]),
    ],
)
def test_what_is_no_action_is_refused(space: Any, action: Any) -> None:
    with pytest.raises(InvalidRecord, match="expected one of"):
        GymWorld(Fixed(space)).start(SkillCall("act", {"action": action}))


def test_an_unknown_skill_names_the_close_ones() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'action_"):
        make_gym_world("CartPole-v1").start(SkillCall("action_7"))


def test_an_argument_too_many_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="no arguments"):
        make_gym_world("CartPole-v1").start(SkillCall("action_0", {"by": 1}))


def test_small_multi_discrete_spaces_list_their_actions() -> None:
    (skill,) = GymWorld(Fixed(gym.spaces.MultiDiscrete([2, 2], start=[1, 0]))).skills(NOTHING)
    assert skill.parameters[0].choices == ([1, 0], [1, 1], [2, 0], [2, 1])


@pytest.mark.parametrize("space", [gym.spaces.MultiBinary(40), gym.spaces.MultiDiscrete([100] * 20)])
def test_large_spaces_list_nothing(space: Any) -> None:
    assert GymWorld(Fixed(space)).skills(NOTHING)[0].parameters[0].choices == ()


def test_pictures_are_given_apart() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    _, observation = begin(
        GymWorld(Fixed(gym.spaces.Discrete(2), {"camera": picture, "depth": np.zeros((4, 4))}))
    )
    assert list(observation.images) == ["camera"]
    assert observation.text.startswith("camera: image 4x4x3 uint8\ndepth: ")


@pytest.mark.parametrize("name", ["CartPole-v999", "CartPoule-v1", "not an id!", "no/such-v0"])
def test_an_unknown_environment_is_an_unknown_name(name: str) -> None:
    with pytest.raises(UnknownName, match="Unknown environment"):
        make_gym_world(name)


def test_options_reach_the_environment() -> None:
    spec = make_gym_world("CartPole-v1", max_episode_steps=5).env.spec
    assert spec is not None
    assert spec.max_episode_steps == 5


class Keeping:
    """Keeps the last plan."""

    plan: tuple[SkillCall, ...] = ()

    def record(self, experience: Any) -> Any:
        self.plan = experience.plan

    def recall(self, query: Any, /) -> list[Any]:
        return []

    def feedback(self, experience_id: str, *, helped: bool) -> None: ...


def test_a_recorded_plan_can_be_called_again() -> None:
    memory = Keeping()
    env = record_experience(Fixed(gym.spaces.MultiDiscrete([2, 3])), memory)
    env.reset()
    env.step(np.array([1, 2]))
    env.close()
    (call,) = memory.plan
    assert np.array_equal(GymWorld(env).start(call).advance(NOTHING), [1, 2])


def test_a_recorded_plan_means_the_same_actions_where_names_are_doubled() -> None:
    names = ["wait", "go", "wait"]
    memory = Keeping()
    env = record_experience(Fixed(gym.spaces.Discrete(3)), memory, action_names=names)
    env.reset()
    for action in (0, 1, 2):
        env.step(action)
    env.close()
    world = GymWorld(env, action_names=names)
    assert [world.start(call).advance(NOTHING) for call in memory.plan] == [0, 1, 2]
