import pytest

from embodied_mem.envs.minigrid.execution import MAX_CALL_STEPS, SkillExecution, SkillFailed
from embodied_mem.records.skills import Observation, SkillResult, SkillStatus

NOTHING = Observation(text="nothing")


def steps(*actions, failure=None):
    yield from actions
    if failure:
        raise failure


def run(execution):
    taken = []
    while not isinstance(step := execution.advance(NOTHING), SkillResult):
        taken.append(step)
    return taken, step


def test_actions_come_before_the_result():
    taken, result = run(SkillExecution(steps(1, 2), name="walk"))
    assert (taken, result.status) == ([1, 2], SkillStatus.SUCCESS)


@pytest.mark.parametrize("failure", [None, SkillFailed("locked", "the door is locked", "door")])
def test_a_call_without_actions_waits_one_step(failure):
    taken, result = run(SkillExecution(steps(failure=failure), name="walk", idle_action=6))
    assert taken == [6]
    assert result.is_success is (failure is None)


def test_a_failure_after_walking_costs_nothing_more():
    taken, result = run(SkillExecution(steps(1, failure=SkillFailed("gone", "it is gone")), name="walk"))
    assert (taken, result.obstacle) == ([1], "gone")


def test_a_skill_that_never_ends_is_ended():
    endless = SkillExecution((action for action in iter(lambda: 1, 2)), name="walk")
    taken, result = run(endless)
    assert (len(taken), result.obstacle) == (MAX_CALL_STEPS, "no_progress")
