"""`Mending`: a failed call is explained and repaired before a new plan is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.roles.explain import Explainer, PlainExplainer, failed_call
from embodied_mem.planners.llm.roles.repair import Plan, Repairer
from embodied_mem.planners.repairs import Obstacle
from embodied_mem.records import Kind, Recalled, Status
from embodied_mem.records.decisions import Context, Trigger
from embodied_mem.records.episodes import added_costs
from embodied_mem.records.filters import where
from embodied_mem.records.queries import Query

N_REPAIRS = 3  # recalled for a failure, as in HELPER (2310.15127)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What became of a failure.

    Attributes:
        plan: The calls that get past it; empty if none are known.
        explanation: Why the call failed; empty if that was not asked.
        shown: Ids of the recalled repairs.
        text: The repair as it was answered.
        cost: Named costs.
    """

    plan: Plan = ()
    explanation: str = ""
    shown: tuple[str, ...] = ()
    text: str = ""
    cost: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mending:
    """Explains and repairs failed calls.

    Attributes:
        explainer: Says why a call failed; None: the call's own reason goes to the repairer.
        repairer: Says what to do about it; None: the planner plans anew, with the explanation.
    """

    explainer: Explainer | None = None
    repairer: Repairer | None = None

    async def mended(self, context: Context, choices: CallChoices) -> Mended:
        """Return what is known about the last failure; nothing at any other moment.

        Raises:
            ModelError: A model gave no answer.
        """
        if context.trigger is not Trigger.FAILURE or (self.explainer is None and self.repairer is None):
            return Mended()
        explained = await (self.explainer or PlainExplainer()).explain(context)
        why = explained.value or ""
        told = why if self.explainer is not None else ""
        if self.repairer is None:
            return Mended(explanation=told, cost=explained.cost)
        recalled = await recalled_repairs(context)
        repaired = await self.repairer.repair(context, choices, why, recalled)
        return Mended(
            plan=repaired.value or (),
            explanation=told,
            shown=tuple(hit.experience.id for hit in recalled),
            text=repaired.text,
            cost=added_costs(explained.cost, repaired.cost),
        )


async def recalled_repairs(context: Context) -> Sequence[Recalled]:
    """The repairs that memory recalls for the last failure, most similar last."""
    obstacle = Obstacle.of(failed_call(context))
    kept = where(kind=Kind.REPAIR.value, outcome=Status.SUCCESS.value)
    return (await context.arecall(Query(state=obstacle.situation, where=kept, k=N_REPAIRS)))[::-1]
