"""The report page in a browser: what its script adds, and what is visible at two widths."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from embodied_mem.experiments.report import write_report
from embodied_mem.experiments.run_folder import read_run
from tests.experiments.page_elements import Elements
from tests.experiments.synthetic_run import episode_row, write_rows, write_run
from tests.experiments.test_model_calls import log_in, logged

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]
MEASURE = """<!doctype html><iframe id="page" src="{address}" style="width:{width}px;height:900px"></iframe>
<pre id="found"></pre><script>
const seen = (node) => {{
  const box = node.getBoundingClientRect();
  return [box.left, box.right, box.height];
}};
const lines = (node) => {{
  const range = node.ownerDocument.createRange();
  range.selectNodeContents(node);
  return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
}};
const size = (text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
page.onload = () => setTimeout(() => {{
  const inside = page.contentDocument, root = inside.documentElement;
  const list = inside.querySelector("table.list"), scroll = list.parentElement;
  const hint = scroll.previousElementSibling;
  found.textContent = JSON.stringify({{
    page: [root.scrollWidth, root.clientWidth],
    headline: lines(inside.querySelector("h1")),
    heads: [...list.querySelectorAll("th")].map((head) => [head.textContent, ...seen(head)]),
    hint: hint.textContent,
    told: seen(hint)[2] > 0,
    scrolls: scroll.scrollWidth > scroll.clientWidth,
    smallest: Math.min(...[...inside.querySelectorAll("svg text")].map(size)),
  }});
}}, 300);
</script>"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("run") / "lab")
    write_report(folder)
    return folder


def test_a_browser_opens_an_episode_and_shows_why_a_memory_came_back(run: Path, tmp_path: Path) -> None:
    episode = next(row for row in read_run(run).episodes() if row.arm == "memory" and row.phase == "held_out")
    memory = next(m for d in episode.details().decisions for m in d.recalled)
    dom = browse(
        f"{(run / 'report.html').as_uri()}#memory%2F{episode.lifetime}%2Fheld_out%2F{episode.index}", tmp_path
    )
    opened = Elements(dom).text
    assert f"= {memory.score:.3f}" in opened
    assert memory.id[:8] in opened
    assert "from learning episode" in opened


def test_a_browser_begins_with_the_held_out_episodes_of_the_focus(run: Path, tmp_path: Path) -> None:
    assert "24 of 348 episodes" in Elements(browse((run / "report.html").as_uri(), tmp_path)).text


def test_a_browser_reads_rows_that_leave_out_what_is_empty(tmp_path: Path) -> None:
    row = episode_row(
        calls=[{"call": "drop()", "status": "ended"}],
        decisions=[{"plan": ["drop()"], "recalled": [{"id": "m"}]}],
    )
    for key in ("recorded", "feedback", "reward", "seconds"):
        del row[key]
    report = write_report(write_rows(tmp_path / "run", [row]))
    opened = Elements(browse(f"{report.as_uri()}#memory%2F0%2Fheld_out%2F0", tmp_path / "profile")).text
    assert "steps 0–0" in opened  # noqa: RUF001
    assert "not started" not in opened


def test_a_browser_shows_a_memory_that_was_acted_on_later_than_recalled(tmp_path: Path) -> None:
    memory = {"id": "m", "plan": "toggle(door)", "score": 1.0}
    row = episode_row(
        decisions=[{"recalled": [memory]}, {"index": 1, "plan": ["drop()"], "acted_on": ["m"]}],
        calls=[],
    )
    report = write_report(write_rows(tmp_path / "run", [row]))
    opened = Elements(browse(f"{report.as_uri()}#memory%2F0%2Fheld_out%2F0", tmp_path / "profile")).text
    later = opened[opened.index("Decision 2") :]
    assert "toggle(door)" in later
    assert "recalled at decision 1" in later
    assert "acted on" in later


def test_a_browser_shows_recalls_and_costs_of_an_episode(tmp_path: Path) -> None:
    row = episode_row(n_recalls=3, recalls_spent=True, cost={"tokens": 12.0})
    report = write_report(write_rows(tmp_path / "run", [row]))
    opened = Elements(browse(f"{report.as_uri()}#memory%2F0%2Fheld_out%2F0", tmp_path / "profile")).text
    assert "recalls 3 · budget of recalls ran out · tokens 12" in opened


def test_a_browser_shows_each_model_call_at_its_decision(tmp_path: Path) -> None:
    row = episode_row(
        attempt="a",
        decisions=[{"plan": ["wait()"], "reason": "wait()"}, {"index": 1, "plan": ["go()"]}],
        calls=[{"call": "wait()", "status": "success"}, {"call": "go()", "status": "ended", "decision": 1}],
    )
    run = write_rows(tmp_path / "run", [row])
    first = logged("a#0", system="Be brief.", prompt="Task: <b>wait</b>")
    lines = (first, logged("a#1", answer="go()", usd=0.002, tokens_in=1), logged("a#1+", error="no answer"))
    log_in(run / "lifetimes" / "memory" / "00", *lines)
    address = f"{write_report(run).as_uri()}#memory%2F0%2Fheld_out%2F0"
    opened = Elements(browse(address, tmp_path / "profile")).text
    one, two = opened[opened.index("Decision 1") :].split("Decision 2")
    assert "small · 12 tokens in · 3 tokens out · 0.25 s" in one
    assert "Be brief." in one
    assert "Task: <b>wait</b>" in one  # text, not markup
    assert one.count("wait()") == 2  # the call and the answer; the reason says no more
    assert "1 token in · 3 tokens out · 0.25 s · 0.0020 USD" in two
    assert "no answer" in two


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_what_matters_at_the_width_of_a_phone_and_of_a_desk(
    run: Path, tmp_path: Path, width: int
) -> None:
    harness = tmp_path / "harness.html"
    harness.write_text(MEASURE.format(address=(run / "report.html").as_uri(), width=width), "utf-8")
    dom = browse(harness.as_uri(), tmp_path / "profile", "--allow-file-access-from-files")
    found = json.loads(html.unescape(re.findall(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)[0]))
    assert found["page"][0] <= found["page"][1]  # the page itself does not scroll sideways
    assert found["headline"] <= 3
    visible = [name for name, _, right, _ in found["heads"] if right <= width]
    assert {"Outcome", "Task"} <= set(visible)
    assert found["scrolls"] == (width == 390)
    assert found["told"] == found["scrolls"]
    assert found["hint"].startswith("Scroll sideways")
    assert found["smallest"] >= 10


def browse(address: str, profile: Path, *more: str) -> str:
    """The page as the browser has it after its scripts ran; an error in the console fails the test."""
    flags = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--enable-logging=stderr",
        "--virtual-time-budget=5000",
        f"--user-data-dir={profile}",
        "--dump-dom",
    )
    done = subprocess.run(
        [str(CHROMIUM), *flags, *more, address], capture_output=True, text=True, timeout=90, check=True
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    return done.stdout
