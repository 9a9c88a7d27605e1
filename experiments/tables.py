"""Print the summary of a run on the terminal: a table of arms, the comparisons, and what was learnt."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from embodied_mem.experiments.metrics import METRICS, counted
from embodied_mem.experiments.more_tables import costs, kind_tables

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

LEAST_WIDTH = 80
COLUMNS = ("success", "area", "success_at_25", "steps")
HEADS = {"success": "success %", "area": "area", "success_at_25": "in 25 % of steps", "steps": "steps"}


def print_summary(summary: Mapping[str, Any], console: "Console | None" = None) -> None:
    """Print a summary (what `write_summary` returns) as a table with comparison lines.

    Args:
        summary: The summary.
        console: Where to print; standard output if not given.
    """
    from rich.console import Console
    from rich.text import Text

    out = console or Console()
    out.print()
    out.print(Text(summary["headline"], style="bold"))
    out.print()
    table = arms_table(summary)
    if out.width < LEAST_WIDTH:
        table.width = (
            LEAST_WIDTH  # the terminal wraps the lines; a narrower table would lose names and figures
        )
    out.print(table, crop=False)
    for line in comparison_lines(summary):
        out.print(Text(line), soft_wrap=True)
    for more in (*kind_tables(summary), *costs(summary)):
        out.print()
        out.print(more, crop=False)
    for line in learnt_lines(summary):
        out.print(Text(line, style="dim"), soft_wrap=True)
    for note in summary["notes"]:
        out.print(Text(f"note: {note}", style="yellow"))


def arms_table(summary: Mapping[str, Any]) -> "Table":
    """The arms as a rich table: mean over lifetimes with its 95 % interval; reference arms under a line."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = (
        f"held out, {counted(summary['lifetimes'], 'lifetime')} of {summary['held_out_episodes']} episodes, "
        "95 % intervals"
    )
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1)
    )
    table.add_column("arm")
    for name in COLUMNS:
        table.add_column(HEADS[name], justify="right", no_wrap=True)
    order = summary["order"]
    for place, arm in enumerate(order):
        result = summary["arms"][arm]
        style = "dim" if result["is_beside"] else "bold" if arm == summary["focus"] else ""
        is_last = (
            place + 1 < len(order)
            and summary["arms"][order[place + 1]]["is_beside"]
            and not result["is_beside"]
        )
        cells = (_cell(name, result[name]) for name in COLUMNS)
        table.add_row(_arm_cell(arm, result), *map(Text, cells), style=style, end_section=is_last)
    return table


def comparison_lines(summary: Mapping[str, Any]) -> list[str]:
    """One line per comparison: arms, metric, difference, interval, and whether it includes zero."""
    rows = []
    for entry in summary["comparisons"]:
        metric = METRICS[entry["metric"]]
        unit = " points" if metric.unit == "share" else ""
        size = metric.text(entry["difference"], signed=True) + unit
        reading = "" if entry["excludes_zero"] else "includes zero" if entry["ci95"] else "one lifetime"
        rows.append(
            (
                f"{entry['a']} − {entry['b']}",  # noqa: RUF001
                HEADS[entry["metric"]],
                size,
                metric.interval_text(entry["ci95"], signed=True),
                reading,
            )
        )
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    return [
        (
            f"{who:<{widths[0]}}  {what:<{widths[1]}}  {size:>{widths[2]}}  {ends:<{widths[3]}}  {reading}"
        ).rstrip()
        for who, what, size, ends, reading in rows
    ]


def learnt_lines(summary: Mapping[str, Any]) -> list[str]:
    """Lines on what the focus arm learnt, one per obstacle."""
    arm = summary["arms"].get(summary["focus"])
    if arm is None or not arm["learnt"]:
        return []
    same = arm["same_obstacle"]
    lines = [
        "",
        (
            f"what {summary['focus']} learnt ({same['same']} of {same['decisions']} plans from a "
            "memory of the same obstacle):"
        ),
    ]
    width = max(len(rule["obstacle"]) for rule in arm["learnt"])
    for rule in arm["learnt"]:
        best = rule["repairs"][0]
        lines.append(
            f"  {rule['obstacle']:<{width}}  {best['plan']}  "
            f"(used {best['decisions']} of {rule['decisions']} times, worked {best['worked']})"
        )
    return lines


def _arm_cell(arm: str, result: Mapping[str, Any]) -> "Text":
    from rich.text import Text

    unused = result.get("memory_use", {}).get("unused", "")
    return Text.assemble(arm, (f"\n{unused}", "yellow")) if unused else Text(arm)


def _cell(name: str, value: Mapping[str, Any]) -> str:
    metric = METRICS[name]
    mean = metric.text(value["mean"]).removesuffix(" %")
    interval = metric.interval_text(value["ci95"]) if value["ci95"] and name != "steps" else ""
    words = f"{mean} {interval}".rstrip()
    # Five columns have to fit a terminal of 80 characters.
    return words.replace("0.", ".") if metric.unit == "area" else words.replace("100.0", "100")
