"""How an arm used its memory: what it asked and was given, where the budget ran out, and what it cost."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from embodied_mem.experiments.costs import (
    EVIDENCE,
    MEMORY_TOKENS,
    PER_1000,
    PER_1000_OF_MEMORY,
    cost_of,
    success_per_1000_tokens,
)
from embodied_mem.experiments.evidence import evidence_in_prompt
from embodied_mem.experiments.metrics import counted
from embodied_mem.experiments.rows import PHASES, EpisodeRow, Phase
from embodied_mem.experiments.run_folder import Run

NEVER_ASKED = "never asked"
GOT_NOTHING = "got nothing"
NOTHING_BY_DESIGN = "none"  # the arm, or the base of a variant, whose memory gives nothing
PHASE_WORDS: Mapping[Phase, str] = {"held_out": "held-out", "learn": "learning"}


def use_of(run: Run, arm: str) -> dict[str, Any]:
    """`memory_use` and `cost` of an arm, from its complete lifetimes; each only where its rows tell it.

    Returns:
        `memory_use`: `episodes`, held out, and in them `recalls` (None in rows of older versions) and
        experiences `given`; `unused`, a word for the table or ""; `budget_spent`, phase -> number of episodes
        in which the budget of recalls ran out. `cost`: name -> sum over all episodes.
        `success_per_1000_tokens`, `success_per_1000_tokens_of_memory`: of held-out episodes, where these are
        counted; with the latter also `evidence_in_prompt`.
    """
    rows = {
        phase: [row for life in run.complete(arm, phase) for row in life.phase(phase)] for phase in PHASES
    }
    found: dict[str, Any] = {}
    use = _memory_use(rows, is_empty_by_design=_base(run, arm) == NOTHING_BY_DESIGN)
    if arm not in run.beside and (use["recalls"] is not None or use["unused"]):
        found["memory_use"] = use
    cost = cost_of([row for phase in PHASES for row in rows[phase]])
    shares = {
        PER_1000: success_per_1000_tokens(rows["held_out"]),
        PER_1000_OF_MEMORY: success_per_1000_tokens(rows["held_out"], [MEMORY_TOKENS]),
        EVIDENCE: evidence_in_prompt(run, arm) if MEMORY_TOKENS in cost else None,
    }
    found |= {name: share for name, share in shares.items() if share is not None}
    return found | ({"cost": cost} if cost else {})


def use_notes(arm: str, result: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on an arm that played without memory, or whose budget of recalls ran out.

    Args:
        arm: Name of the arm.
        result: What `use_of` returns, as in its entry in the summary.
    """
    use = result.get("memory_use")
    if use is None:
        return
    episodes = counted(use["episodes"], "held-out episode")
    if use["unused"] == NEVER_ASKED:
        yield f"{arm}: memory was never asked in {episodes}, so this arm played without memory."
    elif use["unused"] == GOT_NOTHING:
        asked = f"was asked {counted(use['recalls'], 'time')} and " if use["recalls"] else ""
        yield f"{arm}: memory {asked}gave nothing back in {episodes}, so this arm played without memory."
    spent = [
        f"{use['budget_spent'][phase]:,} {words}"
        for phase, words in PHASE_WORDS.items()
        if use["budget_spent"][phase]
    ]
    if spent:
        yield (
            f"{arm}: the budget of recalls ran out in {' and '.join(spent)} episodes; from then on memory "
            "gave nothing."
        )


def _memory_use(rows: Mapping[Phase, Sequence[EpisodeRow]], *, is_empty_by_design: bool) -> dict[str, Any]:
    held_out = rows["held_out"]
    asked = [row.n_recalls for row in held_out if row.n_recalls is not None and row.memory_size is not None]
    recalls, given = sum(asked) if asked else None, sum(row.n_given for row in held_out)
    has_memory = any(row.memory_size is not None for row in held_out)
    unused = ""
    if has_memory and not given and not is_empty_by_design:
        unused = NEVER_ASKED if recalls == 0 else GOT_NOTHING
    spent = {phase: sum(row.recalls_spent for row in rows[phase]) for phase in PHASES}
    return {
        "episodes": len(held_out),
        "recalls": recalls,
        "given": given,
        "unused": unused,
        "budget_spent": dict.fromkeys(PHASES, 0) if is_empty_by_design else spent,
    }


def _base(run: Run, arm: str) -> str:
    """The arm that a variant is based on, or the arm itself."""
    variants = run.info.config.get("variants")
    variant = variants.get(arm) if isinstance(variants, Mapping) else None
    return str(variant.get("base", arm)) if isinstance(variant, Mapping) else arm
