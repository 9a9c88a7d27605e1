"""The role `repair`: what to do about a failed call (HELPER, 2310.15127: inspector and rectifier)."""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from embodied_mem.planners.lifting import ground_call
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.models.copying import nearest_call
from embodied_mem.planners.llm.prompts.offered import skills_in_words
from embodied_mem.planners.llm.roles.explain import failed_call
from embodied_mem.planners.llm.roles.role import AskedRole, inputs_of, place_of, plan_in_words
from embodied_mem.planners.repairs import Obstacle
from embodied_mem.records import Recalled, SkillCall
from embodied_mem.records.decisions import Context

Plan = tuple[SkillCall, ...]

_ROLE = re.compile(r"<([a-z]+)\d*>")


class Repairer(Protocol):
    """Repairs a plan whose call failed."""

    async def repair(
        self, context: Context, choices: CallChoices, reason: str, recalled: Sequence[Recalled]
    ) -> Reply[Plan]:
        """Return the calls that get past the failure; no value where none is known.

        Args:
            context: The moment after the failure.
            choices: The calls that can be made now.
            reason: Why it failed, in words.
            recalled: Repairs that memory recalled for it, most similar last.

        Raises:
            EpisodeError: There was no call.
        """
        ...


class PlainRepairer:
    """Without a model: the most similar recalled repair, applied to the objects at hand.

    Its first call becomes the one that can be made now and shares most words with it.
    """

    async def repair(
        self, context: Context, choices: CallChoices, reason: str, recalled: Sequence[Recalled]
    ) -> Reply[Plan]:
        """Return the repair; no value where no recalled one fits."""
        possible = list(choices.calls())
        for _, plan in grounded(context, recalled):
            first = nearest_call(possible, plan[0])
            if first is not None:
                return Reply(value=(first, *plan[1 : choices.max_calls]))
        return Reply()


class ModelRepairer(AskedRole):
    """A model's repair; the plain one if its answer cannot be read."""

    role = "repair"

    async def repair(
        self, context: Context, choices: CallChoices, reason: str, recalled: Sequence[Recalled]
    ) -> Reply[Plan]:
        """Return the repair."""
        record, known = failed_call(context), list(grounded(context, recalled))
        inputs = {
            **inputs_of(context),
            "call": str(record.call),
            "reason": reason,
            "recalled": [f"{why} -> {plan_in_words(plan)}" for why, plan in reversed(known)],
            "skills": skills_in_words(context, choices, self.template).splitlines(),
        }
        reply = await self._ask(choices, inputs, place_of(context), examples=recalled)
        if reply.value is not None:
            return reply
        plain = await PlainRepairer().repair(context, choices, reason, recalled)
        return reply if plain.value is None else reply.otherwise(plain.value)


def grounded(context: Context, recalled: Sequence[Recalled]) -> Iterator[tuple[str, Plan]]:
    """Recalled failures with their repairs, applied to the objects of this one; most similar first."""
    roles = Obstacle.of(failed_call(context)).roles
    for hit in reversed(recalled):
        calls = [ground_call(call, roles) for call in hit.experience.plan]
        if calls and None not in calls:
            why = hit.experience.state
            for role, reference in roles.items():
                why = why.replace(f"<{role}>", reference)
            why = _ROLE.sub(r"the \1", why)  # of a thing that this failure does not have
            yield why, tuple(call for call in calls if call is not None)
