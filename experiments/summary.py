"""Compute `summary.json` from episode rows: equal episodes give equal numbers.

Nothing here depends on times, attempts, machines or the order in which episodes were played, so a run that
was killed and resumed gives the same summary as an uninterrupted one. `docs/reports.md` defines every key.
"""

import itertools
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embodied_mem.experiments import learnt, statistics
from embodied_mem.experiments.by_kind import compared_by_kind, credit_notes, results_by_kind
from embodied_mem.experiments.estimates import (
    compared_lifetimes,
    difference,
    lifetime_values,
    mean_with_band,
    mean_with_interval,
    rounded,
)
from embodied_mem.experiments.headline import headline, verdict
from embodied_mem.experiments.memory_use import use_notes, use_of
from embodied_mem.experiments.metrics import COMPARED, METRICS, counted
from embodied_mem.experiments.no_step_limit import notes_on_kinds_without_limit
from embodied_mem.experiments.rows import EpisodeRow, Phase
from embodied_mem.experiments.run_folder import Lifetime, Run, read_run

SCHEMA = 1
BUDGET_SHARES = tuple(round(0.025 * i, 3) for i in range(41))


def write_summary(folder: str | Path, run: Run | None = None) -> dict[str, Any]:
    """Summarise a run folder, write `summary.json` into it (atomically) and return it.

    Args:
        folder: The run folder.
        run: The result of `read_run(folder)`, to avoid reading it again.

    Raises:
        ExperimentError: The folder is not a run folder, or a row is invalid.
    """
    summary = summarise_run(run or read_run(folder))
    path = Path(folder) / "summary.json"
    partial = path.with_name("summary.json.partial")
    partial.write_text(
        json.dumps(summary, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    os.replace(partial, path)
    return summary


def summarise(folder: str | Path) -> dict[str, Any]:
    """Summarise a run folder; see `docs/reports.md` for the keys.

    Raises:
        ExperimentError: The folder is not a run folder, or a row is invalid.
    """
    return summarise_run(read_run(folder))


def summarise_run(run: Run) -> dict[str, Any]:
    """Summarise a run that `read_run` has read."""
    arms = {arm: _arm(run, arm) for arm in run.arms}
    comparisons = [entry for a, b in compared_pairs(run) for entry in _compare(run, a, b)]
    summary: dict[str, Any] = {
        "schema": SCHEMA,
        "unit": "lifetime",
        "lifetimes": run.info.lifetimes,
        "learning_episodes": run.info.learning_episodes,
        "held_out_episodes": run.info.held_out_episodes,
        "kinds": sorted(set(run.info.kinds) or {row.kind for row in run.episodes()}),
        "seeds": run.info.seeds,
        "focus": focus_arm(run),
        "order": list(run.arms),
        "arms": arms,
        "comparisons": comparisons,
        "is_complete": all(arm["lifetimes"] == run.info.lifetimes for arm in arms.values()),
    }
    by_kind = compared_by_kind(run, compared_pairs(run), focus=summary["focus"])
    if by_kind:
        summary["comparisons_by_kind"] = by_kind
    summary["notes"] = [*run.info.notes, *_notes(run, summary), *run.notes]
    summary["headline"] = headline(summary)
    for entry in comparisons:
        entry["verdict"] = verdict(entry)
    result: dict[str, Any] = rounded(summary)
    return result


def focus_arm(run: Run) -> str | None:
    """The arm that the headline is about: the run's `focus`, else `memory`, else the last learning arm."""
    learners = [arm for arm in run.arms if arm not in run.beside]
    for arm in (run.info.focus, "memory"):
        if arm is not None and arm in run.arms:
            return arm
    return learners[-1] if learners else None


def compared_pairs(run: Run) -> list[tuple[str, str]]:
    """Pairs of arms to compare: the run's list, else the focus with each learner, and random with none."""
    if run.info.comparisons is not None:
        return [(a, b) for a, b in run.info.comparisons if a in run.arms and b in run.arms and a != b]
    focus = focus_arm(run)
    learners = [arm for arm in run.arms if arm not in run.beside]
    pairs = [(focus, other) for other in learners if focus is not None and other != focus]
    if focus != "random" and {"random", "none"} <= set(learners):
        pairs.append(("random", "none"))
    return pairs


def _arm(run: Run, arm: str) -> dict[str, Any]:
    lives = run.complete(arm, "held_out")
    held_out = [row for life in lives for row in life.held_out]
    uses = list(learnt.uses(held_out))
    leaks = [row.leaks for row in held_out if row.leaks is not None]
    result: dict[str, Any] = {
        "is_beside": arm in run.beside,
        "lifetimes": len(lives),
        "episodes": len(held_out),
        "by_kind": results_by_kind(held_out),
        "budget_curve": _budget_curve(lives),
        "learning": _learning(run, arm),
        "same_obstacle": learnt.same_obstacle(uses),
        "learnt": learnt.rules(uses),
        "leaks": sum(leaks) if leaks else None,
    }
    for name, metric in METRICS.items():
        result[name] = mean_with_interval(lifetime_values(lives, metric.of), highest=metric.highest)
    result |= use_of(run, arm)
    successes = sum(row.success for row in held_out)
    # Pooled episodes are not independent: this interval is for reference only, as its name says.
    result["success"]["wilson95_pooled_episodes"] = statistics.wilson_interval(successes, len(held_out))
    return result


def _budget_curve(lives: Sequence[Lifetime]) -> dict[str, Any] | None:
    if not lives:
        return None
    columns = [lifetime_values(lives, _within(share)) for share in BUDGET_SHARES]
    return {"share": list(BUDGET_SHARES), **mean_with_band(np.array(columns, dtype=np.float64).T)}


def _within(share: float) -> Callable[[EpisodeRow], float]:
    return lambda row: float(row.is_success_within(share))


def _learning(run: Run, arm: str) -> dict[str, Any] | None:
    lives = run.complete(arm, "learn")
    if not lives:
        return None
    success = np.array([[float(row.success) for row in life.learn] for life in lives])
    count = success.shape[1]
    thirds = [round(count * part / 3) for part in range(4)]
    edges = _bin_edges(count)
    sizes = [life.learn[-1].memory_size for life in lives]
    known = [size for size in sizes if size is not None]
    return {
        "lifetimes": len(lives),
        "thirds": [
            mean_with_interval([float(v) for v in success[:, a:b].mean(axis=1)]) if b > a else None
            for a, b in itertools.pairwise(thirds)
        ],
        "curve": {"edges": edges, **mean_with_band(statistics.binned_means(success, edges))},
        "memory_size": math.fsum(known) / len(known) if known else None,
    }


def _bin_edges(count: int) -> list[int]:
    width = 10 if count >= 40 else max(1, math.ceil(count / 6))
    edges = [*range(0, count, width), count]
    if len(edges) > 2 and edges[-1] - edges[-2] < width / 2:
        del edges[-2]  # a short last bin would show noise
    return edges


def _compare(run: Run, a: str, b: str) -> list[dict[str, Any]]:
    left, right = run.complete(a, "held_out"), run.complete(b, "held_out")
    if not left or not right:
        return []
    lives_a, lives_b, is_paired = compared_lifetimes(left, right)
    entries = []
    for name in COMPARED:
        values_a = lifetime_values(lives_a, METRICS[name].of)
        values_b = lifetime_values(lives_b, METRICS[name].of)
        entry = {"a": a, "b": b, "metric": name, "unit": "lifetime", "lifetimes": run.info.lifetimes}
        found = difference(values_a, values_b, is_paired=is_paired, highest=METRICS[name].highest)
        entries.append(entry | found)
    return entries


def _notes(run: Run, summary: dict[str, Any]) -> list[str]:
    notes = []
    if run.info.seeds.get("range") == "tuning":
        notes.append("These are tuning seeds: good for looking, no evidence for a claim.")
    for arm in run.arms:
        notes.extend(_missing(run, arm, phase) for phase in _phases(run, arm) if _missing(run, arm, phase))
        notes.extend(use_notes(arm, summary["arms"][arm]))
    notes.extend(notes_on_kinds_without_limit(run.episodes()))
    notes.extend(credit_notes(summary))
    lifetimes = min((arm["lifetimes"] for arm in summary["arms"].values() if not arm["is_beside"]), default=0)
    if 0 < lifetimes < statistics.FEW_LIFETIMES:
        few = counted(lifetimes, "lifetime")
        least = statistics.FEW_LIFETIMES
        notes.append(f"Only {few}: intervals from fewer than {least} are rough; run more.")
    notes.extend(
        f"{what} is the same in every lifetime, so its interval has no width; further lifetimes may differ."
        for what in _results_without_spread(summary)
    )
    unpaired = sorted({f"{c['a']} and {c['b']}" for c in summary["comparisons"] if not c["is_paired"]})
    notes.extend(
        f"{pair} did not face the same problems, so they are compared unpaired." for pair in unpaired
    )
    return notes


def _results_without_spread(summary: dict[str, Any]) -> Iterator[str]:
    """Yield results whose interval has no width: the success of an arm, a difference from zero."""
    for arm, result in summary["arms"].items():
        if _is_constant(result["success"]["per_lifetime"]):
            yield f"{arm}: success"
    for entry in summary["comparisons"]:
        if entry["excludes_zero"] and _is_constant(entry["differences"]):
            label = METRICS[entry["metric"]].label
            yield f"{entry['a']} against {entry['b']}: the difference in {label[0].lower()}{label[1:]}"


def _is_constant(values: Sequence[float]) -> bool:
    return len(values) > 1 and max(values) - min(values) < 1e-9


def _phases(run: Run, arm: str) -> tuple[Phase, ...]:
    # An arm without learning rows reads another arm's memory, or learns nothing.
    has_learnt = any(life.learn for life in run.lifetimes.get(arm, ()))
    return ("learn", "held_out") if has_learnt else ("held_out",)


def _missing(run: Run, arm: str, phase: Phase) -> str:
    done, planned = len(run.complete(arm, phase)), run.info.lifetimes
    what = "learning" if phase == "learn" else "held-out"
    return (
        ""
        if done >= planned
        else f"{arm}: {what} episodes are complete in {done} of {planned} lifetimes; the rest is left out."
    )
