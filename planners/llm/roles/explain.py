"""The role `explain`: why a call failed (the self-explanation of JARVIS-1 and DEPS)."""

from typing import Protocol

from embodied_mem.errors import EpisodeError
from embodied_mem.planners.llm.answers.answer_forms import FreeText
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.roles.role import AskedRole, inputs_of, place_of
from embodied_mem.records.decisions import CallRecord, Context


class Explainer(Protocol):
    """Says why the last call failed."""

    async def explain(self, context: Context) -> Reply[str]:
        """Return the cause in a sentence; empty if nothing is known.

        Raises:
            EpisodeError: There was no call.
        """
        ...


class PlainExplainer:
    """Without a model: the reason that the call itself gave."""

    async def explain(self, context: Context) -> Reply[str]:
        """Return the reason of the result."""
        return Reply(value=failed_call(context).result.reason)


class ModelExplainer(AskedRole):
    """A model's explanation; the call's own reason if its answer cannot be read."""

    role = "explain"

    async def explain(self, context: Context) -> Reply[str]:
        """Return the explanation; at most 200 characters."""
        record = failed_call(context)
        told = {"before": record.before.text, "call": str(record.call), "reason": record.result.reason}
        reply = await self._ask(FreeText(200), {**inputs_of(context), **told}, place_of(context))
        return reply.otherwise(record.result.reason)


def failed_call(context: Context) -> CallRecord:
    """The last call.

    Raises:
        EpisodeError: There was none.
    """
    if context.last is None:
        raise EpisodeError("nothing was called yet, so no failure can be explained or repaired")
    return context.last
