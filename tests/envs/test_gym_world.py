"""Any Gymnasium environment as a world."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem.agent import Agent, Limits
from embodied_mem.contracts import World
from embodied_mem.envs.gym_world import GymWorld, make_gym_world
from embodied_mem.errors import EpisodeError, InvalidRecord, UnknownName
from embodied_mem.planners.random_skill import RandomSkillPlanner
from embodied_mem.recording import record_experience
from embodied_mem.records import SkillCall, Task
from embodied_mem.records.skills import Observation, SkillResult, SkillStatus
from embodied_mem.testing.execution import ExecutionContract, begin_episode, run_call
from embodied_mem.testing.world import WorldContract

NOTHING = Observation(text="")


class TestTheContract(WorldContract):
    @pytest.fixture(params=["CartPole-v1", "FrozenLake-v1"])
    def world(self, request: Any) -> World:
        return make_gym_world(request.param)

    @pytest.fixture
    def call(self) -> SkillCall:
        return SkillCall("action_1")


class TestTheContractWithContinuousActions(WorldContract, ExecutionContract):
    @pytest.fixture(params=["Pendulum-v1", "MountainCarContinuous-v0"])
    def world(self, request: Any) -> World:
        return make_gym_world(request.param)

    @pytest.fixture
    def call(self) -> SkillCall:
        return SkillCall("hold", {"level": "high", "steps": 4})


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


FROZEN_LAKES = [
    {"map_name": "4x4"},
    {"map_name": "8x8"},
    {"desc": ["SFF", "FHF", "FFG"]},
    {"is_slippery": False},
]


def test_what_the_environment_was_made_with_is_part_of_the_problem() -> None:
    names = {begin(make_gym_world("FrozenLake-v1", **made))[0].instance for made in FROZEN_LAKES}
    assert len(names) == len(FROZEN_LAKES)
    assert "FrozenLake-v1#3" in names  # made as registered, under the name that it always had


def test_reset_options_are_part_of_the_problem() -> None:
    world = make_gym_world("CartPole-v1")
    names = set()
    for options in (None, {"low": -0.01, "high": 0.01}, {"low": -0.1, "high": 0.1}):
        observation, info = world.env.reset(seed=3, options=options)
        names.add(world.begin(observation, info, seed=3).instance)
    assert len(names) == 3


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
    world = GymWorld(Fixed(gym.spaces.Box(-1, 1, (2,))))
    for skill in world.skills(NOTHING, detail="full"):
        assert "Box(-1.0, 1.0, (2,), float32)" in skill.description


BOXES = [
    gym.spaces.Box(-2, 2, (1,)),
    gym.spaces.Box(-2, 2, ()),
    gym.spaces.Box(np.array([-1, 0]), np.array([1, 5]), dtype=np.float64),
    gym.spaces.Box(0, 255, (2, 2), np.uint8),
    gym.spaces.Box(-np.inf, np.inf, (3,)),
    gym.spaces.Box(3, np.inf, (1,)),
    gym.spaces.Box(-0.1, 0.1, (17,)),
    gym.spaces.Box(2, 4, (17,)),
    gym.spaces.Box(-1, 1, (100,)),
    gym.spaces.Text(10),
    gym.spaces.MultiBinary(40),
    gym.spaces.MultiDiscrete([100] * 20),
    gym.spaces.Dict({"go": gym.spaces.Discrete(3), "by": gym.spaces.Box(0, 1, (1,))}),
    gym.spaces.Tuple((gym.spaces.Discrete(3), gym.spaces.MultiBinary(1))),
]


@pytest.mark.parametrize("space", BOXES, ids=str)
def test_random_planners_can_act_in_any_action_space(space: Any) -> None:
    class Ten(Fixed):
        def step(self, action: Any) -> Any:
            assert isinstance(action, np.ndarray) or not isinstance(space, gym.spaces.Box)
            return super().step(action)

    agent = Agent(planner=RandomSkillPlanner(), limits=Limits(max_steps=40))
    trace = agent.run_episode(GymWorld(Ten(space)), seed=0).trace
    assert (trace.steps, trace.error) == (40, "")
    assert all(record.result.obstacle != "invalid" for record in trace.calls)


def test_a_pendulum_is_played() -> None:
    episode = Agent(planner=RandomSkillPlanner()).run_episode(make_gym_world("Pendulum-v1"), seed=0)
    assert episode.trace.steps == 200


@pytest.mark.parametrize(
    ("level", "torque"), [("lowest", -2), ("low", -1), ("middle", 0), ("high", 1), ("highest", 2)]
)
def test_a_level_is_held_for_some_steps(level: str, torque: float) -> None:
    world = make_gym_world("Pendulum-v1")
    observation = begin_episode(world)
    _, actions = run_call(world, SkillCall("hold", {"level": level, "steps": 3}), observation)
    assert [action.tolist() for action in actions] == [[torque]] * 3


def test_the_numbers_of_an_action_can_have_names() -> None:
    world = GymWorld(Fixed(gym.spaces.Box(-1, 1, (2,))), action_names=["throttle", "steering"])
    call = SkillCall("hold", {"throttle": "high", "steering": "lowest", "steps": 1})
    assert world.start(call).advance(NOTHING).tolist() == [0.5, -1]


def test_of_many_numbers_one_is_held_and_the_others_rest() -> None:
    world = GymWorld(Fixed(gym.spaces.Box(-1, 1, (7,))))
    call = SkillCall("hold_one", {"dimension": "axis_2", "level": "highest", "steps": 1})
    assert world.start(call).advance(NOTHING).tolist() == [0, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("steps", [0, -1, 1_001, True, "4", 2.5])
def test_a_level_is_held_for_a_number_of_steps_within_bounds(steps: Any) -> None:
    with pytest.raises(InvalidRecord, match="expected 1 to 1,000"):
        make_gym_world("Pendulum-v1").start(SkillCall("hold", {"level": "high", "steps": steps}))


def test_a_space_without_a_call_to_list_is_refused_by_name_with_the_way_out() -> None:
    space = gym.spaces.Box(-1, 1, (5_000,))
    gym.register("Vast-v0", entry_point=lambda **_: Fixed(space))
    try:
        with pytest.raises(EpisodeError, match="PolicySkill"):
            make_gym_world("Vast-v0")
    finally:
        gym.registry.pop("Vast-v0")
    GymWorld(Fixed(space))  # for an agent with a policy


def test_sampling_actions_leaves_the_environment_as_it_was() -> None:
    space = gym.spaces.Text(10, seed=5)
    GymWorld(Fixed(space))
    assert space.sample() == gym.spaces.Text(10, seed=5).sample()


def test_closing_the_world_closes_the_environment() -> None:
    closed = []

    class Closing(Fixed):
        def close(self) -> None:
            closed.append(True)

    GymWorld(Closing(gym.spaces.Discrete(2))).close()
    assert closed == [True]


def test_short_entries_of_a_mapping_are_facts() -> None:
    seen = {"speed": np.float64(0.5), "pixels": np.zeros((50, 50)), "word": "go"}
    _, observation = begin(GymWorld(Fixed(gym.spaces.Discrete(2), seen)))
    assert observation.facts == {"speed": 0.5, "word": "go", "left_out": ["pixels"]}


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
def test_large_spaces_list_a_sample_and_take_other_actions_too(space: Any) -> None:
    (parameter,) = GymWorld(Fixed(space)).skills(NOTHING)[0].parameters
    assert len(parameter.choices) == 16
    assert parameter.is_open


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
