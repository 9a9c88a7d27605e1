"""The role `self_check`: whether a plan can be carried out from here (JARVIS-1, 2311.05997: self-check)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.planners.llm.answers.answer_forms import Judgement, Verdict
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.prompts.offered import records_here
from embodied_mem.planners.llm.roles.role import AskedRole, inputs_of, place_of, plan_in_words
from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import CallRecord, Context
from embodied_mem.records.situations import what_came_of
from embodied_mem.records.skills import SkillStatus, check_call


class Checker(Protocol):
    """Checks a plan before it is carried out."""

    async def check(self, context: Context, plan: Sequence[SkillCall]) -> Reply[Judgement]:
        """Return whether the plan can be carried out, and else what is missing."""
        ...


class PlainChecker:
    """Without a model: the first call is legal, and none failed before in this very situation.

    Later calls may become legal only on the way, so whether they are is not asked.
    """

    async def check(self, context: Context, plan: Sequence[SkillCall]) -> Reply[Judgement]:
        """Return whether that holds, and else which call fails and why."""
        try:
            check_call(plan[0], context.skills)
        except (InvalidRecord, UnknownName) as error:
            return Reply(value=Judgement(is_good=False, reason=str(error)))
        calls = {replace(call, count=1) for call in plan}
        for record in failed_here(context):
            if replace(record.call, count=1) in calls:
                return Reply(value=Judgement(is_good=False, reason=what_came_of(record)))
        return Reply(value=Judgement(is_good=True))


class ModelChecker(AskedRole):
    """A model's check; the plain one if that objects, or if the model's answer cannot be read."""

    role = "self_check"

    async def check(self, context: Context, plan: Sequence[SkillCall]) -> Reply[Judgement]:
        """Return the check."""
        plain = await PlainChecker().check(context, plan)
        if plain.value is not None and not plain.value.is_good:
            return plain  # no need to ask
        failed = [what_came_of(record) for record in failed_here(context)]
        inputs = {**inputs_of(context), "failed": failed, "plan": plan_in_words(plan)}
        reply = await self._ask(Verdict("ok", "missing"), inputs, place_of(context))
        return reply if reply.value is not None else replace(reply, value=plain.value)


def failed_here(context: Context) -> list[CallRecord]:
    """The calls that failed when exactly this was perceived."""
    return [record for record in records_here(context) if record.result.status is SkillStatus.FAILURE]
