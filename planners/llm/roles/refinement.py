"""`Refinement`: a plan is predicted and checked before it is made, and refined (MINDSTORES, 2501.19318)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from embodied_mem.planners.llm.answers.answer_forms import Judgement
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.prompts.question import Quotes, Tail
from embodied_mem.planners.llm.roles.predict import Predictor
from embodied_mem.planners.llm.roles.self_check import Checker
from embodied_mem.records import Recalled, SkillCall
from embodied_mem.records.decisions import Context
from embodied_mem.records.episodes import added_costs

OBJECTION = "This may fail"  # how a prompt opens what speaks against a plan


@dataclass(frozen=True, slots=True)
class Refinement:
    """Asks for another plan as long as something speaks against it.

    The last plan is made even if something still does: a prediction may be wrong.

    Attributes:
        predictor: Predicts what comes of a plan; None: nothing is predicted.
        checker: Checks whether it can be carried out; None: it is not checked.
        rounds: How often another plan is asked for, >= 0.
    """

    predictor: Predictor | None = None
    checker: Checker | None = None
    rounds: int = 1

    async def refined(
        self,
        reply: Reply[Any],
        context: Context,
        recalled: Sequence[Recalled],
        *,
        ask: Callable[[Tail], Awaitable[Reply[Any]]],
        template: Quotes,
    ) -> Reply[Any]:
        """Return the plan that nothing speaks against, or the last one.

        Args:
            reply: The first plan, with its costs.
            context: The moment of the decision.
            recalled: What memory recalled for it, most similar last.
            ask: Asks for another plan, after earlier ones and what speaks against them.
            template: The template of the question.

        Raises:
            ModelError: The model gave no answer.
        """
        for _ in range(self.rounds):
            if not reply.value:
                return reply
            objection = await self.objection(context, reply.value, recalled)
            reply = replace(reply, cost=added_costs(reply.cost, objection.cost))
            if not objection.value:
                return reply
            other = await ask(reply.told_against(objection.value, template, said=OBJECTION))
            other = other.after(reply)
            if other.value in (None, reply.value):  # it has no other plan
                return replace(reply, shown=other.shown, cost=other.cost)
            reply = other
        return reply

    async def objection(
        self, context: Context, plan: Sequence[SkillCall], recalled: Sequence[Recalled]
    ) -> Reply[str]:
        """Return what speaks against a plan; empty if nothing does. The check comes first."""
        checked: Reply[Judgement] = Reply()
        predicted: Reply[Judgement] = Reply()
        if self.checker is not None:
            checked = await self.checker.check(context, plan)
        if self.predictor is not None and (checked.value is None or checked.value.is_good):
            predicted = await self.predictor.predict(context, plan, recalled)
        said = [each.value for each in (checked, predicted) if each.value is not None]
        against = [each.reason or "no reason is known" for each in said if not each.is_good]
        return Reply(value="".join(against[:1]), cost=added_costs(checked.cost, predicted.cost))
