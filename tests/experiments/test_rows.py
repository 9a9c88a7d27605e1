"""Reading a run folder: what is tolerated and noted, and what is an error."""

import json
from pathlib import Path

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.rows import EpisodeRow, read_rows
from embodied_mem.experiments.run_folder import read_run
from tests.experiments.synthetic_run import episode_row, write_rows, write_run


def first_file(folder: Path) -> Path:
    return sorted(folder.glob("lifetimes/*/*/episodes.jsonl"))[0]


def test_a_torn_last_line_is_left_out_and_noted(tmp_path: Path) -> None:
    run = write_rows(tmp_path, [episode_row(index=0), episode_row(index=1)])
    with first_file(run).open("a", encoding="utf-8") as file:
        file.write('{"arm": "memory", "lifeti')
    read = read_run(run)
    assert len(read.lifetimes["memory"][0].held_out) == 2
    assert "cut off" in read.notes[0]


def test_a_whole_line_that_is_no_row_names_file_line_and_field(tmp_path: Path) -> None:
    run = write_rows(tmp_path, [episode_row(index=0), episode_row(index=1, steps=-3)])
    with pytest.raises(ExperimentError, match=r"episodes\.jsonl, line 2: steps is '-3'"):
        read_run(run)


def test_a_folder_without_run_json_is_refused_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"has no run\.json; give the folder of a run"):
        read_run(tmp_path)


def test_run_json_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"run\.json is not JSON"):
        read_run(tmp_path)


def test_run_json_without_lifetimes_names_the_field(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"learning_episodes": 1, "held_out_episodes": 1}', encoding="utf-8")
    with pytest.raises(ExperimentError, match="lifetimes"):
        read_run(tmp_path)


def test_an_episode_written_twice_counts_once_and_the_last_time(tmp_path: Path) -> None:
    run = write_rows(tmp_path, [episode_row(steps=10), episode_row(steps=20)], held_out_episodes=1)
    read = read_run(run)
    assert [row.steps for row in read.lifetimes["memory"][0].held_out] == [20]
    assert "twice" in read.notes[0]


def test_rows_are_ordered_by_index_whatever_the_order_of_writing(tmp_path: Path) -> None:
    run = write_rows(tmp_path, [episode_row(index=i) for i in (2, 0, 1)])
    assert [row.index for row in read_run(run).lifetimes["memory"][0].held_out] == [0, 1, 2]


def test_only_lifetimes_with_every_episode_are_complete(tmp_path: Path) -> None:
    rows = [
        episode_row(lifetime=0, index=0),
        episode_row(lifetime=0, index=1),
        episode_row(lifetime=1, index=0),
    ]
    run = read_run(write_rows(tmp_path, rows))
    assert [life.number for life in run.complete("memory", "held_out")] == [0]


def test_arms_that_never_learn_stand_beside(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, arms=("none", "memory"), beside=("floor",)))
    assert run.beside == ("floor",)
    assert run.arms == ("none", "memory", "floor")


def test_arms_beside_are_found_even_where_the_run_does_not_list_them(tmp_path: Path) -> None:
    folder = write_run(tmp_path, arms=("none", "memory"), beside=("floor",))
    document = json.loads((folder / "run.json").read_text())
    del document["beside"]
    (folder / "run.json").write_text(json.dumps(document))
    assert read_run(folder).beside == ("floor",)


def test_a_reward_that_is_not_a_number_is_unknown() -> None:
    line = json.dumps(episode_row(reward=float("nan")))
    assert EpisodeRow.parse(line.encode()).reward is None


def test_area_is_what_was_left_of_the_steps_and_zero_for_failures() -> None:
    assert EpisodeRow(**episode_row(steps=18, max_steps=72)).area == 0.75
    assert EpisodeRow(**episode_row(steps=18, max_steps=72, success=False)).area == 0.0


def test_success_within_a_budget_counts_the_last_allowed_step() -> None:
    row = EpisodeRow(**episode_row(steps=3, max_steps=30))
    assert row.is_success_within(0.1)
    assert not row.is_success_within(0.09)


def test_leaks_may_be_listed_or_counted() -> None:
    assert EpisodeRow(**episode_row(leaks=["a", "b"])).leaks == 2
    assert EpisodeRow(**episode_row(leaks=3)).leaks == 3


def test_a_wrong_decision_is_an_error_when_the_run_is_read_and_not_later(tmp_path: Path) -> None:
    run = write_rows(tmp_path, [episode_row(decisions=[{"step": "soon"}])])
    with pytest.raises(ExperimentError, match=r"line 1: decisions\.0\.step"):
        read_run(run)


def test_calls_and_decisions_are_there_when_asked_for() -> None:
    call = {"call": "drop()", "status": "success", "decision": 0}
    row = EpisodeRow.parse(json.dumps(episode_row(calls=[call])).encode())
    assert [c.call for c in row.details().calls] == ["drop()"]


def test_a_file_of_rows_is_read_without_a_run(tmp_path: Path) -> None:
    path = tmp_path / "episodes.jsonl"
    path.write_text(json.dumps(episode_row(task="go")) + "\n\n", encoding="utf-8")
    assert [row.task for row in read_rows(path)] == ["go"]


def read_row(folder: Path, **values: object) -> EpisodeRow:
    run = write_rows(folder, [episode_row(index=0, **values)])
    (row,) = read_rows(first_file(run))
    return row


@pytest.mark.parametrize(
    ("seed", "one", "other", "is_same"),
    [
        (3, "Maze-v0#3", "Maze-v0@5f70bf18a0860070", True),  # named by another release
        (3, 'Maze-v0#3?{"size":5}', 'Maze-v0@5f70bf18a0860070?{"size":5}', True),
        (3, "Maze-v0#3", 'Maze-v0#3?{"size":5}', False),
        (None, "Maze-v0@5f70bf18a0860070", "Maze-v0@5f70bf18a0860070", True),
        (None, "Maze-v0@5f70bf18a0860070", "Maze-v0@0000000000000000", False),
    ],
)
def test_arms_pair_by_seed_and_options_and_without_a_seed_by_name(
    tmp_path: Path, seed: int | None, one: str, other: str, is_same: bool
) -> None:
    first = read_row(tmp_path / "first", seed=seed, instance=one)
    second = read_row(tmp_path / "second", seed=seed, instance=other)
    assert (first.problem == second.problem) is is_same
