"""Elements of the page: sections, figures, tables, and numbers with their intervals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from embodied_mem.experiments.metrics import UNKNOWN, Metric
from embodied_mem.experiments.report.markup import Child, Markup, join, tag
from embodied_mem.experiments.report.palette import Look

Looks: TypeAlias = Mapping[str, Look]
Summary: TypeAlias = Mapping[str, Any]


def section(title: str, said: str | None, *content: Markup | None, id_: str | None = None) -> Markup:
    """A section of the page: heading, caption, content."""
    return tag("section", tag("h2", title), tag("p", said, class_="said") if said else None, *content, id=id_)


def figure(title: str, said: str, *content: Markup | None) -> Markup:
    """Charts with a heading and a caption, and their numbers as a table."""
    return tag("figure", tag("h3", title), tag("p", said, class_="said"), *content)


def details(title: str, content: Markup) -> Markup:
    """Content that opens on demand."""
    return tag("details", tag("summary", title), content)


def notes(lines: Sequence[str], *, class_: str = "notes") -> Markup | None:
    """A list of warnings and notes; None if there are none."""
    return tag("ul", *(tag("li", line) for line in lines), class_=class_) if lines else None


def table(heads: Sequence[Child], *bodies: Iterable[Markup], class_: str | None = None) -> Markup:
    """A table that scrolls by itself if it is too wide.

    Args:
        heads: Column heads; a `th` element is used unchanged.
        bodies: Rows; each argument becomes one `tbody`.
        class_: Class of the table.
    """
    cells = (head if str(head).startswith("<th") else tag("th", head, scope="col") for head in heads)
    parts = [tag("thead", tag("tr", *cells)), *(tag("tbody", *rows) for rows in bodies)]
    return tag("div", tag("table", *parts, class_=class_), class_="scroll")


def row(head: Child, *cells: Child, class_: str | None = None) -> Markup:
    """A table row: a head and cells; plain text and numbers are wrapped in a `td`."""
    ready = (cell if str(cell).startswith("<td") else tag("td", cell, class_="number") for cell in cells)
    first = head if str(head).startswith("<th") else tag("th", head, scope="row")
    return tag("tr", first, *ready, class_=class_)


def measured(metric: Metric, value: Mapping[str, Any] | None) -> Markup:
    """A table cell with a mean and, in a lighter colour, its interval."""
    if value is None:
        return tag("td", UNKNOWN, class_="number")
    interval = tag("span", metric.interval_text(value["ci95"]), class_="ci") if value["ci95"] else None
    return tag("td", metric.text(value["mean"]), interval, class_="number")


def arm_head(arm: str, look: Look, *, scope: str = "row") -> Markup:
    """A head cell with the arm's colour and name."""
    return tag("th", tag("span", "", class_=f"swatch {look.classes}"), join([arm]), scope=scope)
