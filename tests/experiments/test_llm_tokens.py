"""`experiment=llm_tokens`: recall against a full history at equal budgets of tokens, here without a model."""

import json

import pytest

from embodied_mem.experiments.compose import compose_config
from embodied_mem.experiments.config import make_plan
from embodied_mem.experiments.run_command import run

BUDGETS = {"memory": 300, "history_300": 300, "history_600": 600, "history_1200": 1_200}
SMALL = ("experiment=llm_tokens", "llm=copy", "seeds=tuning", "lifetimes=1", "report=false", "workers=1")
LENGTH = ("learning_episodes=6", "held_out_episodes=3")
ARMS = "arms=[none,memory,history_300,history_600,history_1200,summary_600]"


def test_the_arms_differ_in_what_is_shown_and_in_the_budget():
    arms = {arm.name: arm for arm in make_plan(compose_config(["experiment=llm_tokens"])).arms}
    assert {name: arms[name].planner_options["max_prompt_tokens"] for name in BUDGETS} == BUDGETS
    assert arms["memory"].planner_options["k"] == 2
    assert {arms[name].memory for name in BUDGETS} == {"experience", "recency"}
    assert {arm.shares for name, arm in arms.items() if name.startswith("history")} == {"memory"}
    assert (arms["memory"].learner, arms["none"].learns) == ("case_based", False)


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    return run(
        [*SMALL, *LENGTH, ARMS, f"out={tmp_path_factory.mktemp('tokens') / 'run'}"], command="", say=print
    )


def shown(small_run, arm):
    path = small_run.folder / "lifetimes" / arm / "00" / "episodes.jsonl"
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [
        (decision.get("recalled", []), decision.get("shown", []))
        for row in rows
        if row["phase"] == "held_out"
        for decision in row["decisions"]
    ]


def test_a_history_shows_the_newest_that_fit_and_no_prompt_is_over_its_budget(small_run):
    n_shown = {}
    for arm, budget in BUDGETS.items():
        path = small_run.folder / "lifetimes" / arm / "00" / "planner" / "model_calls.jsonl"
        prompts = [json.loads(line)["prompt"] for line in path.read_text("utf-8").splitlines()]
        assert max(len(prompt.encode()) for prompt in prompts) <= budget
        n_shown[arm] = sum(len(ids) for _, ids in shown(small_run, arm))
    assert n_shown["history_300"] < n_shown["history_600"] < n_shown["history_1200"]
    for recalled, ids in shown(small_run, "history_1200"):
        newest = [hit["id"] for hit in recalled]
        assert ids == newest[: len(ids)][::-1]


def test_the_summary_says_what_tokens_of_memory_brought(small_run):
    arms = json.loads((small_run.folder / "summary.json").read_text("utf-8"))["arms"]
    tokens = {name: arm["cost"]["tokens_memory"] for name, arm in arms.items()}
    assert tokens["none"] == 0
    assert tokens["history_300"] < tokens["history_600"] < tokens["history_1200"]
    assert all("success_per_1000_tokens_of_memory" in arms[name] for name in BUDGETS if tokens[name])
    assert all(0 <= arms[name]["evidence_in_prompt"] <= 1 for name in BUDGETS)


def test_a_summary_shows_the_newest_lessons_that_fit(small_run):
    names = [name for _, ids in shown(small_run, "summary_600") for name in ids]
    assert names
    assert all(name.startswith("memory-00-learn-") for name in names)
    path = small_run.folder / "lifetimes" / "summary_600" / "00" / "planner" / "model_calls.jsonl"
    prompts = [json.loads(line)["prompt"] for line in path.read_text("utf-8").splitlines()]
    assert any("Lessons" in prompt for prompt in prompts)
    assert all(prompt.count("Action:") == 1 for prompt in prompts)
    assert max(len(prompt.encode()) for prompt in prompts) <= 600
