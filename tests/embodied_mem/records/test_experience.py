import math
import pickle
import re

import numpy as np
import pytest

from embodied_mem.errors import InvalidRecord
from embodied_mem.records import (
    Attachment,
    Experience,
    Origin,
    Outcome,
    Recalled,
    Scope,
    SkillCall,
    Status,
    Task,
    instance_id,
)
from embodied_mem.records.json_values import clean_text, to_json
from embodied_mem.records.spaces import FieldVector, Space

SPACE = Space(name="test", version="1", dimension=2)


def test_plain_text_becomes_a_task():
    assert Experience(task="go").task == Task("go")


def test_every_experience_gets_an_id_of_its_own():
    assert Experience(task="go").id != Experience(task="go").id


@pytest.mark.parametrize("field", ["state", "state_after", "kind", "id"])
def test_a_lone_surrogate_is_refused_by_name(field):
    with pytest.raises(
        InvalidRecord, match=rf"experience.{field} holds a lone surrogate at character 1.*clean_text"
    ):
        Experience(task="go", **{field: "a\ud800"})


def test_clean_text_replaces_lone_surrogates_and_keeps_real_ones():
    assert clean_text("a\ud800b😀") == "a�b😀"
    assert clean_text(3) == "3"


@pytest.mark.parametrize("text", ["", "x" * 1_000_000])
def test_empty_and_very_long_texts_are_kept(text):
    assert Experience(task=text, state=text).state == text


def test_a_text_beyond_the_limit_is_refused():
    with pytest.raises(InvalidRecord, match="16,777,216"):
        Experience(task="x" * (16 * 1024 * 1024 + 1))


@pytest.mark.parametrize("reward", [math.nan, math.inf, -math.inf, "much"])
def test_a_reward_that_is_no_finite_number_is_refused(reward):
    with pytest.raises(InvalidRecord, match=r"outcome\.reward"):
        Outcome(reward=reward)


def test_an_unknown_status_lists_the_known_ones():
    with pytest.raises(InvalidRecord, match="'won'; expected one of success, failure"):
        Outcome(status="won")


def test_a_status_may_be_given_as_text():
    assert Outcome(status="success").is_success


@pytest.mark.parametrize("steps", [-1, True, 1.5, 2**63])
def test_steps_are_a_count(steps):
    with pytest.raises(InvalidRecord, match=r"outcome\.steps"):
        Outcome(steps=steps)


@pytest.mark.parametrize("cost", [-1, math.nan, math.inf, None, "much"])
def test_costs_are_finite_and_named(cost):
    with pytest.raises(InvalidRecord, match=r"outcome\.cost\.usd"):
        Outcome(cost={"usd": cost})


def test_numpy_in_metadata_becomes_plain_json():
    made = Experience(
        task="go", metadata={"pose": np.array([1.0, 2.0]), "n": np.int64(3), "ok": np.bool_(True)}
    )
    assert made.metadata == {"pose": [1.0, 2.0], "n": 3, "ok": True}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, r"metadata\.a\[0\] is nan"),
        (math.inf, r"metadata\.a\[0\] is inf"),
        (-math.inf, r"metadata\.a\[0\] is -inf"),
        (np.float32(np.inf), r"metadata\.a\[0\] is inf"),
        (np.array([1.0, -np.inf]), r"metadata\.a\[0\]\[1\] is -inf"),
        ({"b": math.inf}, r"metadata\.a\[0\]\.b is inf"),
        (b"x", "bytes"),
        (object(), "object"),
        ({1: 2}, "text keys"),
        (2**70, "64 bits"),
    ],
)
def test_what_json_cannot_carry_is_refused_by_path(value, message):
    with pytest.raises(InvalidRecord, match=message):
        Experience(task="go", metadata={"a": [value]})


def test_bottomless_nesting_is_refused():
    deep: list = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(InvalidRecord, match="deeper"):
        to_json(deep, field="facts")


def test_an_unseeded_problem_has_no_instance():
    assert instance_id("Maze-v0", seed=None) == ""
    assert instance_id("Maze-v0", seed=3, options={"b": 1, "a": 2}) == 'Maze-v0#3?{"a":2,"b":1}'


def test_a_problem_of_known_state_has_one_name_whatever_the_seed():
    names = {instance_id("Maze-v0", seed=seed, state={"map": [[0, 1]]}) for seed in (None, 0, 7)}
    (name,) = names
    assert re.fullmatch(r"Maze-v0@[0-9a-f]{16}", name)


@pytest.mark.parametrize(
    "other",
    [
        instance_id("Maze-v1", seed=0, state=[1, 2]),
        instance_id("Maze-v0", seed=0, state=[2, 1]),
        instance_id("Maze-v0", seed=0, state=b"[1,2] "),
        instance_id("Maze-v0", seed=0, state=[1, 2], options={"size": 2}),
        instance_id("Maze-v0", seed=0),
    ],
)
def test_another_environment_state_or_option_is_another_problem(other):
    assert instance_id("Maze-v0", seed=0, state=[1, 2]) != other


def test_a_state_that_is_falsy_is_a_state():
    assert instance_id("Maze-v0", seed=3, state=0) != instance_id("Maze-v0", seed=3)


def test_equal_calls_are_equal_and_hash_alike():
    first, second = SkillCall("go", {"a": 1, "b": 2}), SkillCall("go", {"b": 2, "a": 1})
    assert first == second
    assert len({first, second}) == 1


@pytest.mark.parametrize("count", [0, -1, True, 1.0])
def test_a_call_is_made_at_least_once(count):
    with pytest.raises(InvalidRecord, match=r"plan\.count"):
        SkillCall("go", count=count)


def test_a_score_that_is_not_the_sum_of_its_parts_is_refused():
    with pytest.raises(InvalidRecord, match="add up to"):
        Recalled(experience=Experience(task="go"), score=1.0, parts={"state": 0.5}, reason="")


def test_a_vector_of_another_length_names_both():
    with pytest.raises(InvalidRecord, match=r"shape \(3,\).*expects \(2,\)"):
        FieldVector(field="text", space=SPACE, values=np.zeros(3, np.float32))


def test_a_vector_that_is_not_finite_names_the_place():
    with pytest.raises(InvalidRecord, match="nan at 1"):
        FieldVector(field="text", space=SPACE, values=np.array([0, math.nan], np.float32))


def test_a_vector_is_copied_and_read_only():
    given = np.ones(2, np.float32)
    vector = FieldVector(field="text", space=SPACE, values=given)
    given[:] = 0
    assert vector.values.tolist() == [1, 1]
    with pytest.raises(ValueError, match="read-only"):
        vector.values[0] = 2


def test_two_vectors_of_one_field_are_refused():
    vector = FieldVector(field="text", space=SPACE, values=np.ones(2, np.float32))
    with pytest.raises(InvalidRecord, match="twice"):
        Experience(task="go", vectors=(vector, vector))


def test_members_of_the_wrong_type_are_refused():
    with pytest.raises(InvalidRecord, match="plan holds str; expected SkillCall"):
        Experience(task="go", plan=("go",))


def test_an_attachment_is_named_by_its_hash():
    with pytest.raises(InvalidRecord, match="64 lower-case hex"):
        Attachment(role="image", digest="ABC", media_type="image/png")


def test_records_survive_pickling_between_processes():
    vector = FieldVector(field="text", space=SPACE, values=np.ones(2, np.float32))
    made = Experience(task="go", plan=(SkillCall("go", {"a": 1}),), vectors=(vector,), scope=Scope(agent="x"))
    assert pickle.loads(pickle.dumps(made)) == made


def test_replace_validates_again():
    with pytest.raises(InvalidRecord):
        Experience(task="go").replace(id="")


def test_status_is_text():
    assert f"{Status.SUCCESS}" == "success"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"outcome": "success"}, "outcome is 'success'; expected Outcome"),
        ({"scope": {"agent": "x"}}, "expected Scope"),
        ({"origin": None}, "expected Origin"),
        ({"plan": None}, "plan is None; expected a sequence"),
        ({"plan": "go"}, "plan is 'go'; expected a sequence"),
        ({"sources": "abc"}, "sources is 'abc'; expected a sequence"),
        ({"kind": None}, "kind is NoneType; expected a string"),
    ],
)
def test_a_field_of_another_type_is_refused_by_name(fields, message):
    with pytest.raises(InvalidRecord, match=message):
        Experience(task="go", **fields)


@pytest.mark.parametrize("fields", [{"steps": np.array([3, 4])}, {"steps": 3.0}, {"cost": [1]}])
def test_a_count_or_cost_of_another_type_is_refused(fields):
    with pytest.raises(InvalidRecord, match=r"outcome\.(steps|cost)"):
        Outcome(**fields)


def test_versions_that_are_no_mapping_are_refused():
    with pytest.raises(InvalidRecord, match=r"origin\.versions is NoneType; expected a mapping"):
        Origin(versions=None)


def test_a_count_of_numpy_becomes_a_plain_one():
    assert type(SkillCall("go", count=np.int64(2)).count) is int


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((1, 2), (1.0, 2.0)),
        ([1, 2.5, -3], (1.0, 2.5, -3.0)),
        (np.array([1, 2, 3], np.float32), (1.0, 2.0, 3.0)),
    ],
)
def test_a_position_becomes_a_tuple_of_plain_numbers(given, kept):
    position = Experience(task="go", position_m=given).position_m
    assert position == kept
    assert {type(number) for number in position} == {float}


def test_without_metric_space_there_is_no_position():
    assert Experience(task="go").position_m is None


@pytest.mark.parametrize(
    "position", [(1,), (1, 2, 3, 4), (1, float("nan")), (1, None), ("a", "b"), "xy", 3, [[1, 2], [3, 4]]]
)
def test_what_is_no_position_is_refused_by_name(position):
    with pytest.raises(InvalidRecord, match="position_m"):
        Experience(task="go", position_m=position)
