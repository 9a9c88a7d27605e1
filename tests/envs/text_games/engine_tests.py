"""What the tests of every engine share."""

import numpy as np

from embodied_mem.records.legal_calls import calls_of
from embodied_mem.testing.execution import begin_episode


def play_expert(world, seed):
    """Whether the expert won, and what could be typed and called at each decision."""
    observation = begin_episode(world, seed=seed)
    policy = world.expert(np.random.default_rng(0))
    state, is_over, seen = policy.initial_state(), False, []
    while not is_over:
        seen.append((world._turn.commands, world.skills(observation)))
        action, state = policy.act(observation.raw, state)
        raw, _, is_over, is_truncated, info = world.env.step(action)
        observation = world.observe(raw, info)
        assert not is_truncated
    return world.goal_reached(), seen


def assert_each_command_has_one_call(world, commands, skills):
    """Every admissible command is typed by exactly one legal call."""
    counts = dict.fromkeys(commands, 0)
    for skill in skills:
        for call in calls_of(skill):
            command = world._grammar.command_of(call)
            if command in counts:
                counts[command] += 1
    assert set(counts.values()) == {1}
