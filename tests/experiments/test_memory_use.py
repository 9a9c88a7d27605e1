"""Arms that never used memory are named, budgets of recalls that ran out are shown, and costs are summed."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from embodied_mem.experiments.compare import compare
from embodied_mem.experiments.report import write_report
from embodied_mem.experiments.summary import summarise
from embodied_mem.experiments.tables import print_summary
from tests.experiments.synthetic_run import episode_row, write_rows, write_run

GIVEN = [{"recalled": [{"id": "m"}, {"id": "n"}]}]


def run_of(folder: Path, phase: str = "held_out", **values: Any) -> Path:
    """A run of `none` and `memory`, six episodes in each phase; rows of `memory` have these values in one."""
    fields: dict[tuple[str, str], dict[str, Any]] = {("memory", phase): values}
    rows = [
        episode_row(arm=arm, lifetime=lifetime, phase=each, index=i, **fields.get((arm, each), {}))
        for arm in ("none", "memory")
        for lifetime in range(2)
        for each in ("learn", "held_out")
        for i in range(3)
    ]
    return write_rows(folder, rows)


def printed(folder: Path, width: int = 80) -> str:
    out = io.StringIO()
    print_summary(summarise(folder), Console(file=out, width=width))
    return out.getvalue()


UNUSED = [
    ({"n_recalls": 0}, "never asked", "memory: memory was never asked in 6 held-out episodes,"),
    (
        {"n_recalls": 2},
        "got nothing",
        "memory: memory was asked 12 times and gave nothing back in 6 held-out episodes,",
    ),
    ({}, "got nothing", "memory: memory gave nothing back in 6 held-out episodes,"),  # an older row
]


@pytest.mark.parametrize(("values", "word", "note"), UNUSED)
def test_an_arm_that_played_without_memory_is_named(
    tmp_path: Path, values: dict[str, Any], word: str, note: str
) -> None:
    folder = run_of(tmp_path, **values)
    table = printed(folder)
    assert word in table
    assert "so this arm played without memory" in " ".join(table.split())
    assert any(line.startswith(note) for line in summarise(folder)["notes"])
    page = write_report(folder).read_text("utf-8")
    assert f'<span class="chip open">{word}</span>' in page
    assert note in page


@pytest.mark.parametrize(
    "values",
    [
        {"n_recalls": 2, "decisions": GIVEN},
        {"decisions": GIVEN},
        {"memory_size": None, "n_recalls": 0},  # it has no memory
    ],
)
def test_an_arm_that_was_given_something_or_has_no_memory_is_not_named(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    folder = run_of(tmp_path, **values)
    assert not any("without memory" in note for note in summarise(folder)["notes"])
    assert not any(word in printed(folder) for word in ("never asked", "got nothing"))


@pytest.mark.parametrize("arm", ["none", "plain"])
def test_an_arm_whose_memory_is_empty_by_design_is_not_named(tmp_path: Path, arm: str) -> None:
    rows = [episode_row(arm=arm, n_recalls=3, recalls_spent=True)]
    folder = write_rows(tmp_path, rows, config={"variants": {"plain": {"base": "none"}}})
    assert not any("memory" in note for note in summarise(folder)["notes"])


def test_a_comparison_of_runs_names_the_arms_too(tmp_path: Path) -> None:
    folders = [run_of(tmp_path / "used", decisions=GIVEN), run_of(tmp_path / "unused", n_recalls=0)]
    notes = [note for note in compare(folders)["notes"] if "without memory" in note]
    assert [note.partition(" ")[0] for note in notes] == ["unused/memory:"]


def test_recalls_and_experiences_given_are_counted_in_held_out_episodes(tmp_path: Path) -> None:
    folder = run_of(tmp_path, n_recalls=2, decisions=GIVEN)
    use = summarise(folder)["arms"]["memory"]["memory_use"]
    assert (use["episodes"], use["recalls"], use["given"]) == (6, 12, 12)
    assert "2.0 · 2.0" in write_report(folder).read_text("utf-8")


@pytest.mark.parametrize(("phase", "words"), [("held_out", "6 held-out"), ("learn", "6 learning")])
def test_where_the_budget_of_recalls_ran_out_is_said(tmp_path: Path, phase: str, words: str) -> None:
    folder = run_of(tmp_path, phase=phase, n_recalls=1, recalls_spent=True, decisions=GIVEN)
    note = f"memory: the budget of recalls ran out in {words} episodes; from then on memory gave nothing."
    assert note in summarise(folder)["notes"]
    assert note in " ".join(printed(folder).split())
    assert note in write_report(folder).read_text("utf-8")


def test_costs_are_summed_over_all_episodes_of_an_arm(tmp_path: Path) -> None:
    folder = run_of(tmp_path, cost={"tokens": 2_050, "usd": 0.07}, decisions=GIVEN)
    assert summarise(folder)["arms"]["memory"]["cost"] == {"tokens": 12_300.0, "usd": 0.42}
    cost = printed(folder).partition("cost, all episodes")[2]
    assert [line.split() for line in cost.splitlines() if line.startswith(" memory")] == [
        ["memory", "0.42", "12,300", "0.488"]
    ]
    assert "\n none" not in cost
    assert "12,300" in write_report(folder).read_text("utf-8").partition("What it cost")[2]
    assert "cost" not in summarise(folder)["arms"]["none"]


def test_successes_per_1000_tokens_count_held_out_episodes_alone(tmp_path: Path) -> None:
    rows = [
        episode_row(phase="learn", cost={"tokens_in": 5_000.0}),
        *(
            episode_row(index=i, success=i < 2, cost={"tokens_in": 300.0, "tokens_out": 100.0})
            for i in range(5)
        ),
    ]
    assert summarise(write_rows(tmp_path, rows))["arms"]["memory"]["success_per_1000_tokens"] == 1.0


def test_without_tokens_there_are_no_successes_per_token(tmp_path: Path) -> None:
    arm = summarise(run_of(tmp_path, cost={"tokens_in": 0.0, "model_calls": 3.0}))["arms"]["memory"]
    assert "success_per_1000_tokens" not in arm


def test_a_price_that_is_known_of_some_calls_only_is_no_price(tmp_path: Path) -> None:
    priced = {"model_calls": 1.0, "usd": 0.5}
    rows = [episode_row(cost=priced), episode_row(index=1, cost={"model_calls": 1.0}), episode_row(index=2)]
    assert summarise(write_rows(tmp_path / "a", rows))["arms"]["memory"]["cost"] == {"model_calls": 2.0}
    rows = [episode_row(cost=priced), episode_row(index=1)]  # no call, no price needed
    assert summarise(write_rows(tmp_path / "b", rows))["arms"]["memory"]["cost"]["usd"] == 0.5


def test_rows_of_older_versions_give_the_summary_that_they_gave(tmp_path: Path) -> None:
    arms = summarise(write_run(tmp_path))["arms"]
    keys = {name: {"memory_use", "cost"} & set(arm) for name, arm in arms.items()}
    assert not any(keys.values()), keys


def test_notes_of_the_whole_run_are_shown(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, [episode_row()], notes=["The arm expert is left out."])
    assert "The arm expert is left out." in summarise(folder)["notes"]
    assert "The arm expert is left out." in write_report(folder).read_text("utf-8")


def test_a_table_with_unused_arms_fits_eighty_columns(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    for path in folder.glob("lifetimes/without_kind/*/episodes.jsonl"):
        rows = [json.loads(line) | {"decisions": []} for line in path.read_text("utf-8").splitlines()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    text = printed(folder)
    assert "got nothing" in text
    assert "…" not in text
