"""What the episodes of an arm cost: sums of named costs, and successes per 1,000 tokens, also of memory."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from embodied_mem.experiments.metrics import UNKNOWN
from embodied_mem.experiments.rows import EpisodeRow

TOKENS = ("tokens", "tokens_in", "tokens_out")
HEADS = {  # costs that have a column of their own, in this order; any other follows by its name
    "model_calls": "model calls",
    "tokens_in": "tokens in",
    "tokens_out": "tokens out",
    "seconds": "seconds",
    "usd": "USD",
}
MEMORY_TOKENS = "tokens_memory"  # those of the prompts that what was recalled took; a part of `tokens_in`
PER_1000, PER_1000_OF_MEMORY = "success_per_1000_tokens", "success_per_1000_tokens_of_memory"
EVIDENCE = "evidence_in_prompt"


def cost_of(rows: Sequence[EpisodeRow]) -> dict[str, float]:
    """Name -> sum over these episodes.

    `usd` is left out if one of them has tokens or model calls and no `usd`: a part is not the price of all.
    """
    names = {name for row in rows for name in row.cost}
    if any("usd" not in row.cost for row in rows if used_a_model(row.cost)):
        names -= {"usd"}
    return {name: math.fsum(row.cost.get(name, 0.0) for row in rows) for name in sorted(names)}


def success_per_1000_tokens(held_out: Iterable[EpisodeRow], names: Sequence[str] = TOKENS) -> float | None:
    """Successes per 1,000 tokens, all of held-out episodes; None without tokens.

    Args:
        held_out: The episodes.
        names: Costs that count: by default prompts and answers.
    """
    rows = list(held_out)
    tokens = math.fsum(row.cost.get(name, 0.0) for row in rows for name in names)
    return 1_000 * sum(row.success for row in rows) / tokens if tokens else None


def cost_table(summary: Mapping[str, Any]) -> tuple[list[str], dict[str, list[str]]]:
    """Heads of the columns after the arm's, and arm -> its cells, in words; only arms that had costs.

    Args:
        summary: The summary of a run.
    """
    costs = {arm: summary["arms"][arm].get("cost") or {} for arm in summary["order"]}
    costs = {arm: cost for arm, cost in costs.items() if cost}
    known = {name for cost in costs.values() for name in cost} - {MEMORY_TOKENS}
    names = [*(name for name in HEADS if name in known), *sorted(known - HEADS.keys())]
    heads = [HEADS.get(name, name.replace("_", " ")) for name in names]
    cells = {arm: [_in_words(name, cost.get(name)) for name in names] for arm, cost in costs.items()}
    if any(PER_1000 in summary["arms"][arm] for arm in costs):
        heads.append("successes per 1,000 tokens")
        for arm in costs:
            cells[arm].append(_in_words(PER_1000, summary["arms"][arm].get(PER_1000)))
    return heads, cells


def memory_table(summary: Mapping[str, Any]) -> tuple[list[str], dict[str, list[str]]]:
    """What memory took of the prompts and what came of it, as `cost_table`; arms where it was counted."""
    costs = {arm: summary["arms"][arm].get("cost") or {} for arm in summary["order"]}
    heads = ["tokens of memory", "successes per 1,000 of them", "evidence in prompt, %"]
    cells = {}
    for arm, cost in costs.items():
        if MEMORY_TOKENS in cost:
            shares = {name: summary["arms"][arm].get(name) for name in (PER_1000_OF_MEMORY, EVIDENCE)}
            values = {MEMORY_TOKENS: cost[MEMORY_TOKENS], **shares}
            cells[arm] = [_in_words(name, value) for name, value in values.items()]
    return heads, cells


def used_a_model(cost: Mapping[str, float]) -> bool:
    """Whether an episode that cost this asked a model, so that it has a price."""
    return any(cost.get(name) for name in (*TOKENS, "model_calls"))


def _in_words(name: str, value: float | None) -> str:
    if value is None:
        return UNKNOWN
    if name == "usd":
        return f"{value:,.2f}" if value >= 1 or not value else f"{value:.2g}"
    if name in (PER_1000, PER_1000_OF_MEMORY):
        return f"{value:.3g}"
    if name == EVIDENCE:
        return f"{100 * value:.0f}"
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.1f}"
