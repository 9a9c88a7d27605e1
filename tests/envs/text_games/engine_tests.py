"""What the tests of every engine share."""

import numpy as np

from embodied_mem.records.legal_calls import calls_of, legal_calls
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


def assert_only_what_was_read_is_known(world, *, n_steps, seed):
    """Every thing in the facts was named in a text before, over random calls."""
    rng = np.random.default_rng(seed)
    observation = begin_episode(world, seed=seed)
    task = world._opening().objective
    read = f"{task} {observation.text}".lower()
    for _ in range(n_steps):
        facts = observation.facts
        named = {*facts["known"], *(word for fact in facts["facts"] for word in (fact[0], fact[2]))}
        assert [name for name in named - {"open", "closed"} if name.lower() not in read] == []
        calls = legal_calls(world.skills(observation))
        if not calls:
            return
        command = world._grammar.command_of(calls[rng.integers(len(calls))])
        raw, *_, info = world.env.step(command)
        observation = world.observe(raw, info)
        read += f" {observation.text}".lower()


def assert_each_command_has_one_call(world, commands, skills):
    """Every admissible command is typed by exactly one legal call."""
    counts = dict.fromkeys(commands, 0)
    for skill in skills:
        for call in calls_of(skill):
            command = world._grammar.command_of(call)
            if command in counts:
                counts[command] += 1
    assert set(counts.values()) == {1}
