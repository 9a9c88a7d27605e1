"""The report page: complete, self-contained, safe with any text, and small."""

import base64
import gzip
import hashlib
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from embodied_mem.experiments.headline import gains, short_headline
from embodied_mem.experiments.report import write_report
from embodied_mem.experiments.report.axes import spread, ticks
from embodied_mem.experiments.report.dots import swarm
from embodied_mem.experiments.report.episodes import MAX_CALLS, MAX_TEXT, pack
from embodied_mem.experiments.report.markup import Markup, tag
from embodied_mem.experiments.run_folder import read_run
from embodied_mem.experiments.summary import write_summary
from tests.experiments.page_elements import Elements
from tests.experiments.synthetic_run import episode_row, write_rows, write_run

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u2028 & \" ' \x00 <!--"


def page_of(folder: Path) -> str:
    return write_report(folder).read_text(encoding="utf-8")


def details_of(page: str) -> dict[str, Any]:
    """Every packed chunk of a page, unpacked."""
    chunks = re.findall(r'<script type="text/plain" id="details-([^"]+)">([^<]*)</script>', page)
    return {key: json.loads(gzip.decompress(base64.b64decode(data))) for key, data in chunks}


def index_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="episode-index">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "lab")


@pytest.fixture(scope="module")
def page(run: Path) -> str:
    return page_of(run)


@pytest.fixture(scope="module")
def elements(page: str) -> Elements:
    return Elements(page)


def test_every_element_closes_in_order(elements: Elements) -> None:
    assert elements.faults == []
    assert elements.open == []


def test_the_headline_and_the_numbers_of_the_summary_are_on_the_page(run: Path, elements: Elements) -> None:
    summary = write_summary(run)
    assert short_headline(summary) in elements.text
    for gain in gains(summary):
        assert f"{gain[0].upper()}{gain[1:]}" in elements.text
    for arm in summary["order"]:
        assert f"{100 * summary['arms'][arm]['success']['mean']:.1f} %" in elements.text


def test_every_part_is_there(elements: Elements) -> None:
    headings = (
        "Held out, memory frozen",
        "Learning curves",
        "Success over budget",
        "Differences, paired by lifetime",
        "Task by task",
        "What was learnt",
        "Every episode",
        "How it was run",
        "What was known beforehand",
        "What the words mean",
    )
    assert [heading for heading in headings if heading not in elements.texts] == []


def test_how_it_was_run_shows_command_settings_and_knowledge(elements: Elements) -> None:
    for words in (
        "embodied-mem run experiment.lifetimes=3",
        "memory.min_score",
        "minigrid 3.2.0",
        "never the remedy",
    ):
        assert words in elements.text


def test_nothing_is_loaded_from_anywhere(elements: Elements) -> None:
    outside = [
        (t, a)
        for t, a in elements.elements
        if t in ("link", "img", "iframe", "object") or a.keys() & {"src", "href"}
    ]
    assert outside == []
    assert "url(" not in "".join(elements.raw.values())


def test_the_policy_allows_just_this_style_and_this_script(elements: Elements) -> None:
    policy = next(
        str(a["content"]) for _, a in elements.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    allowed = set(re.findall(r"'(sha256-[^']+)'", policy))
    inline = [
        elements.raw[i]
        for i, (t, a) in enumerate(elements.elements)
        if t == "style" or (t == "script" and not a)
    ]
    assert allowed == {
        "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline
    }
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_there_are_no_inline_styles_or_handlers_which_the_policy_would_refuse(elements: Elements) -> None:
    assert [a for _, a in elements.elements if any(key == "style" or key.startswith("on") for key in a)] == []


def test_every_picture_says_what_it_shows(elements: Elements) -> None:
    pictures = [attributes for name, attributes in elements.elements if name == "svg"]
    assert len(pictures) >= 5
    assert all(picture.get("role") == "img" and picture.get("aria-label") for picture in pictures)


def test_every_column_of_a_table_has_a_head(page: str) -> None:
    heads = re.findall(r"<th[^>]*scope=.col[^>]*>(.*?)</th>", page, re.DOTALL)
    assert [head for head in heads if not re.sub(r"<[^>]*>", "", head).strip()] == []
    scale = next(head for head in heads if "<svg" in head)
    assert all(end in scale for end in (">0<", ">50<", ">100&#160;%<"))


def test_no_picture_has_more_than_two_bands_and_every_arm_has_its_band(run: Path, page: str) -> None:
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    bands = [re.findall(r'class="band[^"]*" data-arm="([^"]+)"', picture) for picture in pictures]
    assert max(map(len, bands)) == 2
    summary = write_summary(run)
    with_budget = {arm for arm in summary["order"] if summary["arms"][arm]["budget_curve"]}
    assert {arm for found in bands for arm in found} == with_budget


def test_two_arms_share_one_picture(tmp_path: Path) -> None:
    page = page_of(write_run(tmp_path, arms=("none", "memory"), beside=()))
    assert 'class="panels"' not in page
    assert re.findall(r'class="band[^"]*" data-arm="([^"]+)"', page) == ["none", "memory"] * 2


@pytest.mark.parametrize(
    ("skill", "words"),
    [
        ({"none": 0.2}, "points more than none."),
        ({"none": 1.0, "memory": 0.0}, "points fewer than none."),
        ({"none": 0.74, "memory": 0.56}, "no difference to none is shown."),
    ],
)
def test_the_headline_is_short_and_claims_no_more_than_the_interval(
    tmp_path: Path, skill: dict[str, float], words: str
) -> None:
    headline = short_headline(write_summary(write_run(tmp_path, skill=skill)))
    assert headline.endswith(words)
    assert len(headline) <= 96


def test_every_episode_is_listed_with_its_details(run: Path, page: str) -> None:
    index, details = index_of(page), details_of(page)
    count = sum(1 for _ in read_run(run).episodes())
    assert len(index["rows"]) == count == sum(len(chunk) for chunk in details.values())


def test_an_episodes_memories_keep_their_parts_reason_and_use(run: Path, page: str) -> None:
    episode = next(row for row in read_run(run).episodes() if row.arm == "memory" and row.phase == "held_out")
    number = index_of(page)["arms"].index("memory")
    shown = details_of(page)[f"{number}/{episode.lifetime}/held_out"][str(episode.index)]
    assert [d["acted_on"] for d in shown["decisions"]] == [
        list(d.acted_on) for d in episode.details().decisions
    ]
    assert shown["decisions"][1]["recalled"] == [
        m.model_dump() for m in episode.details().decisions[1].recalled
    ]


def test_hostile_texts_are_shown_and_never_run(tmp_path: Path) -> None:
    memory = {
        "id": "m",
        "score": 1.0,
        "parts": {HOSTILE: 1.0},
        "reason": HOSTILE,
        "plan": HOSTILE,
        "obstacle": HOSTILE,
    }
    decision = {
        "index": 0,
        "step": 0,
        "trigger": HOSTILE,
        "plan": [HOSTILE],
        "recalled": [memory],
        "acted_on": ["m"],
        "obstacle": HOSTILE,
        "reason": HOSTILE,
    }
    row = episode_row(
        arm=HOSTILE, task=HOSTILE, kind=HOSTILE, status=HOSTILE, ended_by=HOSTILE, decisions=[decision]
    )
    folder = write_rows(
        tmp_path,
        [row | {"arm": "x"}],
        arms=[HOSTILE],
        focus=HOSTILE,
        name=HOSTILE,
        command=HOSTILE,
        config={HOSTILE: HOSTILE},
        knowledge=[HOSTILE],
        versions={HOSTILE: HOSTILE},
    )
    next(folder.glob("lifetimes/*/*/episodes.jsonl")).write_text(json.dumps(row) + "\n")
    page = page_of(folder)
    elements = Elements(page)
    assert elements.faults == []
    assert [t for t, _ in elements.elements if t == "img"] == []
    assert page.count("<script") == 3 + len(details_of(page)) - 1
    assert "alert(1)" in elements.text
    assert index_of(page)["task"] == [HOSTILE]


def test_lone_surrogates_do_not_stop_the_page() -> None:
    assert tag("p", "a\ud800b") == "<p>a\ufffdb</p>"


def test_only_markup_made_here_is_not_escaped() -> None:
    assert tag("p", "<b>", Markup("<i>x</i>"), class_="a&b") == '<p class="a&amp;b">&lt;b&gt;<i>x</i></p>'


def test_what_does_not_fit_is_left_out_and_said(run: Path) -> None:
    read = read_run(run)
    packed = pack(read, focus="memory", detail_bytes=20_000, index_rows=30)
    assert len(packed.index["rows"]) == 30
    assert sum(map(len, packed.chunks.values())) <= 20_000
    assert "episodes are not listed" in packed.left_out[0]
    assert "are left out" in packed.left_out[1]


def test_where_room_is_short_held_out_episodes_of_the_focus_come_first(run: Path) -> None:
    read = read_run(run)
    number = read.arms.index("memory")
    full = pack(read, focus="memory").chunks
    room = sum(len(full[f"{number}/{lifetime}/held_out"]) for lifetime in range(3))
    assert set(pack(read, focus="memory", detail_bytes=room).chunks) == {
        f"{number}/{i}/held_out" for i in range(3)
    }


def test_very_long_episodes_are_cut_with_the_number_cut(tmp_path: Path) -> None:
    calls = [{"call": "x" * (MAX_TEXT + 5), "status": "success"}] * (MAX_CALLS + 7)
    page = page_of(write_rows(tmp_path, [episode_row(calls=calls)]))
    shown = details_of(page)["0/0/held_out"]["0"]
    assert (len(shown["calls"]), shown["calls_cut"]) == (MAX_CALLS, 7)
    assert shown["calls"][0]["call"].endswith("(5 characters more)")


def test_a_run_that_has_just_begun_has_a_page(tmp_path: Path) -> None:
    page = page_of(write_rows(tmp_path, [episode_row(phase="learn")], held_out_episodes=4))
    assert "no result" in page
    assert "Incomplete run." in page


def test_tuning_seeds_are_marked_on_the_page(tmp_path: Path) -> None:
    assert "Tuning seeds." in page_of(write_rows(tmp_path, [episode_row()], seeds={"range": "tuning"}))


def test_labels_are_moved_apart_and_kept_inside() -> None:
    places = spread([50, 51, 52, 199], gap=10, low=0, high=200)
    ordered = sorted(places)
    assert all(b - a >= 10 - 1e-9 for a, b in itertools.pairwise(ordered))
    assert min(places) >= 0
    assert max(places) <= 200


def test_labels_with_room_stay_where_they_are() -> None:
    assert spread([10.0, 90.0, 50.0], gap=10, low=0, high=100) == [10.0, 90.0, 50.0]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.31, 0.72), (0.0, 60.0), (-1e-3, 2e-3)])
def test_ticks_are_inside_even_and_include_zero(low: float, high: float) -> None:
    found = ticks(low, high)
    steps = {round(b - a, 9) for a, b in itertools.pairwise(found)}
    assert 0.0 in found
    assert len(steps) == 1
    assert low - 1e-9 <= found[0] <= found[-1] <= high + 1e-9


def test_dots_in_one_lane_do_not_overlap() -> None:
    places = [10.0, 11.0, 12.0, 30.0]
    lanes = swarm(places, size=8)
    assert len(set(lanes[:3])) == 3
    assert lanes[3] == 0
