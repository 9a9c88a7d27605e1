import numpy as np
import pytest

from embodied_mem.envs.minigrid import make_babyai, make_minigrid
from embodied_mem.envs.minigrid.expert import BotPolicy
from embodied_mem.errors import EpisodeError
from embodied_mem.testing.policy import PolicyContract


def play(world, seed):
    observation, info = world.env.reset(seed=seed)
    world.begin(observation, info, seed=seed)
    policy = world.expert(np.random.default_rng(0))
    state = policy.initial_state()
    is_over = False
    while not is_over:
        action, state = policy.act(observation, state)
        observation, _, is_terminated, is_truncated, _ = world.env.step(action)
        is_over = is_terminated or is_truncated
    return world.goal_reached()


class TestBotPolicy(PolicyContract):
    @pytest.fixture
    def world(self):
        world = make_babyai("UnlockPickup")
        self.first, info = world.env.reset(seed=0)
        world.begin(self.first, info, seed=0)
        return world

    @pytest.fixture
    def policy(self, world):
        return world.expert(np.random.default_rng(0))

    @pytest.fixture
    def observations(self, world):
        return [self.first]

    @pytest.fixture
    def action_space(self, world):
        return world.env.action_space


@pytest.mark.parametrize("level", ["UnlockPickup", "PutNextLocal", "KeyCorridorS3R2", "OpenDoorsOrderN4"])
def test_the_bot_solves_babyai_levels(level):
    world = make_babyai(level)
    assert all(play(world, seed) for seed in range(3))


@pytest.mark.parametrize(
    "level",
    ["UnlockPickup", "Unlock", "KeyCorridorS3R1", "ObstructedMaze-1Dl", "PutNear-6x6-N2", "RedBlueDoors-6x6"],
)
def test_the_bot_solves_minigrid_levels_that_carry_no_instructions(level):
    world = make_minigrid(level)
    assert all(play(world, seed) for seed in range(3))


def test_a_bot_that_goes_in_circles_is_stopped():
    world = make_babyai("UnlockToUnlock")
    with pytest.raises(EpisodeError, match="no decision in 200 replans"):
        [play(world, seed) for seed in range(6)]  # which of them hang is up to the bot


def test_a_bot_that_meets_its_own_assertion_says_so():
    with pytest.raises(EpisodeError, match="the expert is stuck: AssertionError"):
        play(make_babyai("KeyInBox"), 0)


def test_a_mission_that_the_bot_does_not_know_is_refused(drawn):
    with pytest.raises(EpisodeError, match="no instructions for 'look around'"):
        BotPolicy(drawn("##### #>..# #####").env.unwrapped)


def test_the_bot_prints_nothing(capsys):
    play(make_babyai("GoTo"), 0)
    assert capsys.readouterr().out == ""
