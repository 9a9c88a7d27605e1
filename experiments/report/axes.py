"""Scales, ticks and the frame of a chart: pure functions from numbers to SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from embodied_mem.experiments.report.markup import Markup, tag


@dataclass(frozen=True, slots=True)
class Frame:
    """A plot area in SVG units and the data ranges it shows; y grows upwards.

    Attributes:
        width: Width of the whole picture.
        height: Height of the whole picture.
        left: Margin for y labels.
        right: Margin for direct labels.
        top: Margin above.
        bottom: Margin for x labels.
        x: Lowest and highest x shown.
        y: Lowest and highest y shown.
    """

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float] = (0.0, 1.0)
    left: float = 50.0
    right: float = 112.0
    top: float = 12.0
    bottom: float = 48.0

    @property
    def plot_right(self) -> float:
        """Right edge of the plot area."""
        return self.width - self.right

    @property
    def plot_bottom(self) -> float:
        """Lower edge of the plot area."""
        return self.height - self.bottom

    def at_x(self, value: float) -> float:
        """Position of a data x in the picture."""
        return round(self.left + _share(value, self.x) * (self.plot_right - self.left), 2)

    def at_y(self, value: float) -> float:
        """Position of a data y in the picture."""
        return round(self.plot_bottom - _share(value, self.y) * (self.plot_bottom - self.top), 2)


def ticks(low: float, high: float, *, about: int = 5) -> list[float]:
    """Round numbers from low to high, a step of 1, 2, 2.5 or 5 times a power of ten apart.

    Args:
        low: Lower end.
        high: Upper end, > low.
        about: Approximate number of ticks.
    """
    raw = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) + 0.0 for i in range(first, last + 1)]


def spread(positions: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Move positions apart just enough that labels do not overlap.

    Args:
        positions: Preferred positions of the labels.
        gap: Least distance between two.
        low: Least position.
        high: Greatest position; labels that do not fit are spaced evenly.

    Returns:
        New positions in the order given.
    """
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    if len(order) > 1:
        gap = min(gap, (high - low) / (len(order) - 1))
    placed: list[float] = []
    for i in order:
        placed.append(max(positions[i], placed[-1] + gap if placed else low))
    ceiling = high
    for rank in range(len(placed) - 1, -1, -1):
        placed[rank] = min(placed[rank], ceiling)
        ceiling = placed[rank] - gap
    result = [0.0] * len(order)
    for rank, i in enumerate(order):
        result[i] = round(placed[rank], 2)
    return result


def x_axis(frame: Frame, label: str, text: Callable[[float], str], *, about: int = 6) -> list[Markup]:
    """Ticks, labels and a title (unless it is empty) along the bottom."""
    parts = [_line(frame.left, frame.plot_bottom, frame.plot_right, frame.plot_bottom, "axis")]
    for value in ticks(*frame.x, about=about):
        x = frame.at_x(value)
        parts.append(_line(x, frame.plot_bottom, x, frame.plot_bottom + 4, "axis"))
        parts.append(words(x, frame.plot_bottom + 18, text(value), anchor="middle", class_="tick"))
    middle = (frame.left + frame.plot_right) / 2
    if label:
        parts.append(words(middle, frame.height - 8, label, anchor="middle", class_="axis-title"))
    return parts


def y_axis(frame: Frame, text: Callable[[float], str], *, about: int = 5) -> list[Markup]:
    """Grid lines and labels on the left."""
    parts: list[Markup] = []
    for value in ticks(*frame.y, about=about):
        y = frame.at_y(value)
        parts.append(_line(frame.left, y, frame.plot_right, y, "gridline"))
        parts.append(words(frame.left - 7, y + 4, text(value), anchor="end", class_="tick"))
    return parts


def words(x: float, y: float, content: str, *, anchor: str = "start", class_: str | None = None) -> Markup:
    """Text at a point."""
    return tag("text", content, x=round(x, 2), y=round(y, 2), text_anchor=anchor, class_=class_)


def picture(frame: Frame, label: str, children: Sequence[Markup], *, class_: str = "chart") -> Markup:
    """The SVG element; `label` is for screen readers."""
    box = f"0 0 {frame.width:g} {frame.height:g}"
    return tag("svg", *children, viewBox=box, role="img", aria_label=label, class_=class_)


def per_cent(value: float) -> str:
    """A share as a tick label."""
    return f"{100 * value:.0f} %"


def _share(value: float, ends: tuple[float, float]) -> float:
    low, high = ends
    return (value - low) / (high - low) if high > low else 0.5


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)
