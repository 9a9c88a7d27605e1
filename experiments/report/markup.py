"""Make HTML and SVG: all text that is not `Markup` is escaped, so data can never become markup."""

import html
from collections.abc import Iterable
from typing import TypeAlias

from embodied_mem.records.json_values import clean_text


class Markup(str):
    """Text that is already markup and is not escaped again."""

    __slots__ = ()


Child: TypeAlias = "str | float | None"
VOID = frozenset({"meta", "br", "input", "path", "line", "circle", "rect"})


def tag(name: str, *children: Child, **attributes: Child) -> Markup:
    """An element. Children that are not `Markup` are escaped; None children and attributes are left out.

    Args:
        name: Element name.
        children: Content in order.
        attributes: `class_` stands for `class`, `data_arm` for `data-arm`.
    """
    inside = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if name in VOID:
        return Markup(f"<{name}{inside}/>")
    return Markup(f"<{name}{inside}>{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Markup:
    """Join children; plain text is escaped."""
    return Markup("".join(text(child) for child in children if child is not None))


def text(child: Child) -> Markup:
    """Convert a plain text or number to markup."""
    if isinstance(child, Markup):
        return child
    return Markup(
        html.escape(clean_text(_number(child)), quote=True).replace(" %", "&#160;%")
    )  # no line break before %


def _attribute(key: str, value: Child) -> str:
    return f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'


def _number(value: Child) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
