import pytest
from gymnasium.spaces import Discrete
from planted import failures

from embodied_mem.testing.policy import PolicyContract

OBSERVATIONS = [0, 1, 1, 0, 1]


class Summing:
    """Acts on the parity of what it has seen, which is its state."""

    def initial_state(self):
        return 0

    def act(self, observation, state):
        return (state + observation) % 2, state + observation


class Hiding:
    """Counts its acts within itself."""

    def __init__(self):
        self.acts = 0

    def initial_state(self):
        return None

    def act(self, observation, state):
        self.acts += 1
        return self.acts // 2 % 2, None


class Overwriting:
    """Writes into the state it was given."""

    def initial_state(self):
        return [0]

    def act(self, observation, state):
        state[0] += 1
        return state[0] % 2, state


class Wild:
    """Acts outside of the action space."""

    def initial_state(self):
        return None

    def act(self, observation, state):
        return 7, None


class TestSummingPolicy(PolicyContract):
    @pytest.fixture
    def policy(self):
        return Summing()

    @pytest.fixture
    def observations(self):
        return OBSERVATIONS

    @pytest.fixture
    def action_space(self):
        return Discrete(2)


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        (Hiding, "test_all_it_remembers_is_in_its_state"),
        (Hiding, "test_two_episodes_do_not_meet"),
        (Overwriting, "test_a_state_can_be_used_again"),
        (Wild, "test_its_actions_lie_in_the_action_space"),
    ],
)
def test_a_wrong_policy_is_rejected(fault, noticed):
    found = failures(
        PolicyContract, policy=fault, observations=lambda: OBSERVATIONS, action_space=lambda: Discrete(2)
    )
    assert noticed in found
