import math

import gymnasium as gym
import pytest
from minigrid.wrappers import (
    FullyObsWrapper,
    OneHotPartialObsWrapper,
    RGBImgObsWrapper,
    RGBImgPartialObsWrapper,
)

from embodied_mem.contracts import CanClose, HasExpert, HasGoalCheck, HasSceneText, HasSceneView, World
from embodied_mem.envs.minigrid import MiniGridWorld, codes, make_babyai, make_minigrid
from embodied_mem.errors import EpisodeError, InvalidRecord
from embodied_mem.records import SkillCall
from embodied_mem.testing.execution import ExecutionContract, begin_episode
from embodied_mem.testing.world import WorldContract


class TestMiniGridWorld(WorldContract):
    @pytest.fixture
    def world(self):
        return make_babyai("UnlockPickup")

    @pytest.fixture
    def call(self):
        return SkillCall("explore")


class TestMiniGridExecution(ExecutionContract):
    @pytest.fixture
    def world(self):
        return make_babyai("PickupLoc")

    @pytest.fixture
    def call(self):
        return SkillCall("explore")

    @pytest.fixture
    def failing_call(self):
        return SkillCall("drop")


def test_it_has_everything_a_world_can_have():
    world = make_babyai("GoToLocal")
    contracts = (World, HasExpert, HasGoalCheck, HasSceneText, HasSceneView, CanClose)
    assert all(isinstance(world, contract) for contract in contracts)


def test_the_task_is_the_mission_and_its_kind_the_environment_id():
    world = make_babyai("GoToLocal")
    raw, info = world.env.reset(seed=4)
    task = world.begin(raw, info, seed=4)
    assert (task.text, task.kind) == (raw["mission"], "BabyAI-GoToLocal-v0")
    assert task.instance.startswith("BabyAI-GoToLocal-v0@")


def test_options_belong_to_the_problem():
    world = make_babyai("GoToLocal", max_steps=7, render_mode="rgb_array")
    raw, info = world.env.reset(seed=4)
    assert world.begin(raw, info, seed=4).instance.endswith('?{"max_steps":7}')


def test_the_text_says_what_is_held_and_in_view(drawn):
    room = drawn("####### #>k.D.# #######")
    assert room.observation.text == "Holding nothing; seeing yellow door 1 (locked), yellow key 1."
    room.act(codes.PICK_UP)
    assert room.observation.text == "Holding yellow key 1; seeing yellow door 1 (locked)."
    assert room.observation.facts == {
        "held": "yellow key 1",
        "visible": ["yellow door 1"],
        "known": ["yellow door 1 (locked)"],
    }


def test_what_is_behind_a_closed_door_is_in_no_text_and_no_choice(drawn):
    room = drawn("####### #>.d.r# #######")
    assert room.choices == ("grey door 1",)
    assert "red ball" not in room.observation.text + room.world.scene()


def test_the_pose_counts_cells_east_and_north_of_the_start(drawn):
    room = drawn("##### #...# #..v# #...# #####")
    assert room.observation.pose == (0.0, 0.0, -math.pi / 2)
    assert room.act(codes.FORWARD).pose == (0.0, -1.0, -math.pi / 2)
    assert room.act(codes.RIGHT, codes.FORWARD).pose == (-1.0, -1.0, math.pi)


def test_the_scene_says_where_things_are(drawn):
    room = drawn("###### #>..k# #..r.# ######")
    room.call("pick_up", "red ball 1")
    assert room.world.scene() == ("Known: yellow key 1 3 east, red ball 1 in the hand. The agent is 2 east.")


def test_the_view_of_the_scene_says_the_same_as_facts(drawn):
    room = drawn("####### #>.k.D# #..r..# #######")
    room.call("pick_up", "red ball 1")
    view = room.world.view_scene()
    assert view.text == room.world.scene()
    assert view.facts == {
        "agent": {"place": [1, -1], "heading": "east"},
        "held": "red ball 1",
        "objects": {
            "yellow key 1": {"type": "key", "colour": "yellow", "place": [2, 0]},
            "red ball 1": {"type": "ball", "colour": "red", "place": None},
            "yellow door 1": {"type": "door", "colour": "yellow", "state": "locked", "place": [4, 0]},
        },
    }


def test_a_scene_beyond_its_budget_leaves_out_what_it_is_not_about(drawn):
    room = drawn("####### #>kbD.# #rrrr.# #######")
    assert room.world.view_scene(20, about=["red ball 2"]).text == (
        "Known: red ball 2 1 east 1 south, 6 more. The agent is at the start."
    )
    assert room.world.view_scene(2).text == "Known: 7"
    assert room.world.view_scene(1_000).text == room.world.scene()


def test_observing_a_step_twice_changes_nothing(drawn):
    room = drawn("###### #>...# ######")
    raw, *_, info = room.world.env.step(codes.FORWARD)
    once = room.world.observe(raw, info)
    assert room.world.observe(raw, info).pose == once.pose == (1.0, 0.0, 0.0)


def test_the_goal_is_reached_only_with_a_reward(drawn):
    lost = drawn("##### #>~.# #####")
    lost.act(codes.FORWARD)
    assert not lost.world.goal_reached()
    won = drawn("##### #>g.# #####")
    won.act(codes.FORWARD)
    assert won.world.goal_reached()


def test_a_wrapped_environment_is_accepted():
    world = MiniGridWorld(gym.wrappers.TimeLimit(gym.make("BabyAI-GoToLocal-v0"), max_episode_steps=3))
    begin_episode(world)
    truncated = [world.env.step(codes.LEFT)[3] for _ in range(3)]
    assert truncated == [False, False, True]


def test_an_environment_of_another_kind_is_refused():
    with pytest.raises(EpisodeError, match="expected MiniGrid's dict"):
        MiniGridWorld(gym.make("CartPole-v1"))


@pytest.mark.parametrize(
    "wrapper", [FullyObsWrapper, OneHotPartialObsWrapper, RGBImgPartialObsWrapper, RGBImgObsWrapper]
)
@pytest.mark.parametrize(
    "level", ["MiniGrid-DoorKey-8x8-v0", "MiniGrid-DoorKey-5x5-v0"]
)  # even and odd sizes
def test_what_is_no_partial_view_is_not_read_as_one(wrapper, level):
    with pytest.raises(EpisodeError, match="expected MiniGrid's dict of image"):
        MiniGridWorld(wrapper(gym.make(level)))


@pytest.mark.parametrize("value", [None, 3, "", "  ", ["red ball 1"]])
def test_an_argument_that_is_no_text_is_refused(value):
    world = make_babyai("GoToLocal")
    begin_episode(world)
    with pytest.raises(InvalidRecord, match="expected an object"):
        world.start(SkillCall("go_to", {"object": value}))


def test_where_saying_done_ends_the_episode_a_call_waits_by_turning():
    world = make_minigrid("GoToDoor-5x5")
    observation = begin_episode(world)
    assert world.start(SkillCall("drop")).advance(observation) == codes.LEFT


def test_nothing_is_printed_by_a_reset(capsys):
    world = make_babyai("PutNextLocal")
    for seed in range(40):
        world.env.reset(seed=seed)
    assert capsys.readouterr().out == ""
