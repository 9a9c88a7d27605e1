"""Success by task kind, and the kinds whose gains are credited to retrieval."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from embodied_mem.experiments.report import write_report
from embodied_mem.experiments.summary import summarise
from embodied_mem.experiments.tables import print_summary
from tests.experiments.page_elements import Elements
from tests.experiments.synthetic_run import episode_row, write_rows

KINDS = ("babyai:Near", "babyai:Far")
WON = {  # of ten episodes a kind and lifetime
    "none": (0, 2),
    "memory": (10, 5),
    "copy": (9, 3),
}


def run_of(folder: Path, won: dict[str, tuple[int, int]], **info: Any) -> Path:
    """A run of two kinds; in odd lifetimes every arm but `copy` wins one `Far` episode fewer."""
    rows = [
        episode_row(
            arm=arm,
            lifetime=life,
            index=10 * place + i,
            kind=kind,
            seed=100 * place + i,
            success=i < won[arm][place] - (life % 2) * (place == 1 and arm != "copy"),
        )
        for arm in won
        for life in range(4)
        for place, kind in enumerate(KINDS)
        for i in range(10)
    ]
    return write_rows(
        folder, rows, focus="memory", comparisons=[["memory", "none"], ["memory", "copy"]], **info
    )


def by_kind(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    return {(entry["kind"], entry["b"]): entry for entry in summarise(folder)["comparisons_by_kind"]}


def printed(folder: Path, width: int = 80) -> str:
    out = io.StringIO()
    print_summary(summarise(folder), Console(file=out, width=width))
    return out.getvalue()


def test_each_kind_is_compared_by_itself_paired_by_lifetime(tmp_path: Path) -> None:
    found = by_kind(run_of(tmp_path, WON))
    assert found["babyai:Near", "none"]["difference"] == 1.0
    far = found["babyai:Far", "copy"]
    assert far["differences"] == [0.2, 0.1, 0.2, 0.1]
    assert (far["is_paired"], far["pairs"]) == (True, 4)
    assert far["ci95"][0] < 0.15 < far["ci95"][1]


def test_where_copy_solves_nine_in_ten_the_gain_is_credited_to_retrieval(tmp_path: Path) -> None:
    folder = run_of(tmp_path, WON)
    credit = {key: entry["credit"] for key, entry in by_kind(folder).items()}
    assert credit == {
        ("babyai:Near", "none"): "retrieval",
        ("babyai:Near", "copy"): "retrieval",
        ("babyai:Far", "none"): "",
        ("babyai:Far", "copy"): "",
    }
    words = (
        "babyai:Near: copy solves 90.0 % without a model, so what memory gains there is credited to retrieval"
    )
    assert words in " ".join(printed(folder).split())
    assert "babyai:Far: copy" not in printed(folder)
    text = Elements(write_report(folder).read_text("utf-8")).text
    assert text.count("retrieval: copy solves 90.0") == 1


def test_below_nine_in_ten_nothing_is_credited(tmp_path: Path) -> None:
    folder = run_of(tmp_path, WON | {"copy": (8, 3)})
    assert not any(entry["credit"] for entry in by_kind(folder).values())
    assert "credited" not in printed(folder)


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_has_arms_and_differences_by_kind(tmp_path: Path, width: int) -> None:
    table = printed(run_of(tmp_path, WON), width).partition("success by task kind")[2]
    lines = [line.split() for line in table.splitlines()]
    assert ["arm", "Far", "Near"] in lines
    assert ["copy", "30", "90"] in lines
    assert any(line[:4] == ["memory", "−", "copy", "+15"] for line in lines)  # noqa: RUF001


def test_a_run_without_copy_compares_no_kinds(tmp_path: Path) -> None:
    folder = run_of(tmp_path, {arm: WON[arm] for arm in ("none", "memory")})
    assert "comparisons_by_kind" not in summarise(folder)
    assert "success by task kind" not in printed(folder)
    assert "Credit" not in write_report(folder).read_text("utf-8")


def test_a_kind_that_only_one_arm_played_is_not_compared(tmp_path: Path) -> None:
    rows = [
        episode_row(arm=arm, lifetime=life, kind=kind)
        for arm, kind in (("memory", "A"), ("copy", "B"))
        for life in range(2)
    ]
    folder = write_rows(tmp_path, rows, focus="memory", comparisons=[["memory", "copy"]])
    assert "comparisons_by_kind" not in summarise(folder)
