"""Names of MiniGrid problems: equal for equal initial states, whatever the seed."""

import gymnasium as gym
import pytest

from embodied_mem.envs.minigrid import MiniGridWorld, make_babyai

ROOM = "###### #>.x.# #..r.# ######"


def name(env, *, seed=0, told=0):
    world = MiniGridWorld(env)
    raw, info = world.env.reset(seed=seed)
    return world.begin(raw, info, seed=told).instance


def test_the_same_room_has_one_name_under_all_seeds(drawn_env):
    assert (
        len({name(drawn_env(ROOM), seed=seed, told=told) for seed, told in [(0, 0), (1, 1), (2, None)]}) == 1
    )


@pytest.mark.parametrize(
    "other",
    [
        {"drawing": ROOM.replace("r", "b")},  # another colour
        {"drawing": ROOM.replace(">.", ".>")},  # another start
        {"drawing": ROOM.replace(">", "v")},  # another heading
        {"drawing": ROOM, "mission": "pick up the red ball"},
        {"drawing": ROOM, "max_steps": 7},
    ],
)
def test_another_room_mission_or_limit_is_another_problem(drawn_env, other):
    assert name(drawn_env(**other)) != name(drawn_env(ROOM))


def test_what_a_box_holds_is_part_of_the_problem(drawn_env):
    def with_box_holding(thing):
        env = drawn_env(ROOM)
        draw = env._gen_grid

        def draw_and_fill(width, height):
            draw(width, height)
            env.grid.get(3, 1).contains = thing

        env._gen_grid = draw_and_fill
        return env

    from minigrid.core.world_object import Ball, Key

    names = [name(with_box_holding(thing)) for thing in (None, Key("red"), Key("blue"), Ball("red"))]
    assert len(set(names)) == 4


def test_a_problem_keeps_its_name_after_steps(drawn_env):
    env = drawn_env(ROOM)
    before = name(env)
    env.step(2)
    assert name(env) == before


def test_levels_of_one_grid_and_other_options_differ():
    plain, small = (name(gym.make("MiniGrid-Empty-5x5-v0", **o)) for o in ({}, {"agent_view_size": 5}))
    assert plain != small


def test_an_environment_whose_state_cannot_be_read_is_named_by_the_seed():
    class Sealed(gym.Env):
        def __init__(self, env):
            self.action_space, self.observation_space = env.action_space, env.observation_space
            self.spec, self.reset, self.step = env.spec, env.reset, env.step

    world = MiniGridWorld(Sealed(gym.make("BabyAI-GoToLocal-v0")))
    raw, info = world.env.reset(seed=4)
    assert world.instance_from == "seed"
    assert world.begin(raw, info, seed=4).instance == "BabyAI-GoToLocal-v0#4"


def test_the_name_says_nothing_about_the_seed():
    world = make_babyai("GoToLocal")
    raw, info = world.env.reset(seed=123_456)
    assert "123456" not in world.begin(raw, info, seed=123_456).instance
