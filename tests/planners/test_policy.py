"""A planner that lets one policy act for the whole episode."""

from typing import Any

import numpy as np
import pytest

from embodied_mem.agent import Agent, PolicySkill
from embodied_mem.contracts import Planner
from embodied_mem.errors import EpisodeError
from embodied_mem.planners.policy import PolicyPlanner
from embodied_mem.records.skills import Skill
from embodied_mem.testing.key_door import COLOURS, OPEN, TAKE, WALK, KeyDoorWorld


class Expert:
    """Takes the key of the door's colour, opens, walks; its state counts the steps."""

    def __init__(self, *, stuck_at: int = 99) -> None:
        self.stuck_at = stuck_at

    def initial_state(self) -> int:
        return 0

    def act(self, observation: Any, state: int) -> tuple[Any, int]:
        if state == self.stuck_at:
            raise EpisodeError("no key in sight")
        return np.int64((TAKE + int(observation["door"]), OPEN, WALK)[state]), state + 1


def play(*, stuck_at: int = 99, max_steps: int | None = None, name: str = "") -> Any:
    skill = PolicySkill(
        skill=Skill(name="walk"), make=lambda world, rng: Expert(stuck_at=stuck_at), max_steps=max_steps
    )
    agent = Agent(planner=PolicyPlanner("walk", name=name), policies=[skill])
    return agent.run_episode(KeyDoorWorld(), seed=0)


def test_it_is_a_planner_with_the_name_it_was_given():
    assert isinstance(PolicyPlanner("walk"), Planner)
    assert PolicyPlanner("walk").describe() == {"name": "walk", "skill": "walk"}
    assert PolicyPlanner("walk", name="expert").describe() == {"name": "expert", "skill": "walk"}


def test_a_policy_plays_an_episode_through_the_loop():
    episode = play()
    assert episode.outcome.is_success
    assert (episode.trace.steps, len(COLOURS)) == (3, 4)
    assert [str(record.call) for record in episode.trace.calls] == ["walk()"]


@pytest.mark.parametrize("stuck_at", [0, 2])
def test_a_policy_that_gives_up_ends_the_episode_with_its_reason(stuck_at):
    episode = play(stuck_at=stuck_at)
    assert (episode.trace.ended_by, episode.trace.steps) == ("planner", stuck_at)
    assert episode.trace.decisions[-1].reason == "the policy gave up: no key in sight"
    assert not episode.outcome.is_success


def test_a_policy_that_reached_its_steps_is_called_again_from_its_initial_state():
    episode = play(max_steps=1)
    assert episode.trace.ended_by == "environment"
    assert len(episode.trace.calls) == 12  # each one takes the key and no more
