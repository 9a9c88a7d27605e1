"""Tests that every `Policy` must pass."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest

from embodied_mem.contracts import Policy


class PolicyContract:
    """Subclass it and define fixtures `policy`, `observations` (of one episode, in order) and `action_space`.

    For a policy that also reads its environment, define a single observation.
    """

    @pytest.fixture
    def policy(self) -> Policy[Any]:
        """The policy to test."""
        raise NotImplementedError("override the fixture `policy`")

    @pytest.fixture
    def observations(self) -> Sequence[Any]:
        """Observations in order; at least one."""
        raise NotImplementedError("override the fixture `observations`")

    @pytest.fixture
    def action_space(self) -> "gymnasium.Space[Any]":
        """The space that must contain its actions."""
        raise NotImplementedError("override the fixture `action_space`")

    def test_its_actions_lie_in_the_action_space(
        self, policy: Policy[Any], observations: Sequence[Any], action_space: "gymnasium.Space[Any]"
    ) -> None:
        """This holds for every action of an episode."""
        assert all(action_space.contains(action) for action in _play(policy, observations))

    def test_all_it_remembers_is_in_its_state(self, policy: Policy[Any], observations: Sequence[Any]) -> None:
        """A second episode from the initial state equals the first, so the policy itself keeps no state."""
        first = _play(policy, observations)
        assert _are_equal(_play(policy, observations), first)

    def test_a_state_can_be_used_again(self, policy: Policy[Any], observations: Sequence[Any]) -> None:
        """`act` does not change the given state; vector environments and replays rely on that."""
        state = policy.initial_state()
        for observation in observations:
            action, following = policy.act(observation, state)
            again, _ = policy.act(observation, state)
            assert _are_equal([again], [action])
            state = following

    def test_two_episodes_do_not_meet(self, policy: Policy[Any], observations: Sequence[Any]) -> None:
        """Two interleaved episodes give the same actions as each alone."""
        alone = _play(policy, observations)
        states = [policy.initial_state(), policy.initial_state()]
        actions: list[list[Any]] = [[], []]
        for observation in observations:
            for which in (0, 1):
                action, states[which] = policy.act(observation, states[which])
                actions[which].append(action)
        assert _are_equal(actions[0], alone)
        assert _are_equal(actions[1], alone)


def _play(policy: Policy[Any], observations: Sequence[Any]) -> list[Any]:
    state, actions = policy.initial_state(), []
    for observation in observations:
        action, state = policy.act(observation, state)
        actions.append(action)
    return actions


def _are_equal(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return len(some) == len(others) and all(np.array_equal(a, b) for a, b in zip(some, others, strict=True))
