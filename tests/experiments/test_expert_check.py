"""A run on a world without an expert leaves out the arm that would play it, and stays resumable."""

import json

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.compose import compose_config
from embodied_mem.experiments.config import from_document, make_plan, to_document
from embodied_mem.experiments.expert_check import kinds_without_expert, leave_out_expert
from embodied_mem.experiments.worlds import Worlds

GYM = "gym:CartPole-v1"
LEVERS = "levers:a"
pytestmark = pytest.mark.usefixtures("toy_parts")


def plan_of(*overrides: str, kinds: str = f"{LEVERS},{GYM}"):
    return make_plan(compose_config(["planner=puller", f"stream.kinds=[{kinds}]", *overrides]))


@pytest.fixture
def worlds():
    made = Worlds()
    yield made
    made.close()


def test_the_kinds_without_an_expert_are_named(worlds):
    assert kinds_without_expert([LEVERS, GYM], worlds) == (GYM,)


def test_the_arm_is_left_out_and_named_with_the_kinds(worlds):
    plan, notice = leave_out_expert(plan_of(), worlds)
    assert [arm.name for arm in plan.arms] == [
        "none",
        "random",
        "memory",
        "shuffled",
        "without_kind",
        "floor",
    ]
    assert notice == f"The arm expert is left out: this run has {GYM}, which has no expert."


def test_a_variant_that_plays_the_expert_is_left_out_too(worlds):
    plan, notice = leave_out_expert(
        plan_of("variants.master={base: expert}", "arms=[none,expert,master]", "focus=master"), worlds
    )
    assert [arm.name for arm in plan.arms] == ["none"]
    assert plan.config.focus == "none"
    assert "arms expert, master are left out" in notice


def test_comparisons_with_the_arm_are_left_out(worlds):
    plan, _ = leave_out_expert(
        plan_of("arms=[none,memory,expert]", "comparisons=[[memory,none],[memory,expert]]"), worlds
    )
    assert plan.config.comparisons == [["memory", "none"]]


@pytest.mark.parametrize(
    ("arms", "kinds"), [("[none,memory,expert]", LEVERS), ("[none,memory]", f"{LEVERS},{GYM}")]
)
def test_a_plan_whose_experts_are_all_there_stays_as_it_is(worlds, arms, kinds):
    plan = plan_of(f"arms={arms}", kinds=kinds)
    assert leave_out_expert(plan, worlds) == (plan, "")


def test_no_world_is_made_where_no_arm_plays_an_expert():
    plan = plan_of("arms=[none,memory]", kinds="nowhere:a")
    assert leave_out_expert(plan, Worlds()) == (plan, "")


def test_a_run_of_the_expert_alone_is_refused_with_what_to_do(worlds):
    with pytest.raises(ExperimentError, match=r"no expert\. No other arm is left; add one, as in arms="):
        leave_out_expert(plan_of("arms=[expert]"), worlds)


def test_a_resumed_run_has_the_same_arms(worlds):
    plan, _ = leave_out_expert(plan_of(), worlds)
    resumed = make_plan(from_document(json.loads(json.dumps(to_document(plan.config)))))
    assert resumed == plan
    assert leave_out_expert(resumed, worlds) == (resumed, "")
