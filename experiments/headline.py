"""The result in plain words, with numbers and intervals, and without a claim the interval does not carry."""

from collections.abc import Mapping, Sequence
from typing import Any

from embodied_mem.experiments.metrics import METRICS


def headline(summary: Mapping[str, Any]) -> str:
    """One sentence about the focus arm, against `none` in success and against `random` in success over budget.

    Which comparison is told is fixed here and not picked by result: success first for every arm, and for `random`
    the area, because a handful of random draws covers most obstacles given time enough.
    """
    focus = summary["focus"]
    arm = summary["arms"].get(focus)
    if arm is None or arm["success"]["mean"] is None:
        return "No lifetime is complete yet, so there is no result to tell."
    success = METRICS["success"]
    interval = f" {success.interval_text(arm['success']['ci95'])}" if arm["success"]["ci95"] else ""
    learning = summary["learning_episodes"]
    start = f"After {learning} learning episodes, " if learning else ""
    opening = f"{start}{focus} solves {success.text(arm['success']['mean'])}{interval} of held-out episodes"
    if not start:
        opening = opening[0].upper() + opening[1:]
    clauses = [_clause(entry) for entry in _told(summary["comparisons"], focus)]
    return f"{opening}: {'; '.join(clauses)}." if clauses else f"{opening}."


def verdict(entry: Mapping[str, Any]) -> str:
    """What a comparison shows, in one sentence."""
    metric = METRICS[entry["metric"]]
    what = _what(entry["metric"])
    if entry["ci95"] is None:
        return f"{entry['a']} and {entry['b']}: one lifetime shows no spread, so {what} cannot be compared."
    if not entry["excludes_zero"]:
        limit = entry["detectable"]
        hint = f" A true difference of {metric.size_text(limit)} would likely have shown." if limit else ""
        return f"No difference shown between {entry['a']} and {entry['b']} in {what}: the interval includes zero.{hint}"
    word = "ahead of" if entry["difference"] > 0 else "behind"
    return f"{entry['a']} is {word} {entry['b']} in {what}: the interval lies {_side(entry)} zero."


def _side(entry: Mapping[str, Any]) -> str:
    return "above" if entry["difference"] > 0 else "below"


def _told(comparisons: Sequence[Mapping[str, Any]], focus: str | None) -> list[Mapping[str, Any]]:
    own = {(c["b"], c["metric"]): c for c in comparisons if c["a"] == focus}
    wanted = [("none", "success"), ("random", "area"), ("random", "success")]
    told = [own[key] for key in wanted if key in own]
    return told or [entry for (_, metric), entry in own.items() if metric == "success"][:2]


def _clause(entry: Mapping[str, Any]) -> str:
    metric = METRICS[entry["metric"]]
    size = metric.text(entry["difference"], signed=True)
    unit = " points" if metric.unit == "share" else ""
    interval = f" {metric.interval_text(entry['ci95'], signed=True)}" if entry["ci95"] else ""
    caution = "" if entry["excludes_zero"] else ", an interval that includes zero" if entry["ci95"] else ""
    return f"{size}{unit}{interval} against {entry['b']} in {_what(entry['metric'])}{caution}"


def _what(metric: str) -> str:
    return {"success": "success", "area": "success over budget (area)"}.get(metric, METRICS[metric].label.lower())
