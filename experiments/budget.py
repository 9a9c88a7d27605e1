"""A budget of a run: once finished episodes have cost that much, no further episode begins."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.costs import TOKENS, used_a_model
from embodied_mem.experiments.metrics import counted
from embodied_mem.planners.llm.models.allowance import Allowance, cost_of
from embodied_mem.planners.llm.models.call_log import FILE
from embodied_mem.planners.llm.models.recorded import answer_of, log_lines

SPENT = "spent.json"

# Not frozen: OmegaConf sets its fields one by one.


@dataclass
class BudgetConfig:
    """What all episodes of a run may cost together, by the costs that planners report; None: no limit."""

    tokens: float | None = None
    """Tokens of prompts and answers."""
    usd: float | None = None
    """Money; needs a price for every model, see `planners/llm/models/prices.toml`."""
    model_calls: float | None = None
    """Questions to a model."""
    seconds: float | None = None
    """Seconds that models took to answer, over all workers."""


def allowance_of(budget: BudgetConfig, run_folder: Path) -> dict[str, Any] | None:
    """Keyword arguments of the `Allowance` that all model calls of a run share; None: there is no limit."""
    limits = {name: value for name, value in dataclasses.asdict(budget).items() if value is not None}
    return {**limits, "path": str(run_folder.absolute() / SPENT)} if limits else None


def restart_allowance(budget: BudgetConfig, run_folder: Path) -> None:
    """Count what the calls of earlier attempts cost, as their logs say: the log is right after a kill too."""
    limits = allowance_of(budget, run_folder)
    if limits is not None:
        lines = (line for path in sorted(run_folder.rglob(FILE)) for line in log_lines(path))
        Allowance(**limits).restart(map(cost_of, map(answer_of, lines)))


class BudgetSpent(ExperimentError):
    """The finished episodes of a run have cost its budget."""


class Spending:
    """Adds up what episodes cost.

    Args:
        budget: The limits.

    Raises:
        ExperimentError: A limit is negative or not a number.
    """

    def __init__(self, budget: BudgetConfig) -> None:
        self._limits = {
            name: value for name, value in dataclasses.asdict(budget).items() if value is not None
        }
        for name, value in self._limits.items():
            if not (math.isfinite(value) and value >= 0):
                raise ExperimentError(f"budget.{name} is {value}; expected a number of at least 0, or null")
        self._spent = dict.fromkeys(self._limits, 0.0)
        self._episodes = 0

    def add(self, cost: Mapping[str, float]) -> None:
        """Count an episode that cost this.

        Raises:
            ExperimentError: Money is limited, and the price of the episode is not known.
        """
        if "usd" in self._limits and used_a_model(cost) and "usd" not in cost:
            raise ExperimentError(
                "budget.usd cannot be kept, because the price of the model is not known; add it to a table "
                "and name that in planner.options.prices, or limit budget.tokens"
            )
        self._episodes += 1
        for name in self._spent:
            parts = TOKENS if name == "tokens" else (name,)
            self._spent[name] += math.fsum(cost.get(part, 0.0) for part in parts)

    def check(self) -> None:
        """Return if something is left of every limit.

        Raises:
            BudgetSpent: A limit is reached; the message says which, and how to go on.
        """
        for name, limit in self._limits.items():
            if self._spent[name] >= limit:
                episodes = counted(self._episodes, "finished episode")
                raise BudgetSpent(
                    f"the budget is spent: {name} {self._spent[name]:,.6g} of {limit:,.6g} after {episodes}; "
                    f"resume with a larger one, as in budget.{name}={2 * max(limit, 1):g}"
                )
