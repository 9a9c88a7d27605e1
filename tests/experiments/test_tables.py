"""What the terminal shows at the end of a run."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from embodied_mem.experiments.summary import summarise
from embodied_mem.experiments.tables import print_summary
from tests.experiments.synthetic_run import episode_row, write_rows, write_run


def printed(folder: Path, *, width: int = 100) -> str:
    out = io.StringIO()
    print_summary(summarise(folder), Console(file=out, width=width))
    return out.getvalue()


def test_every_arm_is_there_with_the_arms_beside_last(tmp_path: Path) -> None:
    text = printed(write_run(tmp_path))
    places = [text.index(f"\n {arm} ") for arm in ("none", "random", "memory", "shuffled", "floor", "expert")]
    assert places == sorted(places)


def test_a_terminal_of_eighty_columns_cuts_nothing(tmp_path: Path) -> None:
    assert "…" not in printed(write_run(tmp_path), width=80)


def test_a_narrow_terminal_breaks_lines_and_loses_nothing(tmp_path: Path) -> None:
    wide, narrow = (printed(write_run(tmp_path), width=width).replace("─", "") for width in (80, 40))
    assert set(wide.split()) <= set(narrow.split())


def test_a_difference_that_is_not_shown_is_marked(tmp_path: Path) -> None:
    rows = [
        episode_row(arm=arm, lifetime=n, success=(n + (arm == "none")) % 2 == 0)
        for arm in ("none", "memory")
        for n in range(4)
    ]
    assert "includes zero" in printed(write_rows(tmp_path, rows))


def test_what_was_learnt_is_said(tmp_path: Path) -> None:
    assert "pick_up(key); toggle(door)" in printed(write_run(tmp_path))


@pytest.mark.parametrize("name", ["[red]mine[/red]", "[/]"])
def test_an_arms_name_is_text_and_not_markup(tmp_path: Path, name: str) -> None:
    rows = [episode_row(arm="x", lifetime=0)]
    folder = write_rows(tmp_path, rows, focus=name, arms=[name])
    path = next(folder.glob("lifetimes/*/*/episodes.jsonl"))
    path.write_text(path.read_text().replace('"arm": "x"', f'"arm": "{name}"'))
    assert name in printed(folder)


def test_a_run_without_a_complete_lifetime_prints(tmp_path: Path) -> None:
    assert "no result" in printed(write_rows(tmp_path, [episode_row()], held_out_episodes=9))
