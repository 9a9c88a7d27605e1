"""Lifetimes played with a toy world: order, pairing, sharing, errors, workers."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.compose import compose_config
from embodied_mem.experiments.config import make_plan
from embodied_mem.experiments.run_command import RunStopped, run
from embodied_mem.experiments.runner import Schedule, all_units
from embodied_mem.store import MemoryStore
from tests.experiments.conftest import TOY_RUN

pytestmark = pytest.mark.usefixtures("toy_parts")


def play(folder: Path, *overrides: str):
    return run([*TOY_RUN, "workers=1", f"out={folder}", *overrides], command="test", say=lambda line: None)


def rows_of(folder: Path, arm: str = "*", lifetime: str = "*"):
    for path in sorted(folder.glob(f"lifetimes/{arm}/{lifetime}/episodes.jsonl")):
        for line in path.read_text().splitlines():
            yield json.loads(line)


def without_times(rows):
    return [{**row, "seconds": 0} for row in rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, request):
    """A finished run of all default arms, in this process."""
    folder = tmp_path_factory.mktemp("run") / "toy"
    import sys

    from embodied_mem import registry

    sys.path.insert(0, str(Path(__file__).with_name("toy_plugin")))
    registry._entries.cache_clear()
    play(folder)
    yield folder
    sys.path.remove(str(Path(__file__).with_name("toy_plugin")))
    registry._entries.cache_clear()


def test_every_arm_plays_the_episodes_it_should(finished):
    counts = defaultdict(lambda: defaultdict(int))
    for row in rows_of(finished):
        counts[row["arm"]][row["phase"]] += 1
    both, held_out = {"learn": 20, "held_out": 20}, {"held_out": 20}
    assert {arm: dict(phases) for arm, phases in counts.items()} == {
        **dict.fromkeys(("none", "random", "memory"), both),
        **dict.fromkeys(("shuffled", "without_kind", "floor", "expert"), held_out),
    }


def test_arms_face_the_same_problems_in_the_same_order(finished):
    problems = defaultdict(list)
    for row in rows_of(finished):
        if row["phase"] == "held_out":
            problems[row["arm"]].append((row["lifetime"], row["index"], row["instance"]))
    assert len(set(map(tuple, problems.values()))) == 1


def test_no_problem_is_met_twice_in_a_run(finished):
    instances = [row["instance"] for row in rows_of(finished, "memory")]
    assert len(set(instances)) == len(instances) == 40


def test_memory_learns_and_is_frozen_afterwards(finished):
    rows = list(rows_of(finished, "memory", "00"))
    sizes = [row["memory_size"] for row in rows if row["phase"] == "learn"]
    assert sizes == sorted(sizes)
    assert sizes[0] > 0
    held_out = [row for row in rows if row["phase"] == "held_out"]
    assert {row["memory_size"] for row in held_out} == {sizes[-1]}
    assert {row["log_sequence"] for row in held_out} == {held_out[0]["log_sequence"]}
    assert all(row["recorded"] == [] for row in held_out)


def test_the_memory_folder_holds_what_the_rows_say(finished):
    rows = list(rows_of(finished, "memory", "01"))
    with MemoryStore.open(finished / "lifetimes" / "memory" / "01" / "memory", read_only=True) as store:
        stored = [experience.id for experience in store.experiences()]
    assert stored == [key for row in rows for key in row["recorded"]]


def test_shared_arms_read_what_memory_learnt(finished):
    learnt = {key for row in rows_of(finished, "memory", "00") for key in row["recorded"]}
    recalled = {
        hit["id"]
        for row in rows_of(finished, "shuffled", "00")
        for decision in row["decisions"]
        for hit in decision.get("recalled", [])
    }
    assert recalled
    assert recalled <= learnt


def test_nothing_leaks_from_the_problem_that_is_being_solved(finished):
    assert {row["leaks"] for row in rows_of(finished)} == {0}


def test_the_arm_none_keeps_nothing(finished):
    assert {row["memory_size"] for row in rows_of(finished, "none")} == {0}
    assert not any(
        decision.get("recalled") for row in rows_of(finished, "none") for decision in row["decisions"]
    )


def test_what_is_learnt_helps_and_the_expert_needs_none(finished):
    share = {
        arm: sum(row["success"] for row in rows_of(finished, arm) if row["phase"] == "held_out") / 20
        for arm in ("none", "memory", "expert")
    }
    assert share["memory"] > share["none"]
    assert share["expert"] == 1.0


def test_an_expert_that_gives_up_has_failed_with_an_explanation(tmp_path):
    play(tmp_path / "run", "arms=[expert]", "stream.kinds=[levers:hard]")
    rows = list(rows_of(tmp_path / "run"))
    assert not any(row["success"] for row in rows)
    assert all(row["explanation"].endswith("the policy gave up: no idea") for row in rows)


def test_the_number_of_workers_changes_nothing(finished, tmp_path, monkeypatch):
    play(tmp_path / "run", "workers=3")
    assert without_times(rows_of(tmp_path / "run")) == without_times(rows_of(finished))
    assert (tmp_path / "run" / "summary.json").read_bytes() == (finished / "summary.json").read_bytes()


def test_other_arms_change_nothing_for_an_arm(finished, tmp_path):
    play(tmp_path / "run", "arms=[memory]")
    assert without_times(rows_of(tmp_path / "run", "memory")) == without_times(rows_of(finished, "memory"))


def test_an_environment_that_raises_gives_a_row_and_the_run_goes_on(tmp_path):
    result = play(tmp_path / "run", "arms=[none]", "stream.kinds=[levers:broken,levers:a]")
    errors = {
        row["error"] for row in rows_of(tmp_path / "run") if row["kind"] == "levers:broken" and row["steps"]
    }
    assert "RuntimeError: the lever came off" in errors
    assert len(list(rows_of(tmp_path / "run"))) == 40
    assert result.failed
    assert "the lever came off" in result.failed[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_planner_that_raises_ends_its_episode_and_the_run_goes_on(tmp_path, workers):
    result = play(tmp_path / "run", "planner=broken_planner", "arms=[none]", f"workers={workers}")
    rows = list(rows_of(tmp_path / "run"))
    assert len(rows) == 40
    broken = [row for row in rows if row["ended_by"] == "planner_error"]
    assert {row["error"] for row in broken} == {"ZeroDivisionError: a planner's mistake"}
    assert len(result.failed) == len(broken) > 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_memory_that_raises_stops_the_run_with_its_place_and_a_way_on(tmp_path, workers):
    with pytest.raises(RunStopped) as stopped:
        play(tmp_path / "run", "arms=[broken_memory]", f"workers={workers}")
    message = str(stopped.value)
    assert "arm broken_memory, lifetime " in message
    assert "OSError: the disk is gone" in message
    assert f"resume={tmp_path / 'run'}" in message
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "interrupted"


def test_a_strangers_memory_is_an_arm(tmp_path):
    play(tmp_path / "run", "arms=[none,forgetful_list]")
    share = {
        arm: sum(row["success"] for row in rows_of(tmp_path / "run", arm))
        for arm in ("none", "forgetful_list")
    }
    assert share["forgetful_list"] > share["none"]


def test_run_json_says_what_was_run_and_not_on_which_host(finished):
    import platform

    text = (finished / "run.json").read_text()
    document = json.loads(text)
    assert document["status"] == "finished"
    assert document["seeds"] == {"range": "tuning", "first": 100_000, "last": 103_999}
    assert document["beside"] == ["floor", "expert"]
    assert document["knowledge"] == [{"what": "which skills there are", "where": "skills"}]
    assert {"python", "numpy", "gymnasium", "embodied_mem"} <= set(document["versions"])
    assert not platform.node() or platform.node() not in text


def test_a_folder_that_holds_a_run_is_not_overwritten(finished):
    with pytest.raises(ExperimentError, match="holds a run already"):
        play(finished)


def test_a_schedule_plays_the_longest_first_and_sources_before_readers():
    plan = make_plan(compose_config([*TOY_RUN, "arms=[expert,shuffled,memory]"]))
    schedule = Schedule(plan, {(unit.arm.name, unit.lifetime): [] for unit in all_units(plan)})
    first = [schedule.take() for _ in range(5)]
    assert [unit.arm.name if unit else None for unit in first] == [
        "memory",
        "memory",
        "expert",
        "expert",
        None,
    ]
    schedule.finish(first[1])
    reader = schedule.take()
    assert (reader.arm.name, reader.lifetime) == ("shuffled", first[1].lifetime)


def test_the_expert_is_left_out_where_a_world_has_none_also_on_resume(tmp_path):
    overrides = [
        "seeds=tuning",
        "planner=random_skill",
        "arms=[none,expert]",
        "stream.kinds=[gym:FrozenLake-v1]",
        "lifetimes=1",
        "learning_episodes=2",
        "held_out_episodes=2",
        "report=false",
    ]
    said: list[str] = []
    folder = tmp_path / "run"
    result = run([*overrides, f"out={folder}"], command="test", say=said.append)
    assert "The arm expert is left out: this run has gym:FrozenLake-v1, which has no expert." in said
    assert {row["arm"] for row in rows_of(folder)} == {"none"}
    assert any("no expert" in note for note in result.summary["notes"])
    again = run([*overrides, f"resume={folder}"], command="test", say=said.append)
    assert again.summary == result.summary
