"""`AdaptiveRecall`: memory only where it is likely to help, so that other prompts are short."""

from embodied_mem.errors import InvalidQuery
from embodied_mem.planners.llm.recalls.recall_way import PlainRecall
from embodied_mem.records import Recalled
from embodied_mem.records.argument_checks import check_count, check_number
from embodied_mem.records.decisions import Context
from embodied_mem.records.filters import Equals, all_of
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.queries import Query
from embodied_mem.records.skills import SkillStatus


class AdaptiveRecall(PlainRecall):
    """Recalls where the last call failed, the task is rare in memory, or the model is unsure.

    Else the prompt shows nothing. Being unsure costs a second call: the model answers without memory first,
    and again with it. "When Not to Trust Language Models" (Mallen et al., 2023, adaptive retrieval) retrieves
    for rare entities only, FLARE (Jiang et al., 2023, confidence-based active retrieval) for answers with a
    token below a probability; here it is the mean over the tokens of an answer.

    Args:
        rare_below: A task is rare while memory holds fewer experiences of its kind that the planner may be
            shown; 0: none is.
        min_confidence: The model is unsure below this `Answer.confidence`, 0 to 1; None: it is not asked
            first. A model that gives no log-probabilities is always unsure.

    Raises:
        InvalidQuery: A number is out of range.
    """

    def __init__(self, *, rare_below: int = 5, min_confidence: float | None = None) -> None:
        check_count("rare_below", rare_below, at_least=0)
        if min_confidence is not None:
            check_number("min_confidence", min_confidence)
            if not 0 <= min_confidence <= 1:
                raise InvalidQuery(f"min_confidence is {min_confidence}; expected a number from 0 to 1")
        self._rare_below, self._minimum = rare_below, min_confidence

    async def before(self, context: Context, query: Query) -> list[Recalled]:
        """What memory recalls after a failure and for a rare task; else nothing."""
        last = context.last
        has_failed = last is not None and last.result.status is SkillStatus.FAILURE
        if has_failed or await self._is_rare(context, query):
            return await context.arecall(query)
        return []

    async def after(self, context: Context, query: Query, confidence: float | None) -> list[Recalled]:
        """What memory recalls where the model was unsure."""
        if self._minimum is None or (confidence is not None and confidence >= self._minimum):
            return []
        return await context.arecall(query)

    def describe(self) -> JsonObject:
        """Name and settings."""
        return {"name": "adaptive", "rare_below": self._rare_below, "min_confidence": self._minimum}

    async def _is_rare(self, context: Context, query: Query) -> bool:
        if not self._rare_below:
            return False
        path = "task.kind" if context.task.kind else "task.text"
        of_task = Equals(path, context.task.kind or context.task.text)
        found = await context.arecall(Query(where=all_of(query.where, of_task), k=self._rare_below))
        return len(found) < self._rare_below
