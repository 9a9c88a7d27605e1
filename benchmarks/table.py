"""The printed output of a benchmark: a table of subjects, and the rows with their bars."""

import math
from collections.abc import Mapping, Sequence

from benchmarks.comparison import Measured
from benchmarks.measuring import Timings, label
from benchmarks.prepared import Filter
from benchmarks.rows import Row
from benchmarks.subject import describe_subject

Cells = Sequence[str]

NONE = "\N{EN DASH}"  # a cell of hyphens would look like a rule between lines

HEAD = (
    "store",
    "add p50/p95/p99 (cpu)",
    "syncs/add",
    "10 % filter p50/p95/p99 (cpu)",
    "recall",
    "0.2 % filter p50/p95/p99 (cpu)",
    "recall",
    "no filter p50/p95/p99 (cpu)",
    "recall",
    "load s",
    "RSS MB",
    "disk MB",
    "reopen s",
)


def subjects_table(n: int, measured: Mapping[str, Measured]) -> str:
    """One line a subject, in Markdown; times in milliseconds."""
    lines = [_cells_of(each) for each in measured.values()]
    notes = [
        f"- {describe_subject(name).title}: {describe_subject(name).note}."
        for name in measured
        if describe_subject(name).note
    ]
    return "\n".join([f"{label(n)} records, milliseconds:", "", markdown(HEAD, lines), "", *notes])


def rows_table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, with the verdict on each that has a bar."""
    head = ("row", "ours", "against", "unit", "ratio", "bar", "verdict", "against whom")
    return markdown(head, list(map(_row_cells, rows)))


def markdown(head: Cells, lines: Sequence[Cells]) -> str:
    """A Markdown table whose columns are aligned."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]

    def line(cells: Cells) -> str:
        return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"

    return "\n".join([line(head), line(["-" * width for width in widths]), *map(line, lines)])


def number(value: float | None) -> str:
    """Format a figure with three significant digits; a dash for NaN."""
    if value is None or not math.isfinite(value):
        return NONE
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _cells_of(of: Measured) -> Cells:
    cells = [describe_subject(of.name).title, _times(of.adds), number(of.syncs_per_add)]
    for kind in (Filter.AGENT, Filter.AGENT_TASK, Filter.NONE):
        recall = of.recalls.get(kind)
        cells += [_times(of.searches.get(kind, [])), NONE if recall is None else f"{recall:.3f}"]
    return [*cells, *map(number, (of.load_s or None, of.rss_mb, of.disk_mb, of.reopen_s))]


def _times(rounds: Sequence[Timings]) -> str:
    if not rounds:
        return NONE
    every = Timings.joined(rounds)
    percentiles = "/".join(number(every.percentile_ms(percent)) for percent in (50, 95, 99))
    return f"{percentiles} ({number(every.cpu_mean_ms)})"


def _row_cells(row: Row) -> Cells:
    verdict = "" if row.bar is None else "met" if row.is_met else "MISSED"
    figures = (number(row.value), number(row.against), row.unit, number(row.ratio), number(row.bar))
    return (row.name, *figures, verdict, row.said)
