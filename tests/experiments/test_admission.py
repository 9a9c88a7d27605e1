"""Which kinds are admitted, and that a measurement goes on where it stopped."""

import json

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.admission import MODEL_RULE, Rule, admit, verdict

ROOM = {"floor": 0.3, "none": 0.5, "expert": 1.0}


@pytest.mark.parametrize(
    ("changes", "n_episodes", "reason"),
    [
        ({}, 100, ""),
        ({"floor": 0.1, "none": 0.8, "expert": 0.95}, 100, ""),
        ({"floor": 0.09}, 100, "floor nearly always fails"),
        ({"none": 0.81}, 100, "none nearly always succeeds"),
        ({"expert": 0.94}, 100, "the expert does not solve it"),
        ({}, 99, "only 99 episodes"),
    ],
)
def test_a_kind_is_admitted_by_the_rule(changes, n_episodes, reason):
    assert verdict({**ROOM, **changes}, n_episodes, Rule()) == (not reason, reason)


@pytest.mark.usefixtures("toy_parts")
def test_every_kind_tried_is_written_down_with_figures(tmp_path):
    path = admit(tmp_path, kinds=["levers:a", "levers:hard"], episodes=100, workers=1)
    document = json.loads(path.read_text())
    families = {family["kind"]: family for family in document["families"]}
    assert families["levers:hard"]["expert"] == 0.0
    assert families["levers:hard"]["first_failure"].endswith("the policy gave up: no idea")
    assert families["levers:a"]["expert"] == 1.0
    assert families["levers:a"]["episodes"] == 100
    assert document["admitted"] == [kind for kind, family in families.items() if family["admitted"]]


@pytest.mark.usefixtures("toy_parts")
def test_a_finished_measurement_is_not_played_again(tmp_path):
    path = admit(tmp_path, kinds=["levers:a"], episodes=10, workers=1)
    rows = {file: file.read_bytes() for file in tmp_path.glob("lifetimes/*/*/episodes.jsonl")}
    again = admit(tmp_path, kinds=["levers:a"], episodes=10, workers=1)
    assert rows
    assert {file: file.read_bytes() for file in rows} == rows
    assert again == path


@pytest.mark.usefixtures("toy_parts")
def test_another_measurement_in_the_same_folder_is_refused(tmp_path):
    admit(tmp_path, kinds=["levers:a"], episodes=5, workers=1)
    with pytest.raises(ExperimentError, match="holds another measurement"):
        admit(tmp_path, kinds=["levers:b"], episodes=5, workers=1)


def test_a_language_model_may_fail_always_without_memory():
    assert verdict({**ROOM, "none": 0.0, "floor": 0.0}, 40, MODEL_RULE) == (True, "")
    assert verdict({**ROOM, "none": 0.9}, 40, MODEL_RULE) == (False, "none nearly always succeeds")


@pytest.mark.usefixtures("toy_parts")
def test_a_measurement_takes_overrides_and_says_what_it_measured(tmp_path):
    path = admit(
        tmp_path,
        kinds=["levers:a"],
        episodes=5,
        workers=1,
        overrides=["planner=llm", "llm=copy", "limits.max_calls=9"],
    )
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["planner"]["options"]["llm"] == {"name": "copy", "options": {}}
    assert document["limits"]["max_calls"] == 9
    assert document["rule"] == str(MODEL_RULE)
