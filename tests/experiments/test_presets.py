"""Every preset makes a planner and a run and has a page, and what a user sets holds over it."""

import re
from pathlib import Path

import pytest

from embodied_mem.errors import UnknownName
from embodied_mem.experiments.compose import compose_config
from embodied_mem.experiments.config import make_plan
from embodied_mem.planners import make_planner
from embodied_mem.planners.llm.presets.preset import load_preset, preset_names

COPY = {"name": "copy"}
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_makes_a_planner(name):
    said = make_planner("llm", llm=COPY, preset=name).describe()
    assert said["preset"] == name
    assert load_preset(name).paper
    assert "arXiv" in load_preset(name).paper


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_makes_a_run(name):
    config = compose_config([f"preset={name}", "llm=copy", "stream.kinds=[babyai:GoToObj]"])
    assert config.planner.name == "llm"
    for key, value in load_preset(name).planner.items():
        assert config.planner.options[key] == value
    make_plan(config)


def test_what_is_set_holds_over_the_preset_wherever_it_stands():
    for overrides in (["planner.options.k=9", "preset=rap"], ["preset=rap", "planner.options.k=9"]):
        options = compose_config([*overrides, "experiment=llm"]).planner.options
        assert (options["k"], options["window"]) == (9, [1, 2])
    assert make_planner("llm", llm=COPY, preset="rap", k=9).describe()["k"] == 9


def test_a_preset_holds_over_the_files_of_an_experiment():
    assert compose_config(["experiment=llm"]).planner.options["k"] == 2
    assert compose_config(["experiment=llm", "preset=rap"]).planner.options["k"] == 4


def test_an_arm_may_have_a_preset_of_its_own():
    config = compose_config(
        [
            "experiment=llm",
            "arms=[memory,rap]",
            "variants={rap: {base: memory, preset: rap, shares: memory, planner_options: {k: 3}}}",
            "comparisons=[]",
        ]
    )
    memory, rap = make_plan(config).arms
    assert "window" not in memory.planner_options
    assert (rap.planner_options["window"], rap.planner_options["k"], rap.shares) == ([1, 2], 3, "memory")


def test_an_unknown_preset_is_named():
    with pytest.raises(UnknownName, match="rap"):
        compose_config(["preset=rpa"])


def test_the_page_of_presets_links_each():
    linked = re.findall(
        r"^\| \[`(\w+)`\]\(presets/(\w+)\.md\)", (DOCS / "presets.md").read_text("utf-8"), re.M
    )
    assert sorted(linked) == [(name, name) for name in preset_names()]


@pytest.mark.parametrize("name", preset_names())
def test_the_page_of_a_preset_names_what_it_sets_and_follows(name):
    page, preset = (DOCS / "presets" / f"{name}.md").read_text("utf-8"), load_preset(name)
    told = " ".join(re.findall(r"^\| .* \|$", page, re.M))
    for key, value in {**preset.planner, **preset.memory, **preset.agent}.items():
        parts = value if key in ("notes", "library") else {key: value}
        assert [part for part in parts if not re.search(rf"\b{part}\b", told)] == []
    assert re.search(r"arXiv (\d+\.\d+)", preset.paper)[1] in page
    for part in ("The paper", "Departures", "The paper's number", "Our number", "A dry run"):
        assert part in page
