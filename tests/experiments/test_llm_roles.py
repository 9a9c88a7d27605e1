"""`judge=llm` and `reflector=llm`: a language model judges and reflects in a run of the command line."""

import json

import pytest

from embodied_mem import MemoryStore
from embodied_mem.errors import EmbodiedMemError, ExperimentError
from embodied_mem.experiments.compose import compose_config
from embodied_mem.experiments.dry_run import dry_run
from embodied_mem.experiments.run_command import run
from embodied_mem.planners.llm.models.call_log import FILE
from tests.experiments.conftest import TOY_RUN
from tests.planners.llm.model_server import StandInServer

pytest.importorskip("langchain_openai")

SHORT = ("lifetimes=1", "workers=1", "arms=[memory]", "learning_episodes=2", "held_out_episodes=1")
PARTS = ("planner=llm", "judge=llm", "reflector=llm")
MODEL = ("llm=openai_compatible", "llm.model=openai:tiny", "llm.method=text", "llm.max_retries=0")
SERVER = {"model": "openai:tiny", "method": "text", "max_retries": 0}


def answer(body):
    """What a model would say, by how its prompt ends."""
    opening = body["messages"][-1]["content"].rsplit("\n", 1)[-1]
    return {"Verdict:": "failure: no lever moved", "Lesson:": "Pull another lever."}[opening]


def play(folder, url, *overrides):
    options = f"{{model: 'openai:tiny', method: text, max_retries: 0, base_url: '{url}'}}"
    parts = [f"{part}.options.llm={{name: chat, options: {options}}}" for part in ("judge", "reflector")]
    run([*TOY_RUN, *SHORT, *PARTS[1:], *parts, f"out={folder}", *overrides], command="", say=print)
    lifetime = folder / "lifetimes" / "memory" / "00"
    rows = [json.loads(line) for line in (lifetime / "episodes.jsonl").read_text("utf-8").splitlines()]
    with MemoryStore.open(lifetime / "memory", read_only=True) as store:
        lessons = [each.metadata["lesson"] for each in store.experiences() if each.kind == "lesson"]
    logs = [path.read_text("utf-8") for path in lifetime.rglob(FILE)]
    return rows, lessons, [json.loads(line) for log in logs for line in log.splitlines()]


@pytest.mark.usefixtures("toy_parts")
def test_a_served_model_judges_and_reflects(tmp_path):
    with StandInServer(answer) as server:
        rows, lessons, calls = play(tmp_path / "run", server.url, "judge.options.trust_goal=false")
    assert {row["success"] for row in rows} == {False}
    assert lessons == ["Pull another lever."] * 2
    assert [call["role"] for call in calls].count("judge") == len(rows)
    assert [call["role"] for call in calls].count("summarise") == 2  # a frozen memory learns nothing


@pytest.mark.usefixtures("toy_parts")
def test_where_the_world_knows_the_model_is_not_asked_to_judge(tmp_path):
    with StandInServer(answer) as server:
        _, _, calls = play(tmp_path / "run", server.url)
    assert {call["role"] for call in calls} == {"summarise"}


@pytest.mark.usefixtures("toy_parts")
def test_their_calls_count_against_the_budget_of_the_run(tmp_path):
    limits = ("judge.options.trust_goal=false", "budget.model_calls=2")
    with StandInServer(answer) as server:
        with pytest.raises(EmbodiedMemError, match="the budget is spent: model_calls 2 of 2"):
            play(tmp_path / "run", server.url, *limits)
        assert len(server.bodies) == 2
        run([f"resume={tmp_path / 'run'}", "budget.model_calls=100"], command="", say=print)
    rows = (tmp_path / "run" / "lifetimes" / "memory" / "00" / "episodes.jsonl").read_text("utf-8")
    assert len(rows.splitlines()) == 3


def test_they_ask_the_planner_s_model_unless_told_otherwise():
    config = compose_config([*PARTS, *MODEL, "llm.base_url=http://127.0.0.1:1/v1"])
    asked = {"name": "chat", "options": {**SERVER, "base_url": "http://127.0.0.1:1/v1"}}
    assert config.judge.options == config.reflector.options == {"llm": asked}
    own = compose_config([*PARTS, "judge.options.llm={name: copy}"])
    assert own.judge.options == {"llm": {"name": "copy"}}


def test_a_judge_without_a_model_is_refused_before_the_run(tmp_path):
    with pytest.raises(ExperimentError, match="the judge llm asks a model, and the planner has none"):
        run(["judge=llm", *SHORT, f"out={tmp_path / 'run'}"], command="", say=print)
    assert not (tmp_path / "run").exists()


def test_a_dry_run_shows_their_prompts_too_and_calls_nothing(tmp_path):
    said = []
    nowhere = "llm.base_url=http://127.0.0.1:1/v1"
    overrides = ["experiment=llm", "seeds=tuning", "comparisons=[]", *SHORT, *PARTS[1:], *MODEL, nowhere]
    roles = ("judge.options.trust_goal=false", "planner.options.predict=model")
    dry_run(compose_config([*overrides, *roles]), said.append)
    templates = [line.split("  ")[1] for line in said if line.startswith("---")]
    roles = [template.split("/")[0] for template in templates]
    assert roles.count("judge") == 3
    assert roles.count("summarise") >= 1
    assert roles.count("plan") == roles.count("predict") > 0  # none is asked anew
