"""How names become arms."""

import pytest

from embodied_mem.errors import ExperimentError, UnknownName
from embodied_mem.experiments.arms import DEFAULT_ARMS, Parts, make_arms, make_memory
from embodied_mem.records import Experience
from embodied_mem.records.queries import Query

PARTS = Parts(
    memory="experience", memory_options={"embedder": None}, planner="case_based", planner_options={"k": 5}
)


def arm(name, *others, **variants):
    return make_arms([*others, name], PARTS, variants)[-1]


def test_the_default_arms_differ_in_memory_alone():
    planners = {
        (a.planner, a.planner_options.get("k"))
        for a in make_arms(DEFAULT_ARMS, PARTS, {})
        if a.name not in ("floor", "expert")
    }
    assert planners == {("case_based", 5)}


@pytest.mark.parametrize("name", ["none", "random", "recency", "memory"])
def test_an_arm_with_a_memory_of_its_own_learns(name):
    assert arm(name).learns
    assert not arm(name).shares


@pytest.mark.parametrize("name", ["shuffled", "without_kind"])
def test_an_arm_that_reads_what_memory_learnt_learns_nothing(name):
    assert arm(name, "memory").shares == "memory"
    assert not arm(name, "memory").learns


@pytest.mark.parametrize("name", ["random", "shuffled", "without_kind", "recency"])
def test_a_control_wraps_the_memory_under_test(name):
    assert arm(name, "memory").memory == name
    assert arm(name, "memory").memory_options == {"inner": "experience", "embedder": None}


@pytest.mark.parametrize("name", ["floor", "expert"])
def test_floor_and_expert_have_no_memory(name):
    assert arm(name).memory == ""
    assert not arm(name).learns


def test_a_shared_arm_without_its_source_is_refused():
    with pytest.raises(ExperimentError, match="add 'memory' to arms"):
        arm("shuffled", "none")


@pytest.mark.usefixtures("toy_parts")
def test_a_registered_memory_is_an_arm_of_its_own():
    assert (arm("forgetful_list").memory, arm("forgetful_list").learns) == ("forgetful_list", True)


def test_a_variant_changes_what_it_names_and_nothing_else():
    variant = arm("memory_k1", memory_k1={"base": "memory", "planner_options": {"k": 1}})
    assert (variant.planner_options, variant.memory, variant.learns) == ({"k": 1}, "experience", True)


def test_a_variant_with_an_unknown_key_is_refused():
    with pytest.raises(UnknownName, match="Did you mean 'base'"):
        arm("x", x={"bas": "memory"})


def test_an_unknown_arm_names_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'shuffled'"):
        arm("shufled")


@pytest.mark.parametrize("name", ["experience", "random", "shuffled", "recency", "without_kind"])
def test_a_registered_memory_is_made_in_a_folder(name, tmp_path):
    memory = make_memory(name, tmp_path / "memory", seed=1, options={})
    memory.close()
    assert (tmp_path / "memory").is_dir()


def test_a_memory_can_lie_over_a_back_end_found_by_its_name(tmp_path):
    options = {"backend": "in_memory", "weights": {"task": 2.0}, "embedder": None}
    memory = make_memory("experience", tmp_path / "memory", seed=0, options=options)
    memory.record(Experience(task="open the door", id="a"))
    [hit] = memory.recall(Query(text="door"))
    assert (hit.experience.id, memory.weights.task) == ("a", 2.0)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_back_end_is_told_the_known_ones(tmp_path):
    with pytest.raises(UnknownName, match=r"Unknown back end 'in_memroy'\. Did you mean 'in_memory'"):
        make_memory("experience", tmp_path, seed=0, options={"backend": "in_memroy"})
