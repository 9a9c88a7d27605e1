"""Comparing runs: pairing, what is refused, what is written."""

import csv
import io
import json
from pathlib import Path

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.compare import compare
from tests.experiments.synthetic_run import episode_row, write_rows, write_run


def small(folder: Path, **values: object) -> Path:
    return write_run(folder, arms=("none", "memory"), beside=(), **{"learning": 4, **values})  # type: ignore[arg-type]


def test_equal_problems_are_paired_by_lifetime(tmp_path: Path) -> None:
    result = compare([small(tmp_path / "a"), small(tmp_path / "b", seed=9)])
    assert all(c["is_paired"] and c["pairs"] == 3 for c in result["comparisons"])
    assert {(c["a"], c["b"]) for c in result["comparisons"]} == {
        ("b/none", "a/none"),
        ("b/memory", "a/memory"),
    }


def test_other_seeds_are_compared_unpaired_and_said_so(tmp_path: Path) -> None:
    result = compare([small(tmp_path / "a"), small(tmp_path / "b", first_seed=900_000)])
    assert not any(c["is_paired"] for c in result["comparisons"])
    assert "compared unpaired" in result["text"]


def test_lifetimes_are_matched_by_their_problems_and_not_by_their_number(tmp_path: Path) -> None:
    def life(number: int, seed: int, *, won: bool) -> dict[str, object]:
        return episode_row(lifetime=number, seed=seed, instance=f"i{seed}", success=won)

    a = write_rows(tmp_path / "a", [life(0, 1, won=False), life(1, 2, won=True)])
    b = write_rows(tmp_path / "b", [life(0, 2, won=True), life(1, 1, won=True)])
    entry = compare([a, b])["comparisons"][0]
    assert sorted(entry["differences"]) == [0.0, 1.0]


def test_only_shared_lifetimes_enter_a_paired_difference(tmp_path: Path) -> None:
    result = compare([small(tmp_path / "a", lifetimes=3), small(tmp_path / "b", lifetimes=2)])
    assert all(c["pairs"] == 2 for c in result["comparisons"])
    assert any("2 lifetimes are paired" in note for note in result["notes"])


def test_task_kinds_that_not_every_run_has_are_left_out(tmp_path: Path) -> None:
    a = write_rows(tmp_path / "a", [episode_row(index=i, kind=k, success=True) for i, k in enumerate("KL")])
    b = write_rows(
        tmp_path / "b", [episode_row(index=i, kind=k, success=k == "K") for i, k in enumerate("KM")]
    )
    result = compare([a, b])
    assert result["kinds"] == ["K"]
    assert result["arms"]["b/memory"]["success"]["mean"] == 1.0
    assert any("a: left out" in note and "L" in note for note in result["notes"])


def test_focus_arms_of_different_names_are_compared(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", arms=("none", "memory"), beside=())
    b = write_run(tmp_path / "b", arms=("none", "mine"), beside=(), focus="mine")
    assert ("b/mine", "a/memory") in {(c["a"], c["b"]) for c in compare([a, b])["comparisons"]}


def test_three_files_are_written_that_agree(tmp_path: Path) -> None:
    result = compare([small(tmp_path / "a"), small(tmp_path / "b", seed=9)], tmp_path / "out")
    document = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    rows = list(
        csv.DictReader(io.StringIO((tmp_path / "out" / "comparison.csv").read_text(encoding="utf-8")))
    )
    assert document["comparisons"] == result["comparisons"]
    assert [float(row["difference"]) for row in rows] == [c["difference"] for c in result["comparisons"]]
    assert (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8") == result["text"]


def test_folders_of_equal_name_are_told_apart(tmp_path: Path) -> None:
    result = compare([small(tmp_path / "a" / "run"), small(tmp_path / "b" / "run")])
    assert set(result["runs"]) == {"a/run", "b/run"}


def test_versions_and_sizes_that_differ_are_noted(tmp_path: Path) -> None:
    a = small(tmp_path / "a", versions={"minigrid": "3.2.0"})
    b = small(tmp_path / "b", learning=8, versions={"minigrid": "3.1.0"})
    notes = " ".join(compare([a, b])["notes"])
    assert "minigrid differ" in notes
    assert "learning_episodes differ: a 4, b 8" in notes


def test_other_step_limits_are_noted(tmp_path: Path) -> None:
    a = write_rows(tmp_path / "a", [episode_row(max_steps=72)])
    b = write_rows(tmp_path / "b", [episode_row(max_steps=288)])
    assert any("step limit differs" in note for note in compare([a, b])["notes"])


def test_one_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="two or more run folders; given 1"):
        compare([tmp_path])


def test_a_run_with_itself_is_refused(tmp_path: Path) -> None:
    run = small(tmp_path / "a")
    with pytest.raises(ExperimentError, match="given twice"):
        compare([run, tmp_path / "." / "a"])


def test_runs_without_a_common_task_kind_are_refused(tmp_path: Path) -> None:
    a, b = (write_rows(tmp_path / k, [episode_row(kind=k)]) for k in "KL")
    with pytest.raises(ExperimentError, match="no task kind in common"):
        compare([a, b])


def test_runs_without_a_common_arm_are_refused(tmp_path: Path) -> None:
    a = write_rows(tmp_path / "a", [episode_row(arm="x"), episode_row(arm="y")], focus="x")
    b = write_rows(
        tmp_path / "b",
        [episode_row(arm="z", lifetime=0), episode_row(arm="z", lifetime=1, phase="learn")],
        held_out_episodes=2,
    )
    with pytest.raises(ExperimentError, match="no complete lifetime of an arm that two runs share"):
        compare([a, b])


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"has no run\.json"):
        compare([small(tmp_path / "a"), tmp_path])
