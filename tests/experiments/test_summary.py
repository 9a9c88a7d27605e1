"""The numbers of `summary.json`: what they are, and what they must not depend on."""

import json
from pathlib import Path
from typing import Any

import pytest

from embodied_mem.experiments.summary import summarise, write_summary
from tests.experiments.synthetic_run import episode_row, write_rows, write_run


def rewrite(folder: Path, change: Any) -> None:
    """Apply a change to every row, and write the rows in reverse."""
    for path in folder.glob("lifetimes/*/*/episodes.jsonl"):
        rows = [change(json.loads(line)) for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(row) + "\n" for row in reversed(rows)))


def lives(arm: str, successes: list[list[int]], **values: Any) -> list[dict[str, Any]]:
    """Held-out rows from 0s and 1s, a list a lifetime."""
    return [
        episode_row(arm=arm, lifetime=number, index=i, seed=i, instance=f"i{i}", success=bool(won), **values)
        for number, life in enumerate(successes)
        for i, won in enumerate(life)
    ]


def test_success_is_the_mean_over_lifetimes(tmp_path: Path) -> None:
    summary = summarise(write_rows(tmp_path, lives("memory", [[1, 1, 0, 0], [1, 1, 1, 1]])))
    success = summary["arms"]["memory"]["success"]
    assert success["mean"] == 0.75
    assert success["per_lifetime"] == [0.5, 1.0]


def test_success_at_a_budget_and_area_follow_their_definitions(tmp_path: Path) -> None:
    rows = [
        episode_row(index=i, steps=s, max_steps=100, success=won)
        for i, (s, won) in enumerate([(10, True), (30, True), (100, True), (5, False)])
    ]
    arm = summarise(write_rows(tmp_path, rows))["arms"]["memory"]
    assert [arm[f"success_at_{b}"]["mean"] for b in (10, 25, 50, 100)] == [0.25, 0.25, 0.5, 0.75]
    assert arm["area"]["mean"] == pytest.approx((0.9 + 0.7 + 0.0 + 0.0) / 4)


def test_times_attempts_and_order_of_writing_do_not_matter(tmp_path: Path) -> None:
    one, other = (
        write_run(tmp_path / "one"),
        write_run(tmp_path / "other", ended=None, status="running", machine={}),
    )
    rewrite(other, lambda row: row | {"seconds": 99.0, "attempt": "another"})
    first, second = write_summary(one), write_summary(other)
    assert first == second
    assert (one / "summary.json").read_bytes() == (other / "summary.json").read_bytes()


def test_what_is_written_is_what_is_returned_with_sorted_keys(tmp_path: Path) -> None:
    summary = write_summary(write_run(tmp_path))
    text = (tmp_path / "summary.json").read_text(encoding="utf-8")
    assert json.loads(text) == summary
    assert text == json.dumps(summary, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def test_another_arm_does_not_change_the_intervals_of_the_others(tmp_path: Path) -> None:
    few = summarise(write_run(tmp_path / "few", arms=("none", "memory")))
    many = summarise(write_run(tmp_path / "many", arms=("none", "memory", "recency")))
    assert few["arms"]["memory"] == many["arms"]["memory"]


def test_a_comparison_is_paired_by_lifetime(tmp_path: Path) -> None:
    rows = lives("none", [[0, 0], [1, 0]]) + lives("memory", [[1, 0], [1, 1]])
    entry = next(c for c in summarise(write_rows(tmp_path, rows))["comparisons"] if c["metric"] == "success")
    assert (entry["a"], entry["b"], entry["unit"]) == ("memory", "none", "lifetime")
    assert entry["differences"] == [0.5, 0.5]
    assert (entry["pairs"], entry["lifetimes"], entry["difference"]) == (2, 2, 0.5)
    assert (entry["ahead"], entry["level"], entry["behind"]) == (2, 0, 0)


def test_arms_that_met_other_problems_are_compared_unpaired_and_said_so(tmp_path: Path) -> None:
    rows = lives("none", [[0, 0], [1, 0]]) + lives("memory", [[1, 0], [1, 1]], kind="another")
    summary = summarise(write_rows(tmp_path, rows))
    assert not any(c["is_paired"] for c in summary["comparisons"])
    assert any("compared unpaired" in note for note in summary["notes"])


def test_the_default_comparisons_are_the_focus_with_each_learner_and_random_with_none(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path))
    pairs = list(dict.fromkeys((c["a"], c["b"]) for c in summary["comparisons"]))
    assert pairs == [("memory", other) for other in ("none", "random", "shuffled", "without_kind")] + [
        ("random", "none")
    ]
    assert {c["metric"] for c in summary["comparisons"]} == {"success", "area", "success_at_25"}


def test_arms_that_recall_from_what_another_learnt_are_no_arms_beside(tmp_path: Path) -> None:
    folder = write_run(tmp_path, arms=("none", "memory", "shuffled"), beside=("floor",))
    for path in folder.glob("lifetimes/shuffled/*/episodes.jsonl"):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if '"held_out"' in line))
    summary = summarise(folder)
    assert summary["arms"]["shuffled"]["learning"] is None
    assert not summary["arms"]["shuffled"]["is_beside"]
    assert not any("shuffled" in note for note in summary["notes"])


def test_intervals_stay_within_what_a_metric_can_be(tmp_path: Path) -> None:
    arm = summarise(write_rows(tmp_path, lives("memory", [[1, 1], [1, 1], [0, 1]])))["arms"]["memory"]
    assert arm["success"]["ci95"][1] == 1.0
    assert arm["area"]["ci95"][0] >= 0.0


def test_a_users_own_arm_can_be_the_focus(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, arms=("none", "mine", "memory"), focus="mine"))
    assert summary["focus"] == "mine"
    assert ("mine", "none") in {(c["a"], c["b"]) for c in summary["comparisons"]}
    assert "mine solves" in summary["headline"]


def test_configured_comparisons_replace_the_default_ones(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, comparisons=[["shuffled", "none"], ["absent", "none"]]))
    assert {(c["a"], c["b"]) for c in summary["comparisons"]} == {("shuffled", "none")}


def test_an_incomplete_run_is_summarised_from_what_is_complete_and_says_so(tmp_path: Path) -> None:
    folder = write_run(tmp_path, arms=("none", "memory"), beside=())
    path = folder / "lifetimes" / "memory" / "02" / "episodes.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    summary = summarise(folder)
    assert not summary["is_complete"]
    assert summary["arms"]["memory"]["lifetimes"] == 2
    assert summary["comparisons"][0]["pairs"] == 2
    assert any(
        "memory: held-out episodes are complete in 2 of 3 lifetimes" in note for note in summary["notes"]
    )


def test_a_run_that_has_just_begun_has_no_result_to_tell(tmp_path: Path) -> None:
    summary = summarise(write_rows(tmp_path, [episode_row(phase="learn")], held_out_episodes=4))
    assert "no result" in summary["headline"]
    assert summary["arms"]["memory"]["success"]["mean"] is None


def test_one_lifetime_has_no_interval_and_no_claim(tmp_path: Path) -> None:
    summary = summarise(write_rows(tmp_path, lives("none", [[0, 1]]) + lives("memory", [[1, 1]])))
    assert all(c["ci95"] is None and not c["excludes_zero"] for c in summary["comparisons"])
    assert "one lifetime" in summary["comparisons"][0]["verdict"]


def test_an_interval_that_includes_zero_is_said_plainly(tmp_path: Path) -> None:
    rows = lives("none", [[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 0]]) + lives(
        "memory", [[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]]
    )
    summary = summarise(write_rows(tmp_path, rows))
    assert "no difference shown" in summary["headline"]
    assert "includes zero" in summary["comparisons"][0]["verdict"]


def test_tuning_seeds_are_no_evidence_and_noted(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, seeds={"range": "tuning", "first": 100_000}))
    assert "no evidence" in summary["notes"][0]


def test_few_lifetimes_are_cautioned_about(tmp_path: Path) -> None:
    assert any("Only 3 lifetimes" in note for note in summarise(write_run(tmp_path))["notes"])


def test_an_interval_without_width_is_no_proof(tmp_path: Path) -> None:
    rows = [*lives("memory", [[1, 1], [1, 1]]), *lives("none", [[0, 1], [1, 0]])]
    notes = summarise(write_rows(tmp_path, rows))["notes"]
    assert any(note.startswith("memory: success is the same in every lifetime") for note in notes)
    assert any(
        note.startswith("memory against none: the difference in success is the same") for note in notes
    )


def test_a_difference_is_no_larger_than_can_be(tmp_path: Path) -> None:
    rows = [*lives("memory", [[1, 1], [1, 0]]), *lives("none", [[0, 0], [0, 1]])]
    found = summarise(write_rows(tmp_path, rows))["comparisons"]
    assert [entry["ci95"] for entry in found if entry["metric"] == "success"] == [[-1.0, 1.0]]


def test_a_difference_that_no_run_could_show_is_no_hint(tmp_path: Path) -> None:
    rows = [*lives("memory", [[1, 1], [1, 0]]), *lives("none", [[0, 0], [0, 1]])]
    verdicts = [entry["verdict"] for entry in summarise(write_rows(tmp_path, rows))["comparisons"]]
    assert verdicts[0].endswith("This run is too small to show any true difference.")


def test_learning_is_reported_in_thirds_and_binned(tmp_path: Path) -> None:
    rows = [
        episode_row(phase="learn", index=i, lifetime=n, success=i >= 4) for n in range(2) for i in range(6)
    ]
    learning = summarise(write_rows(tmp_path, rows))["arms"]["memory"]["learning"]
    assert [third["mean"] for third in learning["thirds"]] == [0.0, 0.0, 1.0]
    assert learning["curve"]["mean"] == [0.0] * 4 + [1.0] * 2


def test_task_kinds_are_pooled_with_their_counts(tmp_path: Path) -> None:
    rows = lives("memory", [[1, 0], [1, 1]], kind="K")
    assert summarise(write_rows(tmp_path, rows))["arms"]["memory"]["by_kind"]["K"] == {
        "episodes": 4,
        "successes": 3,
        "success": 0.75,
        "area": pytest.approx(0.5625),
    }


def test_leaks_are_counted_and_unknown_where_nobody_counted(tmp_path: Path) -> None:
    counted = summarise(
        write_rows(tmp_path / "a", [episode_row(index=0, leaks=1), episode_row(index=1, leaks=2)])
    )
    assert counted["arms"]["memory"]["leaks"] == 3
    assert summarise(write_rows(tmp_path / "b", [episode_row()]))["arms"]["memory"]["leaks"] is None


@pytest.mark.parametrize(
    ("lengths", "limits", "success", "is_noted"),
    [
        ((4, 9), (4, 9), True, True),
        ((4, 9), (30, 30), True, False),
        ((30, 30), (30, 30), True, False),  # each may have won with its last step
        ((20, 30), (20, 30), False, False),  # limits that differ by problem, and all failed
    ],
)
def test_a_kind_without_a_step_limit_is_named_where_the_area_says_nothing(
    tmp_path: Path, lengths: Any, limits: Any, success: bool, is_noted: bool
) -> None:
    rows = [
        episode_row(index=i, kind="ferry", steps=steps, max_steps=limit, success=success)
        for i, (steps, limit) in enumerate(zip(lengths, limits, strict=True))
    ]
    notes = " ".join(summarise(write_rows(tmp_path, rows))["notes"])
    assert ("ferry has no step limit, so its area" in notes) is is_noted
