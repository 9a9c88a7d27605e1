"""Success by task kind: of each arm, and in a run with the arm `copy` of each compared pair.

`copy` makes the best experience's call without a model. Where it solves nearly all of a kind, what memory
gains there is the work of retrieval, and nothing is shown of the model.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from embodied_mem.experiments.estimates import compared_lifetimes, difference, lifetime_values
from embodied_mem.experiments.metrics import METRICS
from embodied_mem.experiments.rows import EpisodeRow
from embodied_mem.experiments.run_folder import Lifetime, Run

COPY = "copy"
SOLVED = 0.9  # of a kind, by `copy`: from here on a gain is credited to retrieval


def results_by_kind(rows: Iterable[EpisodeRow]) -> dict[str, Any]:
    """Kind -> `episodes`, `successes`, and of these episodes the mean `success` and `area`."""
    groups: dict[str, list[EpisodeRow]] = {}
    for row in rows:
        groups.setdefault(row.kind, []).append(row)
    return {
        kind: {
            "episodes": len(group),
            "successes": sum(row.success for row in group),
            "success": sum(row.success for row in group) / len(group),
            "area": math.fsum(row.area for row in group) / len(group),
        }
        for kind, group in sorted(groups.items())
    }


def compared_by_kind(
    run: Run, pairs: Sequence[tuple[str, str]], *, focus: str | None
) -> list[dict[str, Any]]:
    """Compare the success of arms kind by kind.

    Args:
        run: The run.
        pairs: The arms to compare.
        focus: The arm whose gains may have to be credited to retrieval.

    Returns:
        An entry for each kind and pair, as of `difference`, with `a`, `b`, `kind`, `metric`, `unit` and
        `credit`: `retrieval` where `copy` solves `SOLVED` or more of the kind and `a` is the focus, else "".
        Nothing for a run without the arm `copy`.
    """
    if COPY not in run.arms:
        return []
    kinds = sorted({row.kind for row in run.episodes()})
    found = []
    for kind in kinds:
        solved = _mean_success(_narrowed(run.complete(COPY, "held_out"), kind))
        for a, b in pairs:
            lives = [_narrowed(run.complete(arm, "held_out"), kind) for arm in (a, b)]
            if all(lives):
                is_retrieval = a == focus and solved is not None and solved >= SOLVED
                found.append(_entry(a, b, kind, lives) | {"credit": "retrieval" if is_retrieval else ""})
    return found


def credit_notes(summary: dict[str, Any]) -> list[str]:
    """One sentence for each kind whose gains are credited to retrieval."""
    kinds = {entry["kind"]: entry["a"] for entry in summary.get("comparisons_by_kind", ()) if entry["credit"]}
    return [_credit(kind, arm, summary["arms"][COPY]["by_kind"][kind]) for kind, arm in kinds.items()]


def _credit(kind: str, arm: str, copied: dict[str, Any]) -> str:
    share = METRICS["success"].text(copied["success"])
    return (
        f"{kind}: copy solves {share} without a model, so what {arm} gains there is credited to retrieval, "
        "not to the model."
    )


def _entry(a: str, b: str, kind: str, lives: Sequence[Sequence[Lifetime]]) -> dict[str, Any]:
    lives_a, lives_b, is_paired = compared_lifetimes(*lives)
    values = [lifetime_values(each, METRICS["success"].of) for each in (lives_a, lives_b)]
    entry = {"a": a, "b": b, "kind": kind, "metric": "success", "unit": "lifetime"}
    return entry | difference(*values, is_paired=is_paired, highest=METRICS["success"].highest)


def _narrowed(lives: Iterable[Lifetime], kind: str) -> list[Lifetime]:
    """The lifetimes with their held-out episodes of one kind; those without any are left out."""
    cut = (replace(life, held_out=tuple(row for row in life.held_out if row.kind == kind)) for life in lives)
    return [life for life in cut if life.held_out]


def _mean_success(lives: Sequence[Lifetime]) -> float | None:
    rows = [row for life in lives for row in life.held_out]
    return sum(row.success for row in rows) / len(rows) if rows else None
