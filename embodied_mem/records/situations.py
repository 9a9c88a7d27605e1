"""The situation in which a call is decided, in words: what is perceived, and what came of the call before."""

from embodied_mem.records.decisions import CallRecord
from embodied_mem.records.skills import SkillStatus


def what_came_of(record: CallRecord | None) -> str:
    """Say how a call ended: `go_to(red ball 1) failed: the way is blocked.`; empty if there was none."""
    if record is None:
        return ""
    if record.result.status is SkillStatus.SUCCESS:
        return f"{record.call} succeeded."
    reason = f": {record.result.reason}" if record.result.reason else ""
    verb = {SkillStatus.FAILURE: "failed", SkillStatus.CANCELLED: "was cancelled"}.get(
        record.result.status, "ended"
    )
    return f"{record.call} {verb}{reason}."


def situation_text(perceived: str, last: CallRecord | None) -> str:
    """Return what is perceived and what came of the last call, as decisions are stored and asked for.

    Args:
        perceived: `Observation.text`.
        last: The call before; None at the start.
    """
    return f"{perceived} {what_came_of(last)}".strip()
