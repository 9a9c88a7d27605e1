"""Format a comparison as Markdown and CSV, and write its files."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embodied_mem.experiments.metrics import COMPARED, METRICS, UNKNOWN

FILES = ("comparison.md", "comparison.json", "comparison.csv")


def comparison_text(result: Mapping[str, Any]) -> str:
    """The comparison as Markdown."""
    lines = [
        "# Comparison",
        "",
        f"Held out, {len(result['kinds'])} task kinds, 95 % intervals over lifetimes.",
        "",
    ]
    lines += _table(
        ("arm", *(METRICS[name].label for name in COMPARED), "lifetimes"),
        [
            (label, *(_with_interval(name, arm[name]) for name in COMPARED), str(arm["lifetimes"]))
            for label, arm in result["arms"].items()
        ],
    )
    lines += ["", "## Differences", ""]
    heads = ("a", "b", "metric", "a − b", "95 % interval", "pairs", "P(a > b)", "detectable", "reading")  # noqa: RUF001
    lines += _table(heads, [_difference_cells(entry) for entry in result["comparisons"]])
    lines += ["", *(f"- {note}" for note in result["notes"])]
    return "\n".join(lines).rstrip() + "\n"


def write_files(folder: Path, result: Mapping[str, Any]) -> None:
    """Write `FILES` into a folder; each is replaced atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {key: value for key, value in result.items() if key != "text"}
    texts = (
        result["text"],
        json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n",
        _csv(result),
    )
    for name, text in zip(FILES, texts, strict=True):
        partial = folder / f"{name}.partial"
        partial.write_text(text, encoding="utf-8", newline="")
        os.replace(partial, folder / name)


def _difference_cells(entry: Mapping[str, Any]) -> tuple[str, ...]:
    metric = METRICS[entry["metric"]]
    unit = " points" if metric.unit == "share" else ""
    reading = "one lifetime" if entry["ci95"] is None else "includes zero"
    if entry["excludes_zero"]:
        reading = "above zero" if entry["difference"] > 0 else "below zero"
    return (
        entry["a"],
        entry["b"],
        metric.label,
        metric.text(entry["difference"], signed=True) + unit,
        metric.interval_text(entry["ci95"], signed=True),
        str(entry["pairs"]) if entry["is_paired"] else "unpaired",
        f"{entry['probability_of_improvement']:.2f}",
        metric.size_text(entry["detectable"]) if entry["detectable"] is not None else UNKNOWN,
        reading,
    )


def _with_interval(name: str, value: Mapping[str, Any]) -> str:
    metric = METRICS[name]
    return f"{metric.text(value['mean'])} {metric.interval_text(value['ci95'])}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table with padded columns, readable as plain text."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    lines = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in cells
    ]
    return [lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]]


def _csv(result: Mapping[str, Any]) -> str:
    columns = (
        "a",
        "b",
        "metric",
        "mean_a",
        "mean_b",
        "difference",
        "low",
        "high",
        "pairs",
        "detectable",
        "probability_of_improvement",
    )
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for entry in result["comparisons"]:
        low, high = entry["ci95"] or (None, None)
        writer.writerow({**entry, "low": low, "high": high})
    return out.getvalue()
