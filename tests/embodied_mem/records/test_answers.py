"""A memory refuses by name the fields of a query that it cannot answer."""

import math

import numpy as np
import pytest

from embodied_mem.errors import InvalidQuery, UnanswerableQuery
from embodied_mem.records import Task
from embodied_mem.records.answers import EVERY_FIELD, answers_of, refuse_unanswerable
from embodied_mem.records.filters import Equals
from embodied_mem.records.queries import Query
from embodied_mem.records.spaces import FieldVector, Space

VECTOR = FieldVector(field="f", space=Space(name="s", version="1", dimension=1), values=np.ones(1))
ASKING = {
    "text": "cup",
    "task": Task("bring the cup"),
    "state": "dark",
    "vectors": (VECTOR,),
    "where": Equals("kind", "repair"),
    "min_score": 0.5,
    "min_similarity": {"task": 0.5},
    "weights": {"task": 0.5},
    "contrast": 1,
    "as_of": 0,
    "as_of_s": 0.0,
    "order": "first",
    "diversity": 0.1,
    "distinct": True,
    "include_archived": True,
}


def test_every_field_but_the_number_of_hits_is_tried_here():
    assert set(ASKING) == EVERY_FIELD - {"k"}


@pytest.mark.parametrize("field", ASKING)
def test_a_field_that_is_not_answered_is_refused_by_name_with_the_way_out(field):
    query = Query(**{field: ASKING[field]})
    with pytest.raises(
        UnanswerableQuery, match=rf"the notebook cannot answer the field '{field}'"
    ) as refusal:
        refuse_unanswerable(query, answers={"text", "task"} - {field}, memory="the notebook")
    assert isinstance(refusal.value, InvalidQuery)
    assert "leave" in str(refusal.value)
    assert "ExperienceMemory" in str(refusal.value)
    refuse_unanswerable(query, answers={field})


@pytest.mark.parametrize("query", [Query(), Query(k=3), Query(min_score=-math.inf), Query(text="")])
def test_a_field_at_its_default_asks_nothing(query):
    refuse_unanswerable(query, answers=())


def test_the_refusal_lists_what_is_answered():
    with pytest.raises(UnanswerableQuery, match=r"It answers text, where, k;"):
        refuse_unanswerable(Query(contrast=1), answers={"where", "text"})


def test_a_memory_that_declares_nothing_is_taken_to_answer_everything():
    class Old:
        pass

    class New:
        answers = frozenset({"text"})

    assert answers_of(Old()) == EVERY_FIELD
    assert answers_of(New()) == {"text"}
