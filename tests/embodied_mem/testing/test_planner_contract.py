import numpy as np
import pytest
from planted import failures

from embodied_mem.planners.case_based import CaseBasedPlanner
from embodied_mem.planners.legal_calls import random_call
from embodied_mem.planners.random_skill import RandomSkillPlanner
from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import Act, Context, Decision
from embodied_mem.testing.planner import PlannerContract


class TestCaseBasedPlanner(PlannerContract):
    @pytest.fixture
    def planner(self):
        return CaseBasedPlanner()


class TestRandomSkillPlanner(PlannerContract):
    @pytest.fixture
    def planner(self):
        return RandomSkillPlanner()


class InventingPlanner(RandomSkillPlanner):
    def decide(self, context: Context) -> Decision:
        return Act(plan=(SkillCall("teleport"),))


class SelfSeededPlanner(RandomSkillPlanner):
    """Brings its own generator and carries it from episode to episode."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def decide(self, context: Context) -> Decision:
        call = random_call(context.skills, self.rng)
        assert call is not None
        return Act(plan=(call,))


class ClaimingPlanner(RandomSkillPlanner):
    """Says that it acted on a memory it never got."""

    def decide(self, context: Context) -> Decision:
        call = random_call(context.skills, context.rng)
        assert call is not None
        return Act(plan=(call,), acted_on=("invented",))


@pytest.mark.parametrize(
    ("planner", "noticed"),
    [
        (InventingPlanner, "test_every_call_it_plans_can_be_made"),
        (SelfSeededPlanner, "test_equal_seeds_give_equal_episodes"),
        (ClaimingPlanner, "test_it_only_acts_on_what_it_was_given"),
    ],
)
def test_a_planted_fault_is_noticed(planner, noticed):
    assert failures(PlannerContract, planner=planner) == [noticed]
