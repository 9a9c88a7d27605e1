"""Whether the worlds of a run have experts: the arm that plays them is left out where one has none."""

import dataclasses
from collections.abc import Iterable, Sequence

from embodied_mem.contracts import HasExpert
from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.config import RunConfig, RunPlan, make_plan
from embodied_mem.experiments.worlds import Worlds


def kinds_without_expert(kinds: Iterable[str], worlds: Worlds) -> tuple[str, ...]:
    """The task kinds whose world is no `HasExpert`, in the order given.

    Args:
        kinds: Task kinds.
        worlds: Makes the world of each kind, or has it already.
    """
    return tuple(kind for kind in kinds if not isinstance(worlds.get(kind), HasExpert))


def leave_out_expert(plan: RunPlan, worlds: Worlds) -> tuple[RunPlan, str]:
    """The plan without the arms that play a world's expert, if a world of the plan has none.

    The configuration of the new plan names only the arms that are left. It is the one to store in `run.json`:
    a resumed run reads it and has the same arms, whatever the worlds are then.

    Args:
        plan: The plan.
        worlds: Makes each world, unless no arm plays an expert.

    Returns:
        The plan to run, and a sentence for the user; the plan itself and "" if nothing is left out.

    Raises:
        ExperimentError: No arm would be left.
    """
    experts = [arm.name for arm in plan.arms if arm.plays_expert]
    missing = kinds_without_expert(plan.config.stream.kinds, worlds) if experts else ()
    if not missing:
        return plan, ""
    kept = [arm.name for arm in plan.arms if not arm.plays_expert]
    notice = expert_notice(experts, missing)
    if not kept:
        raise ExperimentError(f"{notice} No other arm is left; add one, as in arms=[none,memory]")
    return make_plan(_only(plan.config, kept)), notice


def expert_notice(experts: Sequence[str], kinds: Sequence[str]) -> str:
    """One sentence that says which arms are left out, and for which task kinds."""
    arms = f"arm {experts[0]} is" if len(experts) == 1 else f"arms {', '.join(experts)} are"
    have = "which has" if len(kinds) == 1 else "which have"
    return f"The {arms} left out: this run has {', '.join(kinds)}, {have} no expert."


def _only(config: RunConfig, arms: list[str]) -> RunConfig:
    return dataclasses.replace(
        config,
        arms=arms,
        comparisons=[pair for pair in config.comparisons if set(pair) <= set(arms)],
        focus=config.focus if config.focus in arms else RunConfig.focus,  # then make_plan chooses one
    )
