"""A dry run: every prompt of a language model in one lifetime, with tokens and cost, and no call."""

import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.arms import Arm
from embodied_mem.experiments.budget import BudgetConfig
from embodied_mem.experiments.config import PartConfig, RunConfig, RunPlan, make_plan
from embodied_mem.experiments.lifetime import Unit
from embodied_mem.experiments.runner import finished_rows, run_lifetimes
from embodied_mem.planners.llm.models.call_log import FILE
from embodied_mem.planners.llm.models.prices import load_prices

ASKED = ("chat", "completion")  # models that cost something
CHARS_PER_TOKEN = 4  # of English; a server counts exactly, but none is asked
TOKENS_OUT = 12  # of a call, about


def dry_run(config: RunConfig, say: Callable[[str], None]) -> None:
    """Print every prompt of the first lifetime, and an estimate for the whole run.

    The episodes go as if the model made the call of the most similar experience, so lengths are estimates.

    Args:
        config: The run.
        say: Called with each line.

    Raises:
        ExperimentError: No arm asks a served model.
    """
    whole = make_plan(config)
    asking = [arm for arm in whole.arms if _llm_of(arm).get("name") in ASKED]
    if not asking:
        raise ExperimentError("no arm asks a served language model, so there is no prompt to show")
    judge, reflector = _part_without_model(config.judge), _part_without_model(config.reflector)
    shortened = dataclasses.replace(
        config, lifetimes=1, judge=judge, reflector=reflector, budget=BudgetConfig()
    )
    plan = dataclasses.replace(_copied(whole), config=shortened)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_lifetimes(
            plan, folder, finished_rows(plan, folder), attempt=0, workers=1, notify=lambda row: None
        )
        estimates = [_shown(arm, Unit(arm, 0).folder(folder), whole, say) for arm in asking]
    for line in _totals(estimates):
        say(line)


@dataclass
class _Estimate:
    """What the calls of an arm come to."""

    arm: str
    n_lifetimes: int
    calls: int = 0
    tokens_in: int = 0
    usd: float | None = 0.0
    price: Callable[[int, int], float | None] = field(default=lambda tokens_in, tokens_out: None)

    def add(self, tokens_in: int) -> None:
        self.calls += 1
        self.tokens_in += tokens_in
        usd = self.price(tokens_in, TOKENS_OUT)
        self.usd = None if usd is None or self.usd is None else self.usd + usd


def _shown(arm: Arm, folder: Path, whole: RunPlan, say: Callable[[str], None]) -> _Estimate:
    model = str(_llm_of(arm)["options"].get("model", ""))
    prices = load_prices(arm.planner_options.get("prices"))
    estimate = _Estimate(
        arm.name,
        whole.config.lifetimes,
        price=lambda n_in, n_out: prices.usd(model, tokens_in=n_in, tokens_out=n_out),
    )
    for line in _calls(folder):
        if line["role"] != "plan" and line["place"].endswith("+"):
            continue  # a copy answers only for plans; a model would not be asked anew
        text = "\n\n".join(part for part in (line["system"], line["prompt"]) if part)
        tokens = -(-len(text) // CHARS_PER_TOKEN)
        estimate.add(tokens)
        say(f"--- {line['place']}  {line['template']}  about {tokens} tokens\n{text}")
    return estimate


def _totals(estimates: list[_Estimate]) -> Iterator[str]:
    yield "=== estimate for all lifetimes (four characters a token; no model was called)"
    for each in estimates:
        n = each.n_lifetimes
        usd = "price unknown" if each.usd is None else f"{n * each.usd:,.2f} USD"
        out = n * each.calls * TOKENS_OUT
        yield f"{each.arm}: {n * each.calls:,} calls, {n * each.tokens_in:,} tokens in, {out:,} out, {usd}"


def _copied(plan: RunPlan) -> RunPlan:
    """The plan with a copy in place of every served model, asked with the templates of that model."""
    arms = [_without_model(arm) for arm in plan.arms]
    used = {arm.name for arm in arms if _llm_of(arm)} | {arm.shares for arm in arms}
    return dataclasses.replace(plan, arms=tuple(arm for arm in arms if arm.name in used))


def _without_model(arm: Arm) -> Arm:
    return dataclasses.replace(arm, planner_options=_options_without_model(arm.planner_options))


def _part_without_model(part: PartConfig) -> PartConfig:
    return dataclasses.replace(part, options=_options_without_model(part.options))


def _options_without_model(options: Mapping[str, Any]) -> dict[str, Any]:
    form = (options.get("llm") or {}).get("name")
    if form not in ASKED:
        return dict(options)
    return {**options, "llm": {"name": "copy", "options": {"form": form}}}


def _llm_of(arm: Arm) -> Mapping[str, Any]:
    llm: Mapping[str, Any] = arm.planner_options.get("llm") or {}
    return llm


def _calls(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.rglob(FILE)):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line:
                yield json.loads(line)
