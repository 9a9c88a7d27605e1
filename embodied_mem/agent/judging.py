"""The default judge: the world's goal check, or `unverified` without one."""

from embodied_mem.records.episodes import Trace
from embodied_mem.records.experience import Outcome, Status
from embodied_mem.records.skills import SkillStatus

_WHO_RAISED = {"planner_error": "the planner", "memory_error": "memory", "answer_error": "the answer"}


class GoalJudge:
    """Judges by `HasGoalCheck.goal_reached`; a planner's `Stop` is no evidence of success."""

    def judge(self, trace: Trace) -> Outcome:
        """Return the outcome; success only if the world confirmed the goal."""
        return Outcome(
            status=_status(trace), reward=trace.reward, explanation=_explanation(trace), steps=trace.steps
        )


def _status(trace: Trace) -> Status:
    if trace.ended_by == "cancelled":
        return Status.CANCELLED
    if trace.error:
        return Status.TRUNCATED
    if trace.goal_reached:
        return Status.SUCCESS
    if trace.is_truncated:
        return Status.TIMEOUT
    if trace.goal_reached is None:
        return Status.UNVERIFIED
    return Status.FAILURE


def _explanation(trace: Trace) -> str:
    if trace.error:
        who = _WHO_RAISED.get(trace.ended_by, "the environment")
        return f"{who} raised {trace.error} after {trace.steps} steps"
    if trace.goal_reached:
        return ""
    reasons = [call.result.reason for call in trace.calls if call.result.status is SkillStatus.FAILURE]
    ended = f"ended by {trace.ended_by} after {trace.steps} steps"
    return f"{ended}; last obstacle: {reasons[-1]}" if reasons else ended
