"""The sections with charts: learning curves, success over budget, paired differences."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from embodied_mem.experiments.metrics import COMPARED, METRICS
from embodied_mem.experiments.report.axes import per_cent
from embodied_mem.experiments.report.curves import Curve, is_simple, line_chart, panels
from embodied_mem.experiments.report.dots import DifferenceRow, difference_chart
from embodied_mem.experiments.report.elements import (
    Looks,
    Summary,
    arm_head,
    details,
    figure,
    measured,
    row,
    section,
    table,
)
from embodied_mem.experiments.report.markup import Markup, tag


def curves(summary: Summary, looks: Looks) -> Markup:
    """Learning curves and success over budget side by side."""
    pictures = (learning_chart(summary, looks), budget_chart(summary, looks))
    return tag("section", tag("div", *pictures, class_="grid two"), thirds_table(summary, looks))


def learning_chart(summary: Summary, looks: Looks) -> Markup | None:
    """Success while learning, in bins of episodes; None if no arm has finished learning."""
    lines, width = [], 1
    for arm in _drawing_order(summary):
        learning = summary["arms"][arm]["learning"]
        if learning is not None:
            curve, width = learning["curve"], learning["curve"]["edges"][1]
            middles = [(a + b) / 2 for a, b in itertools.pairwise(curve["edges"])]
            lines.append(Curve(arm, looks[arm], middles, curve["mean"], curve["low"], curve["high"]))
    if not lines:
        return None
    caption = f"Success per episode while each arm learns: mean over lifetimes.{_bands(summary, lines)}"
    hidden = [arm for arm in summary["order"] if summary["arms"][arm]["learning"] is None]
    hidden = [arm for arm in hidden if not summary["arms"][arm]["is_beside"]]
    if hidden and summary["is_complete"]:
        caption += f" Not shown: {', '.join(hidden)}, which read the memory of another arm."
    charts = _charts(
        summary,
        lines,
        label="Success while learning",
        x_label=f"learning episode (bins of {width})",
        x=(0.0, float(summary["learning_episodes"])),
        x_text=lambda value: f"{value:g}",
    )
    return figure("Learning curves", caption, *charts, _numbers(lines, "episode", lambda x: f"{x:g}"))


def budget_chart(summary: Summary, looks: Looks) -> Markup | None:
    """Held-out success as a function of the share of steps allowed; None if no lifetime is complete."""
    lines = []
    for arm in _drawing_order(summary):
        curve = summary["arms"][arm]["budget_curve"]
        if curve is not None:
            lines.append(Curve(arm, looks[arm], curve["share"], curve["mean"], curve["low"], curve["high"]))
    if not lines:
        return None
    charts = _charts(
        summary,
        lines,
        label="Held-out success over budget",
        x_label="share of the step limit allowed",
        x=(0.0, 1.0),
        x_text=per_cent,
    )
    caption = (
        "Held-out success if episodes were cut off earlier. The area under a line is the arm's "
        f"area.{_bands(summary, lines)}"
    )
    return figure("Success over budget", caption, *charts, _numbers(lines, "budget", per_cent, every=4))


def thirds_table(summary: Summary, looks: Looks) -> Markup | None:
    """Success in the first, middle and last third of learning."""
    rows = []
    for arm in summary["order"]:
        learning = summary["arms"][arm]["learning"]
        if learning is not None:
            size = "none" if learning["memory_size"] is None else f"{learning['memory_size']:.0f}"
            thirds = (measured(METRICS["success"], third) for third in learning["thirds"])
            rows.append(row(arm_head(arm, looks[arm]), *thirds, size))
    heads = ("Arm", "First third", "Middle third", "Last third", "Experiences at the end")
    return details("Learning by thirds", table(heads, rows)) if rows else None


def differences(summary: Summary, looks: Looks) -> Markup | None:
    """The focus against each other arm: one chart per metric, then the numbers of every comparison."""
    own = [entry for entry in summary["comparisons"] if entry["a"] == summary["focus"]]
    if not summary["comparisons"]:
        return None
    caption = (
        f"{summary['focus']} minus each other arm. A dot is one lifetime, in which both arms had the same "
        "problems in the same order; the diamond is the mean and the bar its 95 % interval. An interval "
        "that crosses the line shows no difference."
    )
    panels = [
        _panel([entry for entry in own if entry["metric"] == name], name, looks) for name in COMPARED if own
    ]
    pictures = tag("div", *panels, class_="grid three") if own else None
    return section("Differences, paired by lifetime", caption, pictures, comparisons_table(summary))


def comparisons_table(summary: Summary) -> Markup:
    """Every comparison with its interval and the detectable difference."""
    heads = (
        "Arm",
        "against",
        "Metric",
        "Difference",
        "95 % interval",
        "Ahead · level · behind",
        "Detectable",
        "Reading",
    )
    rows = []
    for entry in summary["comparisons"]:
        metric = METRICS[entry["metric"]]
        rows.append(
            row(
                entry["a"],
                entry["b"],
                tag("td", metric.label),
                metric.text(entry["difference"], signed=True),
                metric.interval_text(entry["ci95"], signed=True),
                f"{entry['ahead']} · {entry['level']} · {entry['behind']}"
                if entry["is_paired"]
                else "unpaired",
                metric.text(entry["detectable"]).removesuffix(" %"),
                tag("td", _reading(entry)),
            )
        )
    return details("All comparisons as a table", table(heads, rows))


def _panel(entries: Sequence[Summary], name: str, looks: Looks) -> Markup:
    metric = METRICS[name]
    rows = [
        DifferenceRow(
            title=entry["b"],
            numbers=" ".join(
                (
                    metric.text(entry["difference"], signed=True),
                    metric.interval_text(entry["ci95"], signed=True),
                )
            ),
            look=looks[entry["b"]],
            differences=entry["differences"],
            mean=entry["difference"],
            interval=entry["ci95"],
        )
        for entry in entries
    ]
    unit, scale = ("points", 100.0) if metric.unit == "share" else (metric.unit, 1.0)
    focus = entries[0]["a"]
    chart = difference_chart(
        rows,
        heads=(f"{focus} minus", "mean [95 % interval]"),
        label=f"Differences in {metric.label.lower()}",
        x_label=f"{unit}; right of 0, {focus} is ahead",
        scale=scale,
    )
    return tag("figure", tag("h3", metric.label), chart)


def _charts(
    summary: Summary,
    lines: Sequence[Curve],
    *,
    label: str,
    x_label: str,
    x: tuple[float, float],
    x_text: Callable[[float], str],
) -> tuple[Markup, Markup | None]:
    """All arms in one chart, and each beside the focus in a small one."""
    focus = summary["focus"]
    chart = line_chart(lines, focus=focus, label=f"{label}, by arm", x_label=x_label, x=x, x_text=x_text)
    return chart, panels(lines, focus=focus, label=label, x=x, x_text=x_text)


def _bands(summary: Summary, lines: Sequence[Curve]) -> str:
    if is_simple(lines):
        return " Shaded: 95 % intervals."
    if summary["focus"] not in {line.name for line in lines}:
        return " Below: each arm with its 95 % interval."
    return f" Shaded: the 95 % interval of {summary['focus']}; below, that of each other arm over it."


def _drawing_order(summary: Summary) -> list[str]:
    return sorted(summary["order"], key=lambda arm: (arm != summary["focus"], summary["order"].index(arm)))


def _reading(entry: Summary) -> Markup:
    if entry["ci95"] is None:
        return tag("span", "one lifetime", class_="chip")
    if not entry["excludes_zero"]:
        return tag("span", "includes zero", class_="chip open")
    return tag("span", "above zero" if entry["difference"] > 0 else "below zero", class_="chip shown")


def _numbers(
    lines: Sequence[Curve], x_label: str, x_text: Callable[[float], str], *, every: int = 1
) -> Markup:
    points = range(0, len(lines[0].x), every)
    rows = [
        row(x_text(lines[0].x[i]), *(measured(METRICS["success"], _point(c, i)) for c in lines))
        for i in points
    ]
    return details("The numbers", table([x_label, *(line.name for line in lines)], rows))


def _point(curve: Curve, i: int) -> dict[str, Any]:
    low, high = curve.low[i], curve.high[i]
    return {"mean": curve.mean[i], "ci95": None if low is None or high is None else [low, high]}
