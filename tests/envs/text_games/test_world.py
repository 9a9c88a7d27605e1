"""The adapter, on a scripted stand-in for an engine."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from embodied_mem import Agent
from embodied_mem.contracts import CanClose, HasExpert, HasGoalCheck, HasSceneText, HasSceneView, World
from embodied_mem.errors import EpisodeError
from embodied_mem.planners import make_planner
from embodied_mem.records import SkillCall
from embodied_mem.records.legal_calls import legal_calls
from embodied_mem.testing import ExecutionContract, WorldContract
from embodied_mem.testing.execution import begin_episode, run_call


class TestStandIn(WorldContract, ExecutionContract):
    @pytest.fixture
    def world(self, stand_in):
        return stand_in()

    @pytest.fixture
    def call(self):
        return SkillCall("go", {"direction": "north"})

    @pytest.fixture
    def failing_call(self):
        return SkillCall("open", {"object": "chest"})


def test_it_has_everything_a_world_can_have(stand_in):
    contracts = (World, HasExpert, HasGoalCheck, HasSceneText, HasSceneView, CanClose)
    assert all(isinstance(stand_in(), contract) for contract in contracts)


def test_gymnasium_accepts_the_environment(stand_in):
    check_env(stand_in().env, skip_render_check=True)


def test_the_reward_is_what_the_score_gained(stand_in):
    env = stand_in().env
    env.reset(seed=0)
    steps = [
        env.step(command) for command in ("take key", "go north", "open chest", "take gold coin from chest")
    ]
    assert [reward for _, reward, *_ in steps] == [0.5, 0, 0, 0.5]
    assert [is_terminated for _, _, is_terminated, _, _ in steps] == [False, False, False, True]


def test_the_episode_is_truncated_at_its_limit(stand_in):
    env = stand_in(max_steps=2).env
    env.reset(seed=0)
    assert [env.step("look")[3] for _ in range(2)] == [False, True]


def test_a_step_without_a_game_or_a_command_says_so(stand_in):
    env = stand_in().env
    with pytest.raises(EpisodeError, match="reset"):
        env.step("look")
    env.reset(seed=0)
    with pytest.raises(EpisodeError, match="one line"):
        env.step("look\nlook")


def test_every_admissible_command_is_typed_by_exactly_one_call(stand_in):
    world = stand_in()
    observation = begin_episode(world)
    typed = []
    for call in legal_calls(world.skills(observation)):
        begin_episode(world)
        _, actions = run_call(world, call, observation)
        typed += actions
    assert sorted(typed) == ["go north", "look", "take key", "wave"]


def test_a_refused_call_fails_with_the_games_words_and_costs_a_step(stand_in):
    world = stand_in()
    result, actions = run_call(world, SkillCall("open", {"object": "chest"}), begin_episode(world))
    assert (result.obstacle, result.subjects) == ("refused", ("chest",))
    assert result.reason == "open chest: The chest is locked."
    assert actions == ["open chest"]


def test_facts_hold_what_was_seen_and_nothing_else(stand_in):
    world = stand_in()
    facts = begin_episode(world).facts
    assert "chest" not in str(facts)
    assert facts["known"] == ["key", "hall"]
    for command in ("take key", "go north"):
        raw, *_, info = world.env.step(command)
        facts = world.observe(raw, info).facts
    assert ["chest", "in", "vault"] in facts["visible"]
    assert ["key", "in", "hall"] not in facts["facts"]  # it was taken
    assert "coin" not in str(facts)  # the chest is closed


def test_the_scene_tells_what_a_question_is_about_first(stand_in):
    world = stand_in()
    begin_episode(world)
    assert world.view_scene(about=["key"]).text == "The key is in the hall. You are in the hall."


def test_the_expert_wins_and_says_when_its_walkthrough_ends(stand_in):
    world = stand_in()
    raw, info = world.env.reset(seed=1)
    world.begin(raw, info, seed=1)
    policy = world.expert(np.random.default_rng(0))
    state, is_over = policy.initial_state(), False
    while not is_over:
        action, state = policy.act(raw, state)
        raw, _, is_over, _, info = world.env.step(action)
        world.observe(raw, info)
    assert world.goal_reached()
    with pytest.raises(EpisodeError, match="4 commands"):
        policy.act(raw, state)


def test_seeds_with_equal_games_are_one_problem(stand_in):
    names = []
    for seed in (0, 1, 2):
        world = stand_in()
        raw, info = world.env.reset(seed=seed)
        names.append(world.begin(raw, info, seed=seed).instance)
    assert names[0] == names[2] != names[1]


def test_closing_the_world_closes_the_engine(stand_in):
    world = stand_in()
    game = world.env.unwrapped._game
    world.close()
    assert game.n_closed == 1


def test_wrappers_may_lie_around_the_environment(stand_in):
    world = stand_in()
    world._env = gym.wrappers.TimeLimit(world.env, 3)
    assert begin_episode(world).text


@pytest.mark.parametrize("planner", ["random_skill", "case_based"])
def test_planners_win_it(stand_in, planner):
    episode = Agent(planner=make_planner(planner)).run_episode(stand_in(), seed=3)
    assert episode.outcome.is_success
