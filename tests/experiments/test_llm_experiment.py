"""`planner=llm` and `experiment=llm`: how they are configured, and a small run without a model."""

import json

import pytest

from embodied_mem.errors import EmbodiedMemError, ExperimentError
from embodied_mem.experiments.cli import main
from embodied_mem.experiments.compose import compose_config
from embodied_mem.experiments.config import make_plan
from embodied_mem.experiments.dry_run import dry_run
from embodied_mem.experiments.run_command import RunStopped, run
from embodied_mem.records.filters import where
from embodied_mem.store import MemoryStore

SMALL = ("experiment=llm", "llm=copy", "seeds=tuning", "lifetimes=1", "report=false", "workers=1")
LENGTH = ("learning_episodes=3", "held_out_episodes=3")


def model_of(*overrides):
    return compose_config(["planner=llm", *overrides]).planner.options["llm"]


def test_the_model_is_a_group_of_its_own():
    assert model_of()["name"] == "completion"
    assert model_of("llm=copy") == {"name": "copy", "options": {}}


def test_a_setting_of_the_model_is_given_by_a_short_key():
    found = model_of("llm=provider", "llm.model=openai:gpt-5-mini", "llm.timeout_s=5")
    assert found == {"name": "chat", "options": {"model": "openai:gpt-5-mini", "timeout_s": 5}}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["llm=copy"], "add planner=llm"),
        (["planner=llm", "llm=openai_compatible"], r"llm\.model has no value"),
        (["planner=llm", "llm=smolm2"], "Did you mean 'smollm2'"),
    ],
)
def test_what_is_wrong_with_a_model_is_said_as_it_was_given(overrides, message):
    with pytest.raises(EmbodiedMemError, match=message):
        compose_config(overrides)


def test_a_key_is_refused_before_anything_is_written(tmp_path):
    overrides = [*SMALL, *LENGTH, "llm.api_key=sk-secret", f"out={tmp_path / 'run'}"]
    with pytest.raises(ExperimentError, match="environment variable") as error:
        run(overrides, command="", say=print)
    assert "sk-secret" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_arms_share_what_a_case_based_agent_learnt_and_the_demonstrator_has_its_own():
    arms = {arm.name: arm for arm in make_plan(compose_config(["experiment=llm"])).arms}
    assert {name for name, arm in arms.items() if arm.learns} == {"memory", "demonstrations"}
    assert {name for name, arm in arms.items() if arm.shares == "memory"} == {"random", "shuffled", "copy"}
    assert (arms["memory"].learner, arms["demonstrations"].learner) == ("case_based", "minigrid_demonstrator")
    assert arms["copy"].planner_options["llm"] == {"name": "copy"}


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llm") / "run"
    return run([*SMALL, *LENGTH, f"out={folder}"], command="", say=print)


def rows(small_run, arm):
    path = small_run.folder / "lifetimes" / arm / "00" / "episodes.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_only_arms_with_a_learner_play_learning_episodes(small_run):
    phases = {
        arm: {row["phase"] for row in rows(small_run, arm)} for arm in ("none", "memory", "demonstrations")
    }
    assert phases["none"] == {"held_out"}
    assert phases["memory"] == phases["demonstrations"] == {"learn", "held_out"}
    assert all(row["success"] for row in rows(small_run, "demonstrations") if row["phase"] == "learn")


def test_learning_episodes_are_recorded_call_by_call(small_run):
    with MemoryStore.open(small_run.folder / "lifetimes" / "demonstrations" / "00" / "memory") as store:
        decisions = store.memory(embedder=None).recall(where=where(kind="decision"), k=100)
        n_calls = sum(
            len(row["calls"]) for row in rows(small_run, "demonstrations") if row["phase"] == "learn"
        )
    assert len(decisions) == n_calls
    assert {hit.experience.metadata["episode"] for hit in decisions} == {"success"}


def test_what_the_planner_was_shown_is_in_the_rows(small_run):
    shown = [
        d.get("shown")
        for row in rows(small_run, "demonstrations")
        if row["phase"] == "held_out"
        for d in row["decisions"]
    ]
    assert any(shown)
    assert all(len(ids or ()) <= 2 for ids in shown)


def test_a_server_that_cannot_be_reached_stops_the_run_and_it_resumes(tmp_path):
    overrides = ["experiment=llm", "seeds=tuning", "lifetimes=1", "report=false", "workers=1", *LENGTH]
    nowhere = [
        "arms=[none,memory]",
        "comparisons=[]",
        "llm.base_url=http://127.0.0.1:1/v1",
        "llm.max_retries=0",
    ]
    with pytest.raises(RunStopped, match=r"gave no answer.*\n.*resume="):
        run([*overrides, *nowhere, f"out={tmp_path / 'run'}"], command="", say=print)
    found = list((tmp_path / "run").glob("lifetimes/*/00/episodes.jsonl"))
    held_out = [
        line for path in found for line in path.read_text("utf-8").splitlines() if '"held_out"' in line
    ]
    assert not held_out


def test_a_dry_run_prints_every_prompt_with_tokens_and_cost_and_calls_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    overrides = ["experiment=llm", "seeds=tuning", *LENGTH, "arms=[memory,random]", "comparisons=[]"]
    nowhere = ["llm=openai_compatible", "llm.model=openai:m", "llm.base_url=http://127.0.0.1:1/v1"]
    assert main(["run", *overrides, *nowhere, "dry_run=true"]) == 0
    out = capsys.readouterr().out
    assert {"--- memory-00-held_out-000", "--- random-00-held_out-002"} <= {
        line[:26] for line in out.splitlines()
    }
    assert "You control an agent." in out
    assert "about" in out.splitlines()[0]
    assert out.splitlines()[-1].startswith("random: ")
    assert "price unknown" in out.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_without_a_served_model_is_refused():
    with pytest.raises(ExperimentError, match="no arm asks"):
        dry_run(compose_config([*SMALL, *LENGTH]), say=print)
