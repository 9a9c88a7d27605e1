import asyncio
from collections.abc import Awaitable

import numpy as np
import pytest
from planted import failures

from embodied_mem.planners.case_based import CaseBasedPlanner
from embodied_mem.planners.legal_calls import random_call
from embodied_mem.planners.random_skill import RandomSkillPlanner
from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import Act, Context, Decision
from embodied_mem.records.queries import Query
from embodied_mem.testing.planner import PlannerContract


class TestCaseBasedPlanner(PlannerContract):
    @pytest.fixture
    def planner(self):
        return CaseBasedPlanner()


class TestRandomSkillPlanner(PlannerContract):
    @pytest.fixture
    def planner(self):
        return RandomSkillPlanner()


class AwaitingPlanner(CaseBasedPlanner):
    """An asynchronous planner that recalls before it decides."""

    def for_episode(self) -> "AwaitingPlanner":
        return type(self)()

    async def decide(self, context: Context) -> Decision:
        await asyncio.sleep(0)
        await context.arecall(Query(task=context.task))
        call = random_call(context.skills, context.rng)
        assert call is not None
        return Act(plan=(call,))


class LaterPlanner(RandomSkillPlanner):
    """A plain function that answers with an awaitable."""

    def decide(self, context: Context) -> Awaitable[Decision]:
        return asyncio.sleep(0, super().decide(context))


class TestAwaitingPlanner(PlannerContract):
    @pytest.fixture
    def planner(self):
        return AwaitingPlanner()


class TestLaterPlanner(PlannerContract):
    @pytest.fixture
    def planner(self):
        return LaterPlanner()


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


class BlockingPlanner(AwaitingPlanner):
    """Recalls without awaiting, though it runs in an event loop."""

    async def decide(self, context: Context) -> Decision:
        context.recall(Query(task=context.task))
        return await super().decide(context)


class SharingPlanner(RandomSkillPlanner):
    """Gives all episodes one state: the number of the call, which starts anew with each episode."""

    n_calls = 0

    def for_episode(self) -> "SharingPlanner":
        return self

    def decide(self, context: Context) -> Decision:
        self.n_calls = self.n_calls + 1 if context.history else 0
        skill = context.skills[self.n_calls % 3]
        return Act(plan=(SkillCall(skill.name, {"object": skill.parameters[0].choices[0]}),))


@pytest.mark.parametrize(
    ("planner", "noticed"),
    [
        (InventingPlanner, "test_every_call_it_plans_can_be_made"),
        (SelfSeededPlanner, "test_equal_seeds_give_equal_episodes"),
        (ClaimingPlanner, "test_it_only_acts_on_what_it_was_given"),
        (BlockingPlanner, "test_it_plays_over_a_memory_that_is_awaited"),
        (SharingPlanner, "test_two_episodes_at_once_do_not_disturb_each_other"),
    ],
)
def test_a_planted_fault_is_noticed(planner, noticed):
    assert failures(PlannerContract, planner=planner) == [noticed]
