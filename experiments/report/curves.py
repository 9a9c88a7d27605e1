"""Line charts with 95 % bands and direct labels, one line per arm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from embodied_mem.experiments.report.axes import Frame, per_cent, picture, spread, words, x_axis, y_axis
from embodied_mem.experiments.report.markup import Markup, tag
from embodied_mem.experiments.report.palette import Look

LABEL_GAP = 16.0


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart.

    Attributes:
        name: Its label.
        look: Colour and style.
        x: (n,) positions.
        mean: (n,) values.
        low: (n,) lower ends of the band; None at points without an interval.
        high: (n,) upper ends.
    """

    name: str
    look: Look
    x: Sequence[float]
    mean: Sequence[float]
    low: Sequence[float | None]
    high: Sequence[float | None]


def line_chart(
    curves: Sequence[Curve],
    *,
    label: str,
    x_label: str,
    x: tuple[float, float],
    x_text: Callable[[float], str],
) -> Markup:
    """A chart of shares (y from 0 to 100 %) with the first curve drawn on top.

    Args:
        curves: The lines; the first is the focus.
        label: What the chart shows, for screen readers.
        x_label: Title of the x axis.
        x: Range of the x axis.
        x_text: Formats an x tick.
    """
    frame = Frame(width=540, height=340, x=x)
    parts = [*y_axis(frame, per_cent), *x_axis(frame, x_label, x_text)]
    parts += [_band(frame, curve) for curve in reversed(curves)]
    parts += [_line(frame, curve) for curve in reversed(curves)]
    parts += _labels(frame, curves)
    return picture(frame, label, parts)


def _band(frame: Frame, curve: Curve) -> Markup:
    known = [
        (x, low, high)
        for x, low, high in zip(curve.x, curve.low, curve.high, strict=True)
        if low is not None and high is not None
    ]
    if len(known) < 2:
        return Markup("")
    forth = [f"{frame.at_x(x)},{frame.at_y(min(1.0, high))}" for x, _, high in known]
    back = [f"{frame.at_x(x)},{frame.at_y(max(0.0, low))}" for x, low, _ in reversed(known)]
    return tag(
        "path", d=f"M{'L'.join(forth + back)}Z", class_=f"band {curve.look.classes}", data_arm=curve.name
    )


def _line(frame: Frame, curve: Curve) -> Markup:
    points = [f"{frame.at_x(x)},{frame.at_y(y)}" for x, y in zip(curve.x, curve.mean, strict=True)]
    return tag("path", d=f"M{'L'.join(points)}", class_=f"line {curve.look.classes}", data_arm=curve.name)


def _labels(frame: Frame, curves: Sequence[Curve]) -> list[Markup]:
    ends = [frame.at_y(curve.mean[-1]) for curve in curves]
    places = spread(ends, gap=LABEL_GAP, low=frame.top + 4, high=frame.plot_bottom - 2)
    parts: list[Markup] = []
    for curve, end, place in zip(curves, ends, places, strict=True):
        from_x, to_x = frame.at_x(curve.x[-1]), frame.plot_right + 10
        leader = f"M{from_x + 2},{end}L{to_x - 3},{place}"
        parts.append(tag("path", d=leader, class_=f"leader {curve.look.classes}", data_arm=curve.name))
        name = curve.name if len(curve.name) <= 14 else curve.name[:13] + "…"
        parts.append(
            tag("g", words(to_x, place + 4, name), class_=f"name {curve.look.classes}", data_arm=curve.name)
        )
    return parts
