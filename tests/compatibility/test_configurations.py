"""Overrides that earlier releases took compose what they composed, and what runs kept of it is read."""

import json

import pytest

from embodied_mem.experiments.compose import compose_config
from embodied_mem.experiments.config import differences, from_document, make_plan, to_document
from embodied_mem.experiments.outputs import read_config, read_document
from tests.compatibility.conftest import FIXTURES, RELEASES

KEPT = {
    release: json.loads((FIXTURES / release / "configurations.json").read_text("utf-8"))
    for release in RELEASES
}
CASES = {json.dumps(case): case for cases in KEPT.values() for case in cases}  # most are of several releases


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: " ".join(case["overrides"]) or "default")
def test_the_same_overrides_compose_what_they_composed(case):
    composed, kept = compose_config(case["overrides"]), from_document(case["config"])
    document = to_document(composed)
    assert only_what_there_was(document, case["config"]) == case["config"]
    assert not differences(kept, composed)
    assert make_plan(kept).arms


def only_what_there_was(document, kept):
    """The document without settings that are newer than what was kept; among limits there are such too."""
    limits = {name: document["limits"][name] for name in kept["limits"]}
    return {key: limits if key == "limits" else document[key] for key in kept}


@pytest.mark.parametrize("folder", ["run", "interrupted"])
def test_that_of_a_run_folder_is_read(kept, folder):
    plan = make_plan(read_config(read_document(kept / folder)))
    assert [arm.name for arm in plan.arms] == ["none", "memory", "without_kind"]
