"""The role `predict`: what will come of a plan (MINDSTORES, 2501.19318: predict, then refine)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from embodied_mem.planners.llm.answers.answer_forms import Judgement, Verdict
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.roles.role import (
    AskedRole,
    experience_in_words,
    inputs_of,
    place_of,
    plan_in_words,
)
from embodied_mem.records import Recalled, SkillCall
from embodied_mem.records.decisions import Context

UNKNOWN = Judgement(is_good=True, reason="nothing like it is remembered")


class Predictor(Protocol):
    """Predicts whether a plan will succeed."""

    async def predict(
        self, context: Context, plan: Sequence[SkillCall], recalled: Sequence[Recalled]
    ) -> Reply[Judgement]:
        """Return the prediction.

        Args:
            context: The moment of the decision.
            plan: The plan, at least one call.
            recalled: What memory recalled for it, most similar last.
        """
        ...


class PlainPredictor:
    """Without a model: what came of the most similar recalled experience with the same first call.

    It needs failures among what is recalled (`only_won: false`); of successes alone it predicts success.
    """

    async def predict(
        self, context: Context, plan: Sequence[SkillCall], recalled: Sequence[Recalled]
    ) -> Reply[Judgement]:
        """Return the prediction; success where no recalled experience has this call."""
        wanted = replace(plan[0], count=1)
        for hit in reversed(recalled):
            if hit.experience.plan and replace(hit.experience.plan[0], count=1) == wanted:
                outcome = hit.experience.outcome
                return Reply(value=Judgement(not outcome.is_failure, outcome.explanation))
        return Reply(value=UNKNOWN)


class ModelPredictor(AskedRole):
    """A model's prediction from the recalled experiences; the plain one if its answer cannot be read."""

    role = "predict"

    async def predict(
        self, context: Context, plan: Sequence[SkillCall], recalled: Sequence[Recalled]
    ) -> Reply[Judgement]:
        """Return the prediction."""
        inputs = {
            **inputs_of(context),
            "recalled": [experience_in_words(hit.experience) for hit in recalled],
            "plan": plan_in_words(plan),
        }
        reply = await self._ask(Verdict(), inputs, place_of(context), examples=recalled)
        if reply.value is not None:
            return reply
        plain = await PlainPredictor().predict(context, plan, recalled)
        return replace(reply, value=plain.value)
