"""The world knows nothing but what the agent is shown."""

import itertools
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from embodied_mem.agent import Agent, Limits
from embodied_mem.envs.minigrid import MiniGridWorld
from embodied_mem.envs.minigrid.ledger import KNOWLEDGE
from embodied_mem.envs.minigrid.text import SIGNATURES
from embodied_mem.planners.random_skill import RandomSkillPlanner


class Sealed(gym.Env[Any, Any]):
    """An environment whose inside cannot be reached: no grid, no wrapped `env`, itself unwrapped."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        self.action_space, self.observation_space, self.spec = (
            env.action_space,
            env.observation_space,
            env.spec,
        )
        self._reset, self._step = env.reset, env.step

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        observation, _ = self._reset(seed=seed, options=options)
        return self._only_what_is_shown(observation), {}

    def step(self, action: Any) -> Any:
        observation, *rest, _ = self._step(action)
        return self._only_what_is_shown(observation), *rest, {}

    def _only_what_is_shown(self, observation: Any) -> Any:
        return {key: np.copy(observation[key]) if key == "image" else observation[key] for key in observation}


def played(env: gym.Env[Any, Any]) -> tuple[Any, ...]:
    world = MiniGridWorld(env)
    agent = Agent(planner=RandomSkillPlanner(), limits=Limits(max_calls=60))
    trace = agent.run_episode(world, seed=100_003).trace
    calls = [(str(record.call), record.result, record.last_step) for record in trace.calls]
    return calls, trace.last_state, trace.steps, trace.goal_reached, world.scene()


@pytest.mark.parametrize(
    "level", ["BabyAI-KeyCorridorS3R3-v0", "BabyAI-UnblockPickup-v0", "BabyAI-KeyInBox-v0"]
)
def test_an_environment_without_an_inside_gives_the_same_episode(level):
    assert played(Sealed(gym.make(level))) == played(gym.make(level))


def test_every_skill_and_every_obstacle_is_in_the_ledger():
    where = " ".join(entry.where for entry in KNOWLEDGE)
    codes = {
        "unseen",
        "gone",
        "closed",
        "locked",
        "blocked",
        "hands_full",
        "not_held",
        "empty_handed",
        "cannot",
    }
    assert codes <= set(where.replace(",", " ").split())
    assert {"phrases", "descriptions", "choices", "scene", "pose", "raw", "text", "facts"} <= set(
        where.replace(",", " ").split()
    )


def test_no_failure_reason_names_a_skill_other_than_the_one_that_failed():
    names = {skill.name for skill in SIGNATURES}
    for level in ("BabyAI-KeyCorridorS3R3-v0", "BabyAI-UnblockPickup-v0"):
        for call, result, _ in played(gym.make(level))[0]:
            others = names - {call.partition("(")[0]}
            assert not [name for name in others if name in result.reason.replace(" ", "_")], result.reason


def test_every_failing_call_of_an_episode_costs_a_step():
    for level in ("BabyAI-KeyCorridorS3R3-v0", "BabyAI-UnblockPickup-v0", "BabyAI-KeyInBox-v0"):
        steps = [0, *(last_step for _, _, last_step in played(gym.make(level))[0])]
        assert all(before < after for before, after in itertools.pairwise(steps))
