"""Smaller tables of a summary on the terminal: success by task kind, costs, and memory in the prompts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embodied_mem.experiments.costs import cost_table, memory_table
from embodied_mem.experiments.metrics import UNKNOWN

if TYPE_CHECKING:
    from rich.table import Table

KINDS_A_TABLE = 3  # what a terminal of 80 characters holds


def kind_tables(summary: Mapping[str, Any]) -> "Iterator[Table]":
    """Yield tables of arms and of compared pairs, a column for each kind; none without pairs by kind."""
    entries = summary.get("comparisons_by_kind", [])
    kinds = list(dict.fromkeys(entry["kind"] for entry in entries))
    pairs = dict.fromkeys((entry["a"], entry["b"]) for entry in entries)
    found = {(entry["a"], entry["b"], entry["kind"]): entry for entry in entries}
    for first in range(0, len(kinds), KINDS_A_TABLE):
        some = kinds[first : first + KINDS_A_TABLE]
        # A kind breaks after its world, so that the column is as narrow as its figures.
        heads = [kind.replace(":", ":\n", 1) for kind in some]
        table = _table("success by task kind, %; differences in points, 95 % intervals", heads)
        for arm in summary["order"]:
            shares = (summary["arms"][arm]["by_kind"].get(kind) for kind in some)
            is_last = arm == summary["order"][-1]
            _add(table, arm, [_share(cell) for cell in shares], end_section=is_last)
        for a, b in pairs:
            _add(table, f"{a} − {b}", [_difference(found.get((a, b, kind))) for kind in some])  # noqa: RUF001
        yield table


def costs(summary: Mapping[str, Any]) -> "Iterator[Table]":
    """Yield the sums of each arm's costs, and what memory took of the prompts; only those that are known."""
    for title, of in (("cost, all episodes", cost_table), ("memory in the prompts", memory_table)):
        heads, cells = of(summary)
        if cells:
            table = _table(title, heads)
            for arm, row in cells.items():
                _add(table, arm, row)
            yield table


def _table(title: str, heads: Sequence[str]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1)
    )
    table.add_column("arm")
    for head in heads:
        table.add_column(Text(head), justify="right")
    return table


def _add(table: "Table", head: str, cells: Sequence[str], *, end_section: bool = False) -> None:
    from rich.text import Text

    table.add_row(Text(head), *map(Text, cells), end_section=end_section)


def _share(cell: Mapping[str, Any] | None) -> str:
    return UNKNOWN if cell is None else str(_whole(100 * cell["success"]))


def _difference(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return UNKNOWN
    ends = entry["ci95"]
    size = _points(entry["difference"])
    return f"{size} [{_points(ends[0])}, {_points(ends[1])}]" if ends else size


def _points(share: float) -> str:
    return f"{_whole(100 * share):+}".replace("-", "−")  # noqa: RUF001


def _whole(number: float) -> int:
    """The nearest whole number, halves away from zero: a few episodes a kind often give halves."""
    return int(math.copysign(math.floor(abs(number) + 0.5), number))
