"""Programs: the calls of a recalled episode that succeeded, without its detours."""

from collections.abc import Sequence
from dataclasses import replace

from embodied_mem.records import Experience, Kind, Recalled, SkillCall, Status
from embodied_mem.records.decisions import Context
from embodied_mem.records.filters import where
from embodied_mem.records.queries import Query

MAX_DECISIONS = 500  # of all recalled episodes together


async def as_programs(hits: Sequence[Recalled], context: Context) -> list[Recalled]:
    """Return the hits, each episode with its program in place of its plan, where its decisions were recorded.

    Args:
        hits: What memory recalled.
        context: The decision at hand; decisions are recalled through it.
    """
    plans = await succeeded([hit.experience for hit in hits], context)
    return [replace(hit, experience=_with_program(hit.experience, plans)) for hit in hits]


async def succeeded(episodes: Sequence[Experience], context: Context) -> dict[str, tuple[SkillCall, ...]]:
    """Attempt -> the calls of it that succeeded, in order, where its decisions were recorded."""
    attempts = tuple(each.origin.attempt for each in episodes if each.origin.attempt)
    if not attempts:
        return {}
    kept = where(kind=Kind.DECISION.value, outcome=Status.SUCCESS.value, origin__attempt=attempts)
    decisions = [hit.experience for hit in await context.arecall(Query(where=kept, k=MAX_DECISIONS))]
    plans: dict[str, list[Experience]] = {}
    for each in decisions:
        plans.setdefault(each.origin.attempt, []).append(each)
    return {attempt: _calls_of(made) for attempt, made in plans.items()}


def _calls_of(decisions: Sequence[Experience]) -> tuple[SkillCall, ...]:
    in_order = sorted(decisions, key=lambda each: int(str(each.metadata.get("call", 0))))
    return tuple(call for each in in_order for call in each.plan)


def _with_program(experience: Experience, plans: dict[str, tuple[SkillCall, ...]]) -> Experience:
    plan = plans.get(experience.origin.attempt) if experience.kind == Kind.EPISODE else None
    return experience.replace(plan=plan) if plan else experience
