"""The result in one sentence, with numbers and intervals; claims no more than the intervals support."""

from collections.abc import Mapping, Sequence
from typing import Any

from embodied_mem.experiments.metrics import METRICS

TOLD = (("none", ("success",)), ("random", ("area", "success")))


def headline(summary: Mapping[str, Any]) -> str:
    """One sentence about the focus arm: success against `none`, success over budget against `random`.

    The metrics are fixed here and not picked by result: success for every arm, and for `random` the area
    first, because a few random draws get past most obstacles given enough time.
    """
    focus = summary["focus"]
    arm = summary["arms"].get(focus)
    if arm is None or arm["success"]["mean"] is None:
        return "No lifetime is complete yet, so there is no result."
    success = METRICS["success"]
    learning = summary["learning_episodes"]
    start = f"After {learning} learning episodes, {focus}" if learning else f"The arm {focus}"
    share = _with_interval(
        success.text(arm["success"]["mean"]), success.interval_text(arm["success"]["ci95"])
    )
    opening = f"{start} solves {share} of held-out episodes"
    clauses = gains(summary)
    return f"{opening}: {'; '.join(clauses)}." if clauses else f"{opening}."


def short_headline(summary: Mapping[str, Any]) -> str:
    """The headline of a page, three lines of a phone: the focus arm's success, and that of one other arm.

    Without intervals, so a difference is only told if its interval excludes zero; `gains` has the rest.
    """
    focus = summary["focus"]
    arm = summary["arms"].get(focus)
    if arm is None or arm["success"]["mean"] is None:
        return headline(summary)
    opening = f"{focus} solves {METRICS['success'].text(arm['success']['mean'])} of held-out episodes"
    reported = _reported(summary["comparisons"], focus)
    entry = next((e for _, found in reported for e in found if e["metric"] == "success"), None)
    if entry is None:
        return f"{opening}."
    if not entry["excludes_zero"]:
        return f"{opening}; no difference to {entry['b']} is shown."
    word = "more" if entry["difference"] > 0 else "fewer"
    return f"{opening}, {METRICS['success'].size_text(entry['difference'])} {word} than {entry['b']}."


def gains(summary: Mapping[str, Any]) -> list[str]:
    """What the focus arm gains against each reported arm, in metrics fixed beforehand, with intervals."""
    focus = summary["focus"]
    return [_against(other, entries) for other, entries in _reported(summary["comparisons"], focus)]


def verdict(entry: Mapping[str, Any]) -> str:
    """One sentence on what a comparison shows."""
    a, b, what = entry["a"], entry["b"], _what(entry["metric"])
    if entry["ci95"] is None:
        return f"{a} and {b}: one lifetime shows no spread, so {what} cannot be compared."
    if not entry["excludes_zero"]:
        return no_difference(a, b, [entry])
    word, side = ("ahead of", "above") if entry["difference"] > 0 else ("behind", "below")
    return f"{a} is {word} {b} in {what}: the interval lies {side} zero."


def no_difference(a: str, b: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """One sentence on comparisons whose intervals include zero, with the differences they could detect."""
    what = _list([_what(entry["metric"]) for entry in entries], "or")
    verb = "intervals include" if len(entries) > 1 else "interval includes"
    return f"No difference shown between {a} and {b} in {what}: the {verb} zero.{_detectable(entries)}"


def _detectable(entries: Sequence[Mapping[str, Any]]) -> str:
    known = [(METRICS[c["metric"]], c["detectable"]) for c in entries if c["detectable"] is not None]
    possible = [metric.size_text(size) for metric, size in known if size <= metric.highest]
    if not possible:
        return " This run is too small to show any true difference." if known else ""
    noun = "True differences" if len(possible) > 1 else "A true difference"
    return f" {noun} of {_list(possible, 'and')} would likely have shown."


def _reported(
    comparisons: Sequence[Mapping[str, Any]], focus: str
) -> list[tuple[str, list[Mapping[str, Any]]]]:
    own = {(c["b"], c["metric"]): c for c in comparisons if c["a"] == focus}
    fixed = [(other, [own[other, m] for m in metrics if (other, m) in own]) for other, metrics in TOLD]
    found = [(other, entries) for other, entries in fixed if entries]
    return found or [(other, [entry]) for (other, metric), entry in own.items() if metric == "success"][:2]


def _against(other: str, entries: Sequence[Mapping[str, Any]]) -> str:
    return f"against {other} {' and '.join(map(_gain, entries))}"


def _gain(entry: Mapping[str, Any]) -> str:
    metric = METRICS[entry["metric"]]
    size = metric.text(entry["difference"], signed=True)
    what = "points of success" if entry["metric"] == "success" else f"in {_what(entry['metric'])}"
    doubt = " (no difference shown)" if entry["ci95"] and not entry["excludes_zero"] else ""
    return _with_interval(f"{size} {what}", metric.interval_text(entry["ci95"], signed=True)) + doubt


def _with_interval(words: str, interval: str) -> str:
    return f"{words} {interval}" if interval.startswith("[") else words


def _list(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _what(metric: str) -> str:
    return {"success": "success", "area": "success over budget (area)"}.get(
        metric, METRICS[metric].label.lower()
    )
