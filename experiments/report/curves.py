"""Line charts with 95 % bands and direct labels, one line per arm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from embodied_mem.experiments.report.axes import Frame, per_cent, picture, spread, words, x_axis, y_axis
from embodied_mem.experiments.report.markup import Markup, tag
from embodied_mem.experiments.report.palette import Look

LABEL_GAP = 18.0
MOST_BANDS = 2  # more of them in one chart hide each other


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
    focus: str | None,
    label: str,
    x_label: str,
    x: tuple[float, float],
    x_text: Callable[[float], str],
) -> Markup:
    """A chart of shares (y from 0 to 100 %) with the first curve on top; of three or more, one has its band.

    Args:
        curves: The lines.
        focus: Name of the line that is drawn with its band.
        label: What the chart shows, for screen readers.
        x_label: Title of the x axis.
        x: Range of the x axis.
        x_text: Formats an x tick.
    """
    frame = Frame(width=420, height=290, x=x, left=44, right=110, bottom=46)  # its text is legible on a phone
    parts = [*y_axis(frame, per_cent), *x_axis(frame, x_label, x_text, about=5)]
    parts += [_band(frame, curve) for curve in reversed(curves) if curve.name == focus or is_simple(curves)]
    parts += [_line(frame, curve) for curve in reversed(curves)]
    parts += _labels(frame, curves)
    return picture(frame, label, parts)


def is_simple(curves: Sequence[Curve]) -> bool:
    """Whether one chart can show the bands of all curves."""
    return len(curves) <= MOST_BANDS


def panels(
    curves: Sequence[Curve],
    *,
    focus: str | None,
    label: str,
    x: tuple[float, float],
    x_text: Callable[[float], str],
) -> Markup | None:
    """A small chart for each other curve: its line and band over those of the focus; None if not needed.

    Args:
        curves: The lines.
        focus: Name of the line that every small chart repeats.
        label: What the charts show, for screen readers.
        x: Range of the x axis.
        x_text: Formats an x tick.
    """
    if is_simple(curves):
        return None
    own = [curve for curve in curves if curve.name == focus]
    others = [curve for curve in curves if curve.name != focus]
    pictures = [_panel(curve, own, label=label, x=x, x_text=x_text) for curve in others]
    return tag("div", *pictures, class_="panels")


def _panel(
    curve: Curve,
    focus: Sequence[Curve],
    *,
    label: str,
    x: tuple[float, float],
    x_text: Callable[[float], str],
) -> Markup:
    frame = Frame(width=176, height=124, x=x, left=36, right=16, top=8, bottom=22)
    drawn = [*focus, curve]
    parts = [*y_axis(frame, per_cent, about=2), *x_axis(frame, "", x_text, about=2)]
    parts += [_band(frame, each) for each in drawn]
    parts += [_line(frame, each) for each in drawn]
    head = tag("p", tag("span", "", class_=f"swatch {curve.look.classes}"), curve.name, class_="panel-head")
    return tag("div", head, picture(frame, f"{label}: {curve.name}", parts, class_="panel"))


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
