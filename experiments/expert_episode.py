"""Play an episode with the world's own expert: the upper bound for the arms."""

import dataclasses
import math
from typing import Any

import numpy as np

from embodied_mem.agent.judging import GoalJudge
from embodied_mem.contracts import HasExpert, HasGoalCheck, Policy, World
from embodied_mem.errors import EpisodeError, ExperimentError
from embodied_mem.records import Outcome
from embodied_mem.records.episodes import Episode, Trace
from embodied_mem.records.json_values import clean_text

EXPERT_STREAM = 2  # second word of the expert's seed; the planner's is 1


def run_expert_episode(world: World, *, seed: int, max_steps: int | None = None) -> Episode:
    """Play one episode with the world's expert; an expert that gets stuck has failed.

    Args:
        world: A world that implements `HasExpert`.
        seed: Seeds the environment and the expert.
        max_steps: Step limit in addition to the environment's own.

    Raises:
        ExperimentError: The world has no expert.
    """
    if not isinstance(world, HasExpert):
        raise ExperimentError(
            f"{type(world).__name__} has no expert; leave the arm `expert` out for this stream"
        )
    raw, info = world.env.reset(seed=seed)
    task = world.begin(raw, info, seed=seed)
    first = last = world.observe(raw, info)
    steps, reward, ended_by, error = 0, 0.0, "", ""
    is_terminated = is_truncated = False
    policy: Policy[Any] | None = None
    state: Any = None  # its type is the policy's own
    while not ended_by:
        try:
            if policy is None:
                policy = world.expert(np.random.default_rng([seed, EXPERT_STREAM]))
                state = policy.initial_state()
            action, state = policy.act(raw, state)
        except EpisodeError as stuck:
            ended_by, error = "planner", f"the expert gave up: {clean_text(stuck)}"
            break
        raw, step_reward, is_terminated, is_truncated, info = world.env.step(action)
        last = world.observe(raw, info)
        steps, reward = steps + 1, reward + float(step_reward)
        if is_terminated or is_truncated:
            ended_by = "environment"
        elif max_steps is not None and steps >= max_steps:
            ended_by, is_truncated = "max_steps", True
    trace = Trace(
        task=task,
        seed=seed,
        first_state=first.text,
        last_state=last.text,
        calls=(),
        decisions=(),
        steps=steps,
        reward=reward if math.isfinite(reward) else None,
        is_terminated=bool(is_terminated),
        is_truncated=bool(is_truncated and not is_terminated),
        ended_by=ended_by,
        goal_reached=world.goal_reached() if isinstance(world, HasGoalCheck) else None,
    )
    outcome = GoalJudge().judge(trace)
    return Episode(trace=trace, outcome=_with_explanation(outcome, error))


def _with_explanation(outcome: Outcome, explanation: str) -> Outcome:
    return dataclasses.replace(outcome, explanation=explanation) if explanation else outcome
