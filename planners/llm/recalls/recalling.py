"""`Recalling`: what a language planner asks memory for one decision."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from embodied_mem.planners.llm.recalls.programs import as_programs
from embodied_mem.planners.llm.recalls.recall_way import RecallWay
from embodied_mem.planners.llm.recalls.windows import within_windows
from embodied_mem.records import Experience, Kind, Recalled, Status
from embodied_mem.records.decisions import Context
from embodied_mem.records.filters import Equals, Or, Where, all_of, where
from embodied_mem.records.legal_calls import in_order
from embodied_mem.records.queries import Query
from embodied_mem.records.situations import situation_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalling:
    """Recalls experiences by task and situation, to be shown as worked examples.

    Attributes:
        way: How memory is used; see `RecallWay`.
        kept: Which experiences may be shown.
        k: How many, >= 0.
        min_similarity: See `Query.min_similarity`.
        weights: See `Query.weights`.
        distinct: See `Query.distinct`.
        window: How many decisions before and after each recalled one are shown with it.
        programs: Whether a recalled episode is shown as the calls of it that succeeded.
    """

    way: RecallWay
    kept: Where
    k: int
    min_similarity: Mapping[str, float] | None = None
    weights: Mapping[str, float] | None = None
    distinct: bool = False
    window: tuple[int, int] = (0, 0)
    programs: bool = False

    async def before(self, context: Context) -> tuple[Recalled, ...]:
        """What the prompt is to show, the most similar last."""
        return await self._hits(context, self.way.before)

    async def after(self, context: Context, confidence: float | None) -> tuple[Recalled, ...]:
        """What the model is to be asked anew with, the most similar last; see `RecallWay.after`."""

        async def recall(context: Context, query: Query) -> list[Recalled]:
            return await self.way.after(context, query, confidence)

        return await self._hits(context, recall)

    async def _hits(
        self, context: Context, recall: Callable[[Context, Query], Awaitable[list[Recalled]]]
    ) -> tuple[Recalled, ...]:
        if not self.k:
            return ()
        hits = (await recall(context, self._query(context)))[::-1]
        if any(self.window):
            before, after = self.window
            hits = await within_windows(hits, context, before=before, after=after)
        if self.programs:
            hits = await as_programs(hits, context)
        return tuple(replace(hit, experience=_in_order(hit.experience, context)) for hit in hits)

    def _query(self, context: Context) -> Query:
        return Query(
            task=context.task,
            state=situation_text(context.observation.text, context.last),
            where=self.kept,
            k=self.k,
            min_similarity=self.min_similarity,
            weights=self.weights,
            distinct=self.distinct,
        )


def of_kinds(kinds: Sequence[str], *, only_won: bool) -> Where:
    """A filter for these kinds of experience; of what succeeded alone, for decisions in a won episode."""
    return Or(tuple(_of_kind(kind, only_won=only_won) for kind in kinds))


def _of_kind(kind: str, *, only_won: bool) -> Where:
    if not only_won:
        return where(kind=kind)
    won = where(kind=kind, outcome=Status.SUCCESS.value)
    if kind != Kind.DECISION.value:
        return won
    return all_of(won, Equals("metadata.episode", Status.SUCCESS.value))


def _in_order(experience: Experience, context: Context) -> Experience:
    """The experience with its calls written as they can be made now."""
    plan = tuple(in_order(call, context.skills) for call in experience.plan)
    return experience.replace(plan=plan)
