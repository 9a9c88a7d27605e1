"""The planner to copy."""

import pytest

from embodied_mem import Agent, Limits, MemoryStore
from embodied_mem.contracts import PlansEpisodes
from embodied_mem.testing import KeyDoorWorld, PlannerContract
from examples.replay_planner import ReplayPlanner
from examples.text_game_world import TextGameWorld


class TestReplayPlanner(PlannerContract):
    @pytest.fixture
    def planner(self):
        return ReplayPlanner()


def test_it_serves_several_episodes_at_once():
    assert isinstance(ReplayPlanner(), PlansEpisodes)


@pytest.mark.parametrize("world", [KeyDoorWorld, TextGameWorld])
def test_it_wins_again_what_it_won_before(world, tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        agent = Agent(planner=ReplayPlanner(), memory=store.memory(), limits=Limits(max_calls=500))
        first = next(seed for seed in range(30) if agent.run_episode(world(), seed=seed).outcome.is_success)
        again = agent.run_episode(world(), seed=first)
    assert again.outcome.is_success
    assert again.trace.decisions[0].acted_on
