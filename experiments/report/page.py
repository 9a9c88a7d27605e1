"""The page: sections in order, with inline style and script, and a policy that blocks everything else."""

import base64
import hashlib
import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from embodied_mem.experiments.report import charts, kinds_and_costs, provenance, results
from embodied_mem.experiments.report.elements import notes, section
from embodied_mem.experiments.report.episodes import Packed, json_script, pack
from embodied_mem.experiments.report.markup import Markup, tag
from embodied_mem.experiments.report.palette import Look, looks
from embodied_mem.experiments.run_folder import Run, read_run
from embodied_mem.experiments.summary import summarise_run


def write_report(
    folder: str | Path, run: Run | None = None, summary: Mapping[str, Any] | None = None
) -> Path:
    """Write `report.html` into a run folder (atomically) and return its path.

    Args:
        folder: The run folder.
        run: The result of `read_run(folder)`, to avoid reading it again.
        summary: The result of `summarise_run(run)`, to avoid computing it again.

    Raises:
        ExperimentError: The folder is not a run folder, or a row is invalid.
    """
    run = run or read_run(folder)
    path = Path(folder) / "report.html"
    partial = path.with_name("report.html.partial")
    page = report_page(run, summary or summarise_run(run))
    partial.write_text(page, encoding="utf-8", newline="\n")
    os.replace(partial, path)
    return path


def report_page(run: Run, summary: Mapping[str, Any]) -> str:
    """The whole page as text."""
    arm_looks = looks(run.arms, focus=summary["focus"], beside=run.beside)
    parts = [
        results.headline(summary, run.info.name),
        results.arms_table(summary, arm_looks),
        charts.curves(summary, arm_looks),
        charts.differences(summary, arm_looks),
        results.kinds_table(summary, arm_looks),
        kinds_and_costs.costs(summary, arm_looks),
        results.learnt_table(summary),
        _episodes(pack(run, focus=summary["focus"]), run, arm_looks),
        provenance.how_it_was_run(run.info),
        provenance.knowledge(run.info),
        provenance.glossary(run.arms),
    ]
    page = tag("html", _head(run), tag("body", tag("main", *parts), _script()), lang="en")
    return f"<!doctype html>\n{page}\n"


def _head(run: Run) -> Markup:
    policy = (
        f"default-src 'none'; style-src '{_digest('page.css')}'; script-src '{_digest('page.js')}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("title", f"{run.info.name}: report"),
        tag("style", Markup(_asset("page.css"))),
    )


def _episodes(packed: Packed, run: Run, arm_looks: Mapping[str, Look]) -> Markup:
    index = packed.index | {"looks": [arm_looks[arm].classes for arm in run.arms]}
    data = [tag("script", json_script(index), type="application/json", id="episode-index")]
    for key, chunk in packed.chunks.items():
        data.append(tag("script", Markup(chunk), type="text/plain", id=f"details-{key}"))
    caption = (
        "Open an episode to see its calls and failures, and for each decision the recalled memories with "
        "their scores: the parts of a score add up to it. Where a language model was asked, its prompt and "
        "answer are there too."
    )
    without = "Browsing episodes needs JavaScript; the rows are in lifetimes/<arm>/<number>/episodes.jsonl."
    return section(
        "Every episode",
        caption,
        notes(packed.left_out),
        tag("noscript", tag("p", without)),
        tag("div", "", id="browser"),
        *data,
        id_="episodes",
    )


def _script() -> Markup:
    return tag("script", Markup(_asset("page.js")))


@cache
def _asset(name: str) -> str:
    text = files("embodied_mem.experiments.report").joinpath("assets", name).read_text(encoding="utf-8")
    return text.replace("\r\n", "\n")  # the browser digests the text with these line ends


def _digest(name: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(_asset(name).encode()).digest()).decode()
