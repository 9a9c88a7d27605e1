import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidRecord
from embodied_mem.records import (
    Attachment,
    Experience,
    Origin,
    Outcome,
    Scope,
    SkillCall,
    Status,
    Task,
)
from embodied_mem.records.codec import experience_from_document, experience_from_log, experience_to_document
from embodied_mem.records.filters import FIELDS, lookup
from embodied_mem.records.json_values import canonical
from embodied_mem.records.spaces import FieldVector, Space

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
COUNT = st.none() | st.integers(0, 10**9)
FINITE = st.none() | st.floats(allow_nan=False, allow_infinity=False)
COST = st.dictionaries(TEXT, st.floats(0, 1e9), max_size=2)
EXPERIENCES = st.builds(
    Experience,
    task=st.builds(Task, TEXT, TEXT, TEXT),
    state=TEXT,
    plan=st.lists(st.builds(SkillCall, TEXT, OBJECT, st.integers(1, 99)), max_size=3).map(tuple),
    outcome=st.builds(
        Outcome, status=st.sampled_from(Status), reward=FINITE, explanation=TEXT, steps=COUNT, cost=COST
    ),
    state_after=TEXT,
    kind=TEXT,
    id=TEXT.filter(bool),
    scope=st.builds(Scope, agent=TEXT, world=TEXT, place=TEXT, person=TEXT, run=TEXT),
    facts=OBJECT,
    sources=st.lists(TEXT, max_size=2).map(tuple),
    recalled=st.lists(TEXT, max_size=2).map(tuple),
    origin=st.builds(
        Origin,
        run=TEXT,
        attempt=TEXT,
        episode=COUNT,
        first_step=COUNT,
        last_step=COUNT,
        planner=TEXT,
        model=TEXT,
        versions=st.dictionaries(TEXT, TEXT, max_size=2),
    ),
    happened_at_s=FINITE,
    position_m=st.none() | st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=3).map(tuple),
    metadata=OBJECT,
    attachments=st.lists(
        st.builds(Attachment, role=TEXT, digest=st.just("ab" * 32), media_type=TEXT), max_size=2
    ).map(tuple),
)


@given(EXPERIENCES)
def test_an_experience_comes_back_exactly(experience):
    document = json.loads(canonical(experience_to_document(experience)))
    again = experience_from_document(document)
    assert again == experience
    assert canonical(experience_to_document(again)) == canonical(document)  # 1, 1.0 and true are told apart


@given(EXPERIENCES)
def test_the_short_way_from_a_log_gives_the_same(experience):
    document = json.loads(canonical(experience_to_document(experience)))
    again = experience_from_log(document)
    assert again == experience
    assert repr(again) == repr(experience_from_document(document))  # also in the types of what it holds


def test_the_short_way_shares_nothing_with_the_document():
    experience = Experience(
        task=Task("look"),
        plan=(SkillCall("go", {"path": [1, {"x": 2}]}),),
        facts={"a": {"b": [1]}},
        metadata={"n": 1},
        origin=Origin(versions={"env": "1"}),
        outcome=Outcome(cost={"usd": 1.0}),
    )
    document = json.loads(canonical(experience_to_document(experience)))
    again = experience_from_log(document)
    document["facts"]["a"]["b"].append(2)
    document["metadata"]["n"] = 2
    document["plan"][0]["arguments"]["path"][1]["x"] = 3
    document["origin"]["versions"]["env"] = "2"
    document["outcome"]["cost"]["usd"] = 2.0
    assert again == experience


@pytest.mark.parametrize(
    "change",
    [{"state": None}, {"facts": None}, {"happened_at_s": 3}, {"outcome": {"status": "success", "reward": 1}}],
)
def test_a_document_of_another_shape_takes_the_long_way(change):
    document = json.loads(canonical(experience_to_document(Experience(task=Task("look")))))
    document |= change
    document = {name: value for name, value in document.items() if value is not None}
    assert experience_from_log(document) == experience_from_document(document)


def test_an_experience_without_a_position_is_written_as_before_there_was_one():
    """Or what is recorded again would not be known to be the same."""
    assert "position_m" not in experience_to_document(Experience(task=Task("look")))


def test_vectors_travel_beside_the_document():
    space = Space(name="s", version="1", dimension=2)
    vector = FieldVector(field="image", space=space, values=np.array([1, 2], np.float32))
    experience = Experience(task=Task("look"), vectors=(vector,))
    document = experience_to_document(experience)
    assert "vectors" not in document
    assert experience_from_document(document, (vector,)) == experience


@pytest.mark.parametrize(
    "path",
    [
        ".".join([first, *rest])
        for first, seconds in FIELDS.items()
        for rest in [[s] for s in seconds or ()] or [[]]
    ],
)
def test_every_path_a_filter_may_name_is_there(path):
    found, _ = lookup(experience_to_document(Experience(task=Task("look"), position_m=(1, 2))), path)
    assert found


def test_keys_of_a_newer_version_are_ignored():
    experience = Experience(task=Task("look"), plan=(SkillCall("go"),), origin=Origin(run="r"))
    document = json.loads(canonical(experience_to_document(experience)))
    document["mood"] = "good"
    for part in (
        document["task"],
        document["outcome"],
        document["scope"],
        document["origin"],
        document["plan"][0],
    ):
        part["new_in_2"] = [1]
    assert experience_from_document(document) == experience


def test_missing_keys_take_their_default():
    assert experience_from_document({"id": "x", "task": {"text": "look"}}) == Experience(
        id="x", task=Task("look")
    )


@pytest.mark.parametrize(
    "document", [{}, {"id": "x"}, {"id": "x", "task": None}, {"id": "x", "task": "look"}]
)
@pytest.mark.parametrize("decode", [experience_from_document, experience_from_log])
def test_what_is_no_experience_is_refused(decode, document):
    with pytest.raises(InvalidRecord):
        decode(document)
