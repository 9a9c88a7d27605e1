"""Paired differences: one dot per lifetime, and below the dots the mean with its 95 % interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from embodied_mem.experiments.report.axes import Frame, picture, words, x_axis
from embodied_mem.experiments.report.markup import Markup, tag
from embodied_mem.experiments.report.palette import Look

ROW = 62.0
HEAD = 20.0
DOT = 4.2
LANES = (0, -1, 1, -2, 2)


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One comparison.

    Attributes:
        title: Title of the row: the other arm.
        numbers: The difference and interval as text.
        look: Look of the other arm.
        differences: (n,) one per lifetime; empty if unpaired.
        mean: The difference.
        interval: Ends of its interval; None if there is none.
    """

    title: str
    numbers: str
    look: Look
    differences: Sequence[float]
    mean: float
    interval: Sequence[float] | None


def difference_chart(
    rows: Sequence[DifferenceRow], *, heads: tuple[str, str], label: str, x_label: str, scale: float = 1.0
) -> Markup:
    """A chart with one row per comparison around a common zero line.

    Args:
        rows: Comparisons from top to bottom.
        heads: Heads of the titles and of the numbers.
        label: What the chart shows, for screen readers.
        x_label: Title of the x axis.
        scale: Factor from values to axis labels (100 for points of per cent).
    """
    height = HEAD + 10 + ROW * len(rows) + 44
    frame = Frame(width=400, height=height, x=_range(rows), left=14, right=14, top=HEAD, bottom=44)
    zero = frame.at_x(0.0)
    parts = [tag("line", x1=zero, y1=frame.top, x2=zero, y2=frame.plot_bottom, class_="zero")]
    parts += x_axis(frame, x_label, lambda value: _signed(value * scale), about=5)
    parts.append(words(frame.left, 12, heads[0], class_="tick"))
    parts.append(words(frame.plot_right, 12, heads[1], anchor="end", class_="tick"))
    for place, row in enumerate(rows):
        parts += _row(frame, row, top=frame.top + 6 + place * ROW)
    return picture(frame, label, parts)


def swarm(places: Sequence[float], *, size: float = 2 * DOT) -> list[int]:
    """Assign each dot to one of five lanes so that dots in a lane do not overlap, if that is possible.

    Args:
        places: x of each dot.
        size: Least distance within a lane.

    Returns:
        Lane offsets (0, -1, 1, ...) in the order given.
    """
    last: dict[int, float] = {}
    lanes = [0] * len(places)
    for i in sorted(range(len(places)), key=lambda i: places[i]):
        free = [lane for lane in LANES if places[i] - last.get(lane, -1e9) >= size]
        lanes[i] = free[0] if free else min(LANES, key=lambda lane: last.get(lane, -1e9))
        last[lanes[i]] = places[i]
    return lanes


def whisker_scale() -> Markup:
    """The scale of a column of `whisker` pictures, for its head."""
    frame = Frame(width=120, height=18, x=(0.0, 1.0), left=5, right=5, top=0, bottom=0)
    parts = [
        words(0, 12, "0", class_="tick"),
        words(frame.at_x(0.5), 12, "50", anchor="middle", class_="tick middle"),
        words(frame.width, 12, "100 %", anchor="end", class_="tick"),
    ]
    return picture(frame, "Scale from 0 to 100 %", parts, class_="spark")


def whisker(mean: float, interval: Sequence[float] | None, look: Look, *, label: str) -> Markup:
    """A small picture for a table cell: a share from 0 to 1 with its interval."""
    frame = Frame(width=120, height=18, x=(0.0, 1.0), left=5, right=5, top=0, bottom=9)
    parts = [tag("line", x1=frame.left, y1=9, x2=frame.plot_right, y2=9, class_="gridline")]
    if interval is not None:
        ends = [frame.at_x(min(1.0, max(0.0, end))) for end in interval]
        parts.append(tag("line", x1=ends[0], y1=9, x2=ends[1], y2=9, class_=f"whisker {look.classes}"))
    parts.append(tag("circle", cx=frame.at_x(mean), cy=9, r=4, class_=f"dot {look.classes}"))
    return picture(frame, label, parts, class_="spark")


def _row(frame: Frame, row: DifferenceRow, *, top: float) -> list[Markup]:
    parts = [
        tag("rect", x=frame.left, y=top, width=frame.plot_right - frame.left, height=17, class_="plate"),
        tag("g", words(frame.left, top + 12, row.title), class_="name"),
        words(frame.plot_right, top + 12, row.numbers, anchor="end", class_="tick"),
    ]
    places = [frame.at_x(value) for value in row.differences]
    for number, (x, lane) in enumerate(zip(places, swarm(places), strict=True)):
        about = tag("title", f"lifetime {number + 1} of {len(places)}: {row.differences[number]:+.3f}")
        parts.append(
            tag(
                "g",
                about,
                tag("circle", cx=x, cy=top + 30 + lane * 4.5, r=DOT),
                class_=f"dot soft {row.look.classes}",
            )
        )
    y = top + 47
    if row.interval is not None:
        ends = [frame.at_x(end) for end in row.interval]
        parts.append(tag("line", x1=ends[0], y1=y, x2=ends[1], y2=y, class_="interval"))
    x = frame.at_x(row.mean)
    parts.append(tag("path", d=f"M{x},{y - 5}L{x + 5},{y}L{x},{y + 5}L{x - 5},{y}Z", class_="diamond"))
    return parts


def _range(rows: Sequence[DifferenceRow]) -> tuple[float, float]:
    values = [0.0]
    for row in rows:
        values += [row.mean, *row.differences, *(row.interval or ())]
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.1
    return low - room, high + room


def _signed(value: float) -> str:
    return "0" if abs(value) < 1e-9 else f"{value:+.3g}".replace("-", "−")  # noqa: RUF001
