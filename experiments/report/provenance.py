"""The sections on how the numbers were made: command, settings, prior knowledge, glossary."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from embodied_mem.experiments.metrics import METRICS
from embodied_mem.experiments.report.elements import details, row, section, table
from embodied_mem.experiments.report.markup import Markup, tag
from embodied_mem.experiments.report.results import SAME_OBSTACLE
from embodied_mem.experiments.run_folder import RunInfo
from embodied_mem.experiments.statistics import RESAMPLES

WORDS = {
    "Same obstacle": SAME_OBSTACLE,
    "Leaks": (
        "Recalled memories of the problem being solved (same environment and seed). "
        "A result with any leak is invalid."
    ),
    "Lifetime": (
        "One memory and one order of tasks: learning episodes, then held-out episodes with memory frozen. "
        "Episodes of one lifetime share a memory, so the lifetime and not the episode is the unit of every "
        "interval."
    ),
    "Arm": (
        "One way of using memory, with everything else equal. In a lifetime of the same number all arms "
        "meet the same problems in the same order."
    ),
    "95 % interval": (
        f"Bootstrap over lifetimes ({RESAMPLES:,} resamples), expanded percentile method (Hesterberg 2015), "
        "which widens the plain percentile interval for few lifetimes; below six, Student's interval."
    ),
    "Difference": (
        "Mean over lifetimes of one arm minus the other, paired by lifetime. Differences of shares are in "
        "percentage points."
    ),
    "Detectable": (
        "The true difference that a run of this size and spread would have shown in four of five "
        "repetitions, from the deviation of the paired differences (Student's t). Smaller true differences "
        "may well have been missed."
    ),
}
ARMS = {
    "none": "The same planner and the same limits; memory returns nothing.",
    "memory": "The memory under test.",
    "random": (
        "k experiences drawn evenly from the same candidates, whatever their score: where memory returns "
        "fewer that fit, random still returns k."
    ),
    "recency": "The k newest of the same candidates, whatever their score.",
    "shuffled": "The experiences memory would return, with plan and outcome swapped among candidates.",
    "without_kind": "Memory without experiences of the current task kind: shows what transfers.",
    "floor": "A random legal skill at every turn; learns nothing.",
    "expert": "The world's own solver, which may read state that agents cannot see.",
}


def how_it_was_run(info: RunInfo) -> Markup:
    """Command, seeds, versions, machine and settings."""
    facts: dict[str, Any] = {"Status": info.status, "Started": info.started, "Ended": info.ended}
    facts |= {
        "Seeds": info.seeds,
        "Task kinds": list(info.kinds),
        "Versions": info.versions,
        "Machine": info.machine,
    }
    rows = [row(key, tag("td", _plain(value))) for key, value in facts.items() if value]
    settings = [row(key, tag("td", tag("code", value))) for key, value in _flat(info.config)]
    return section(
        "How it was run",
        None,
        tag("pre", tag("code", info.command)) if info.command else None,
        table((), rows, class_="facts"),
        details("Every setting", table((), settings, class_="facts")) if settings else None,
    )


def knowledge(info: RunInfo) -> Markup | None:
    """What the world tells a planner without learning; None if the world keeps no ledger."""
    if not info.knowledge:
        return None
    ledger = [entry if isinstance(entry, Mapping) else {"what": entry} for entry in info.knowledge]
    keys = list(dict.fromkeys(key for entry in ledger for key in entry))
    rows = [tag("tr", *(tag("td", _plain(entry.get(key, ""))) for key in keys)) for entry in ledger]
    caption = (
        "The knowledge ledger: what controller, skill texts and failures tell each arm without learning."
    )
    return section("What was known beforehand", caption, table([str(key).capitalize() for key in keys], rows))


def glossary(arms: tuple[str, ...]) -> Markup:
    """The glossary of this page, with the arms of this run only."""
    words = {metric.label: metric.description for metric in METRICS.values()} | WORDS
    words |= {arm: meaning for arm, meaning in ARMS.items() if arm in arms}
    entries = [tag("div", tag("dt", word), tag("dd", meaning)) for word, meaning in words.items()]
    return section("What the words mean", None, tag("dl", *entries))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return str(value)


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    elif prefix:
        yield prefix, value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
