import pytest
from planted import failures

from embodied_mem.agent.judging import GoalJudge
from embodied_mem.planners.case_based import CaseBasedPlanner
from embodied_mem.records import Experience, Outcome, Status
from embodied_mem.records.episodes import Reflection, Trace
from embodied_mem.testing.judge import JudgeContract, ReflectorContract


class TestGoalJudge(JudgeContract):
    @pytest.fixture
    def judge(self):
        return GoalJudge()


class TestCaseBasedReflection(ReflectorContract):
    @pytest.fixture
    def reflector(self):
        return CaseBasedPlanner()


class TrustingJudge:
    """Believes every episode that ended without a truncation."""

    def judge(self, trace: Trace) -> Outcome:
        return Outcome(status=Status.FAILURE if trace.is_truncated else Status.SUCCESS, steps=trace.steps)


class RestoringReflector:
    """Stores what memory returned again, and calls it a success whatever happened."""

    def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        again = Experience(id="m1", task=trace.task, outcome=Outcome(status=Status.SUCCESS))
        return Reflection(experiences=(again,), feedback={"m1": True, "never recalled": True})


def test_a_judge_that_believes_the_planner_is_rejected():
    assert failures(JudgeContract, judge=TrustingJudge) == [
        "test_a_goal_that_was_missed_is_no_success",
        "test_a_planner_that_stops_proves_nothing",
        "test_an_environment_that_broke_is_no_success",
    ]


def test_a_reflector_that_restores_what_was_recalled_is_rejected():
    assert failures(ReflectorContract, reflector=RestoringReflector) == [
        "test_a_lost_episode_teaches_no_success",
        "test_it_judges_only_what_was_acted_on",
        "test_it_never_stores_again_what_memory_returned",
    ]
