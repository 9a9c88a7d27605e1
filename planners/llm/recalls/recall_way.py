"""`RecallWay`: how a language planner uses memory in a decision; `PlainRecall`: one query, every time."""

from typing import Protocol, runtime_checkable

from embodied_mem.records import Recalled
from embodied_mem.records.decisions import Context
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.queries import Query


@runtime_checkable
class RecallWay(Protocol):
    """Asks memory for one decision. Keeps no state: several episodes may share one."""

    async def before(self, context: Context, query: Query) -> list[Recalled]:
        """Return what the prompt is to show, best first; empty: the model is asked without memory.

        Args:
            context: The decision; `context.arecall` asks memory.
            query: What `PlainRecall` asks: task and situation, with the planner's filter, k and weights.
        """
        ...

    async def after(self, context: Context, query: Query, confidence: float | None) -> list[Recalled]:
        """Return what the model is to be asked anew with, best first; empty: its answer stays.

        Called where `before` returned nothing.

        Args:
            context: The decision.
            query: As in `before`.
            confidence: See `Answer.confidence`; 0 where the answer could not be read.
        """
        ...

    def describe(self) -> JsonObject:
        """Name and settings."""
        ...


class PlainRecall:
    """One query for every decision."""

    async def before(self, context: Context, query: Query) -> list[Recalled]:
        """What memory recalls by task and situation."""
        return await context.arecall(query)

    async def after(self, context: Context, query: Query, confidence: float | None) -> list[Recalled]:
        """Nothing: the answer stays."""
        return []

    def describe(self) -> JsonObject:
        """Its name."""
        return {"name": "plain"}
