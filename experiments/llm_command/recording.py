"""`embodied-mem llm record`: keeps the answers of a run, so that it can be played without the model."""

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.config import RunPlan, make_plan
from embodied_mem.experiments.lifetime import Unit
from embodied_mem.experiments.outputs import read_config, read_document
from embodied_mem.experiments.runner import all_units
from embodied_mem.planners.llm.models.recorded import record


def record_run(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Write the recording and say how to play it.

    Raises:
        ExperimentError: The folder is no run, or no arm of it asked a served model.
    """
    plan = make_plan(read_config(read_document(options.run)))
    asked = [unit for unit in all_units(plan) if _model_of(unit) in ("chat", "completion")]
    if not asked:
        raise ExperimentError(f"{options.run} asked no served language model, so it has no answers to keep")
    form = _model_of(asked[0])  # these two are named after their form
    n = record([unit.folder(options.run) for unit in asked], options.file, form=form)
    say(f"{n:,} answers in {options.file}, {options.file.stat().st_size / 1e6:.2f} MB")
    say(f"play them: embodied-mem run {_experiment(plan)} llm=recorded llm.path={options.file}")


def _model_of(unit: Unit) -> str:
    llm: Mapping[str, Any] = unit.arm.planner_options.get("llm") or {}
    return str(llm.get("name", ""))


def _experiment(plan: RunPlan) -> str:
    return f"experiment={plan.config.name}"
