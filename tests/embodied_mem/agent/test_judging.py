from embodied_mem.agent import Agent
from embodied_mem.agent.judging import GoalJudge
from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import CallRecord
from embodied_mem.records.skills import SkillResult, SkillStatus
from embodied_mem.testing import KeyDoorWorld
from embodied_mem.testing.judge import example_trace
from tests.embodied_mem.agent.isolated_parts import GoPlanner, Looking, SeeingWorld


def a_call(status: SkillStatus, reason: str) -> CallRecord:
    result = SkillResult(status=status, reason=reason)
    return CallRecord(call=SkillCall("go_to"), result=result, first_step=0, last_step=1, decision=0)


def test_only_a_failure_is_told_as_the_last_obstacle():
    calls = (
        a_call(SkillStatus.FAILURE, "the door is locked"),
        a_call(SkillStatus.ENDED, "the episode ended"),
    )
    lost = example_trace(calls=calls, goal_reached=False, ended_by="environment")
    explanation = GoalJudge().judge(lost).explanation
    assert explanation == "ended by environment after 2 steps; last obstacle: the door is locked"


def test_a_judge_that_looks_at_images_gets_those_of_the_last_observation():
    agent = Agent(planner=GoPlanner(), judge=Looking())
    assert agent.run_episode(SeeingWorld(), seed=0).outcome.explanation == "front (2, 2, 3) 0"
    assert agent.run_episode(KeyDoorWorld(), seed=0).outcome.explanation == ""
