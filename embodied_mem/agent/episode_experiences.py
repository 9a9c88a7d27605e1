"""The experiences that the loop itself writes: one for the episode and, on request, one for each call."""

from collections.abc import Iterator

from embodied_mem.records.decisions import CallRecord
from embodied_mem.records.episodes import Trace
from embodied_mem.records.experience import Attachment, Experience, Kind, Outcome, Status
from embodied_mem.records.situations import situation_text, what_came_of
from embodied_mem.records.skills import SkillStatus

MAX_PLAN_CALLS = 200  # in the record of an episode; its metadata counts the calls beyond

_STATUS = {
    SkillStatus.SUCCESS: Status.SUCCESS,
    SkillStatus.FAILURE: Status.FAILURE,
    SkillStatus.CANCELLED: Status.CANCELLED,
    SkillStatus.ENDED: Status.UNVERIFIED,  # the episode's outcome says whether it was won by this call
}


def episode_experience(
    trace: Trace, outcome: Outcome, *, attachments: tuple[Attachment, ...] = ()
) -> Experience:
    """Return the experience of a whole episode: where it began, its calls and how it ended."""
    calls = [record.call for record in trace.calls]
    obstacles = sorted({record.result.obstacle for record in trace.calls if record.result.obstacle})
    recalled = [
        hit.experience_id for decision in trace.decisions for hit in decision.recalled if not hit.is_leak
    ]
    return Experience(
        kind=Kind.EPISODE,
        task=trace.task,
        state=trace.first.text,
        plan=tuple(calls[:MAX_PLAN_CALLS]),
        outcome=outcome,
        state_after=trace.last.text,
        facts=trace.first.facts,
        position_m=trace.first.position_m,
        recalled=tuple(dict.fromkeys(recalled)),
        metadata={
            "obstacles": list(obstacles),
            "calls": len(calls),
            "calls_left_out": max(0, len(calls) - MAX_PLAN_CALLS),
        },
        attachments=attachments,
    )


def decision_experiences(trace: Trace, outcome: Outcome) -> Iterator[Experience]:
    """Yield an experience for each call: the situation, what was called, and what came of it.

    The state is the text of `situation_text`; the metadata say what came of the call before (`last`) and how
    the episode ended (`episode`). The call during which the episode ended has the outcome of the episode.
    """
    before = [None, *trace.calls]
    for index, record in enumerate(trace.calls):
        yield Experience(
            kind=Kind.DECISION,
            task=trace.task,
            state=situation_text(record.before.text, before[index]),
            plan=(record.call,),
            outcome=_outcome_of(record, outcome),
            state_after=record.after.text,
            facts=record.before.facts,
            position_m=record.before.position_m,
            recalled=_recalled_for(record, trace),
            metadata={
                "call": index,
                "decision": record.decision,
                "obstacle": record.result.obstacle,
                "last": what_came_of(before[index]),
                "episode": outcome.status.value,
            },
        )


def _outcome_of(record: CallRecord, episode: Outcome) -> Outcome:
    is_last = record.result.status is SkillStatus.ENDED
    return Outcome(
        status=episode.status if is_last else _STATUS[record.result.status],
        reward=record.reward,
        explanation=episode.explanation if is_last else record.result.reason,
        steps=record.steps,
    )


def _recalled_for(record: CallRecord, trace: Trace) -> tuple[str, ...]:
    if record.decision >= len(trace.decisions):
        return ()
    hits = trace.decisions[record.decision].recalled
    return tuple(hit.experience_id for hit in hits if not hit.is_leak)
