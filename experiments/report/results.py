"""The sections with results: headline, arms, task kinds, what was learnt."""

from typing import Any

from embodied_mem.experiments.headline import gains, no_difference, short_headline
from embodied_mem.experiments.metrics import COMPARED, METRICS, UNKNOWN, counted
from embodied_mem.experiments.report.axes import per_cent
from embodied_mem.experiments.report.dots import whisker, whisker_scale
from embodied_mem.experiments.report.elements import (
    Looks,
    Summary,
    arm_head,
    measured,
    notes,
    row,
    section,
    table,
)
from embodied_mem.experiments.report.kinds_and_costs import kind_differences
from embodied_mem.experiments.report.markup import Markup, tag

SAME_OBSTACLE = (
    "Of the plans made from a memory against an obstacle, the share whose memory is about the same kind of "
    "obstacle. It shows whether memories are used where they fit."
)

ASKED_GIVEN = "How often memory was asked, and how many experiences it gave back, per held-out episode."


def headline(summary: Summary, name: str) -> Markup:
    """Name of the run, the result in one sentence, then with its intervals, and its limits."""
    arms, lifetimes = counted(len(summary["arms"]), "arm"), counted(summary["lifetimes"], "lifetime")
    size = (
        f"{arms} · {lifetimes} of {summary['learning_episodes']} learning and "
        f"{summary['held_out_episodes']} held-out episodes · {counted(len(summary['kinds']), 'task kind')}"
    )
    is_tuning = summary["seeds"].get("range") == "tuning"
    return tag(
        "header",
        tag("p", name, class_="eyebrow"),
        tag("h1", short_headline(summary)),
        _gains(summary),
        tag("p", size, class_="quiet"),
        _banner("Tuning seeds.", "Results are no evidence for a claim.") if is_tuning else None,
        None
        if summary["is_complete"]
        else _banner("Incomplete run.", "Only complete lifetimes are counted."),
        notes(_doubts(summary), class_="doubts"),
        notes(summary["notes"]),
    )


def arms_table(summary: Summary, looks: Looks) -> Markup:
    """Held-out results of every arm; reference arms (floor, ceiling) come last."""
    metrics = [METRICS[name] for name in (*COMPARED, "steps")]
    first, *others = (tag("th", m.label, scope="col", title=m.description) for m in metrics)
    heads = ["Arm", first, tag("th", "Success, its interval", whisker_scale(), scope="col"), *others]
    heads += _use_heads(summary)
    heads += [tag("th", "Same obstacle", scope="col", title=SAME_OBSTACLE), "Leaks", "Episodes"]
    learners = [arm for arm in summary["order"] if not summary["arms"][arm]["is_beside"]]
    beside = [arm for arm in summary["order"] if summary["arms"][arm]["is_beside"]]
    caption = "Mean over lifetimes and, in brackets, its 95 % interval."
    if beside:
        caption += f" Grey rows learn nothing and serve as a reference: {', '.join(beside)}."
    bodies = [[_arm_row(summary, arm, looks) for arm in arms] for arms in (learners, beside) if arms]
    return section("Held out, memory frozen", caption, table(heads, *bodies))


def kinds_table(summary: Summary, looks: Looks) -> Markup:
    """Held-out success of each arm in each task kind."""
    arms = summary["order"]
    heads = ["Task kind", "Episodes", *(arm_head(arm, looks[arm], scope="col") for arm in arms)]
    rows = []
    for kind in sorted({kind for arm in arms for kind in summary["arms"][arm]["by_kind"]}):
        cells = [summary["arms"][arm]["by_kind"].get(kind) for arm in arms]
        counts = sorted({cell["episodes"] for cell in cells if cell})
        count = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        rows.append(row(kind, count, *map(_tint, cells)))
    caption = (
        "Share of held-out episodes that succeeded, pooled over lifetimes. "
        "Each cell rests on few episodes: read rows, not cells."
    )
    return section("Task by task", caption, table(heads, rows, class_="heat"), kind_differences(summary))


def learnt_table(summary: Summary) -> Markup | None:
    """The repairs that the focus used against each obstacle; None if there are none."""
    arm = summary["arms"].get(summary["focus"])
    if arm is None or not arm["learnt"]:
        return None
    heads = (
        "Obstacle",
        "Repair remembered",
        "Plans made from it",
        "Every call worked",
        "Episode won",
        "Lifetimes",
    )
    bodies = [_repairs(rule) for rule in arm["learnt"]]
    return section("What was learnt", _learnt_words(summary, arm), table(heads, *bodies))


def _gains(summary: Summary) -> Markup | None:
    """The success of the focus with its interval, and what it gains against other arms; a line each."""
    arm = summary["arms"].get(summary["focus"])
    if arm is None or arm["success"]["ci95"] is None:
        return None
    learning, success = summary["learning_episodes"], METRICS["success"]
    after = f" after {learning} learning episodes" if learning else ""
    interval = success.interval_text(arm["success"]["ci95"])
    lines = [f"{success.text(arm['success']['mean'])} {interval} of held-out episodes solved{after}"]
    lines += [f"{gain[0].upper()}{gain[1:]}" for gain in gains(summary)]
    return tag("ul", *(tag("li", line) for line in lines), class_="gains")


def _banner(strong: str, words: str) -> Markup:
    return tag("p", tag("strong", strong), f" {words}", class_="banner")


def _doubts(summary: Summary) -> list[str]:
    own = [entry for entry in summary["comparisons"] if entry["a"] == summary["focus"]]
    pairs: dict[tuple[str, str], list[Any]] = {}
    for entry in own:
        if entry["ci95"] is not None and not entry["excludes_zero"]:
            pairs.setdefault((entry["a"], entry["b"]), []).append(entry)
    return [no_difference(a, b, entries) for (a, b), entries in pairs.items()]


def _arm_row(summary: Summary, arm: str, looks: Looks) -> Markup:
    result = summary["arms"][arm]
    success, same = result["success"], result["same_obstacle"]
    first, *others = (measured(METRICS[name], result[name]) for name in (*COMPARED, "steps"))
    spark = tag("td", None)
    if success["mean"] is not None:
        spark = tag("td", whisker(success["mean"], success["ci95"], looks[arm], label=f"{arm}: success"))
    classes = ("beside-row" if result["is_beside"] else "", "focus" if arm == summary["focus"] else "")
    return row(
        arm_head(arm, looks[arm]),
        first,
        spark,
        *others,
        *_use_cells(summary, result),
        tag("td", _share(same), class_="number", title=f"{same['same']} of {same['decisions']} plans"),
        UNKNOWN if result["leaks"] is None else result["leaks"],
        f"{result['lifetimes']} × {result['episodes'] // max(1, result['lifetimes'])}",  # noqa: RUF001
        class_=" ".join(filter(None, classes)) or None,
    )


def _use_heads(summary: Summary) -> list[Markup]:
    """Head of the column on memory; none in a run whose rows tell nothing of it."""
    if not _any(summary, "memory_use"):
        return []
    return [tag("th", "Asked · given", scope="col", title=ASKED_GIVEN)]


def _use_cells(summary: Summary, result: Summary) -> list[Markup]:
    if not _any(summary, "memory_use"):
        return []
    return [tag("td", _use(result.get("memory_use")), class_="number")]


def _any(summary: Summary, key: str) -> bool:
    return any(key in result for result in summary["arms"].values())


def _use(use: Summary | None) -> Markup | str:
    if use is None or not use["episodes"]:
        return UNKNOWN
    if use["unused"]:
        return tag("span", use["unused"], class_="chip open")
    asked = UNKNOWN if use["recalls"] is None else f"{use['recalls'] / use['episodes']:.1f}"
    return f"{asked} · {use['given'] / use['episodes']:.1f}"


def _share(same: Summary) -> str:
    return UNKNOWN if same["share"] is None else per_cent(same["share"])


def _tint(cell: Summary | None) -> Markup:
    if cell is None:
        return tag("td", UNKNOWN, class_="number")
    title = f"{cell['successes']} of {cell['episodes']} episodes, area {cell['area']:.3f}"
    level = round(10 * cell["success"])
    return tag("td", per_cent(cell["success"]), class_=f"number tint t{level}", title=title)


def _repairs(rule: Summary) -> list[Markup]:
    rows = []
    for place, repair in enumerate(rule["repairs"]):
        count = repair["decisions"]
        worked, won = (f"{repair[key]} ({100 * repair[key] / count:.0f} %)" for key in ("worked", "won"))
        cells = [tag("td", value, class_="number") for value in (count, worked, won, repair["lifetimes"])]
        first = tag(
            "th",
            rule["obstacle"],
            tag("span", f" met {rule['decisions']} times", class_="quiet"),
            scope="rowgroup",
            rowspan=len(rule["repairs"]),
        )
        rows.append(tag("tr", first if place == 0 else None, tag("td", tag("code", repair["plan"])), *cells))
    return rows


def _learnt_words(summary: Summary, arm: Summary) -> str:
    obstacles = [rule["obstacle"] for rule in arm["learnt"]]
    many = counted(len(obstacles), "obstacle")
    same = arm["same_obstacle"]
    return (
        f"In the held-out episodes {summary['focus']} acted on memories against {many}: "
        f"{', '.join(obstacles)}. The most used repairs are below, arguments reduced to their nouns. "
        f"{same['same']} of {same['decisions']} such plans were made from a memory of the same obstacle."
    )
