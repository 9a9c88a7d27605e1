"""Tables of the page: differences by task kind, costs, and memory in the prompts."""

from typing import Any

from embodied_mem.experiments.by_kind import SOLVED
from embodied_mem.experiments.costs import cost_table, memory_table
from embodied_mem.experiments.metrics import METRICS, UNKNOWN
from embodied_mem.experiments.report.axes import per_cent
from embodied_mem.experiments.report.elements import Looks, Summary, arm_head, row, section, table
from embodied_mem.experiments.report.markup import Markup, join, tag

PER_TOKENS_WORDS = (
    "Successes per 1,000 tokens count held-out episodes, and the tokens of their prompts and answers. "
)
MEMORY_WORDS = (
    "Tokens of memory are those that recalled experiences took in the prompts of all episodes. A held-out "
    "decision has the evidence in its prompt where that shows an experience of a won episode of its kind. "
)
USD_WORDS = "A dash under USD means that a price is not known, not that it is 0."


def kind_differences(summary: Summary) -> Markup | None:
    """Differences in success by task kind, with intervals; None for a run without the arm `copy`."""
    entries = summary.get("comparisons_by_kind", [])
    if not entries:
        return None
    pairs = list(dict.fromkeys((entry["a"], entry["b"]) for entry in entries))
    found = {(entry["kind"], entry["a"], entry["b"]): entry for entry in entries}
    kinds = list(dict.fromkeys(entry["kind"] for entry in entries))
    heads = ["Task kind", *(f"{a} − {b}" for a, b in pairs), "Credit"]  # noqa: RUF001
    rows = [
        row(kind, *(_difference(found.get((kind, *pair))) for pair in pairs), _credit(summary, kind))
        for kind in kinds
    ]
    caption = (
        "Differences in success by task kind, in points with 95 % intervals over lifetimes. copy makes the "
        f"best experience's call without a model: where it solves {per_cent(SOLVED)} or more of a kind, "
        "the gain there is credited to retrieval, not to the model."
    )
    return join([tag("p", caption, class_="said below"), table(heads, rows, class_="differences")])


def costs(summary: Summary, looks: Looks) -> Markup | None:
    """What the episodes of each arm cost; None if nothing is known of it."""
    heads, cells = cost_table(summary)
    if not cells:
        return None
    caption = "Sums over all episodes of an arm, learning and held out. "
    caption += PER_TOKENS_WORDS if any("1,000" in head for head in heads) else ""
    caption += USD_WORDS if "USD" in heads else ""
    of_memory = memory_table(summary)
    caption += MEMORY_WORDS if of_memory[1] else ""
    tables = [_by_arm(*each, looks) for each in ((heads, cells), of_memory) if each[1]]
    return section("What it cost", caption, join(tables))


def _by_arm(heads: list[str], cells: dict[str, list[str]], looks: Looks) -> Markup:
    words = [head[0].upper() + head[1:] for head in heads]
    rows = [row(arm_head(arm, looks[arm]), *texts) for arm, texts in cells.items()]
    return table(["Arm", *words], rows)


def _difference(entry: dict[str, Any] | None) -> Markup:
    if entry is None:
        return tag("td", UNKNOWN, class_="number")
    metric, ends = METRICS["success"], entry["ci95"]
    interval = tag("span", metric.interval_text(ends, signed=True), class_="ci") if ends else None
    return tag("td", metric.text(entry["difference"], signed=True), interval, class_="number")


def _credit(summary: Summary, kind: str) -> Markup:
    is_credited = any(entry["credit"] for entry in summary["comparisons_by_kind"] if entry["kind"] == kind)
    if not is_credited:
        return tag("td", UNKNOWN)
    share = METRICS["success"].text(summary["arms"]["copy"]["by_kind"][kind]["success"])
    return tag("td", tag("span", f"retrieval: copy solves {share}", class_="chip open"))
