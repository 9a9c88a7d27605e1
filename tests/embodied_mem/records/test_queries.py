import math

import numpy as np
import pytest

from embodied_mem.errors import InvalidQuery, InvalidRecord
from embodied_mem.records import Task
from embodied_mem.records.queries import Query, build_query, observation_vector
from embodied_mem.records.spaces import Metric, similarities


def test_keywords_build_a_query():
    assert build_query("red", {"task": "go", "k": 3}) == Query(text="red", task=Task("go"), k=3)


def test_a_query_is_taken_as_it_is():
    query = Query(text="red")
    assert build_query(query, {}) is query


def test_a_query_and_keywords_together_are_refused():
    with pytest.raises(InvalidQuery, match="set them in the Query"):
        build_query(Query(), {"k": 3})


def test_an_unknown_keyword_lists_the_known_ones():
    with pytest.raises(InvalidQuery, match=r"no keyword top_k\. Known: text, task"):
        build_query(None, {"top_k": 3})


@pytest.mark.parametrize("k", [-1, 1.0, True, 10_001])
def test_k_is_a_bounded_count(k):
    with pytest.raises(InvalidQuery, match="k is"):
        Query(k=k)


def test_a_min_score_of_nan_would_let_everything_through():
    with pytest.raises(InvalidQuery, match="nan"):
        Query(min_score=math.nan)


def test_an_array_observation_becomes_a_vector_of_its_own_space():
    vector = observation_vector(np.arange(6).reshape(2, 3))
    assert (vector.field, vector.space.dimension, vector.space.config_hash) == ("observation/2x3", 6, "2x3")
    assert build_query(None, {"observation": [1.0, 2.0]}).vectors[0].space.dimension == 2


def test_an_observation_that_is_not_finite_is_refused():
    with pytest.raises(InvalidRecord, match="nan at 0"):
        observation_vector([math.nan])


def test_similarity_is_one_where_equal_and_bounded():
    rows = np.array([[1, 0], [0, 1], [-1, 0], [0, 0]], np.float32)
    query = np.array([1, 0], np.float32)
    assert similarities(rows, query, Metric.COSINE).tolist() == [1, 0, -1, 0]
    euclidean = similarities(rows, query, Metric.EUCLIDEAN)
    assert euclidean[0] == 1
    assert (euclidean > 0).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"where": {"kind": "note"}}, "is not a filter"),
        ({"where": None}, "is not a filter"),
        ({"vectors": [1, 2]}, "expected FieldVectors"),
        ({"vectors": 3}, "expected FieldVectors"),
        ({"as_of": -1}, "as_of is -1"),
        ({"as_of": True}, "as_of is True"),
        ({"as_of": 10**30}, "as_of is"),
        ({"min_score": None}, "min_score is None"),
        ({"min_score": "0.5"}, "min_score is '0.5'"),
        ({"as_of_s": math.nan}, "as_of_s is nan"),
        ({"diversity": 1.1}, "diversity is 1.1"),
        ({"diversity": "much"}, "diversity is 'much'"),
        ({"order": "newest"}, "order is 'newest'; expected one of best, first, last"),
        ({"order": "first", "contrast": 1}, "needs? order='best'"),
        ({"order": "last", "diversity": 0.5}, "needs? order='best'"),
    ],
)
def test_a_field_of_another_type_is_refused(fields, message):
    with pytest.raises(InvalidQuery, match=message):
        Query(**fields)


def test_numbers_of_numpy_become_plain_ones():
    query = Query(k=np.int64(3), as_of=np.int32(7))
    assert (query.k, query.as_of) == (3, 7)
    assert type(query.as_of) is int


@pytest.mark.parametrize(
    "observation",
    [
        np.array([1, "a"], dtype=object),
        np.array([1, 2], dtype=object),
        np.array([1 + 2j]),
        ["1.5"],
        [[1], [2, 3]],
        {"a": 1},
        None,
        [],
        "text",
        [1e300],
        np.array([2], dtype="datetime64[s]"),
        np.zeros(70_000),
    ],
    ids=lambda observation: str(observation)[:20],
)
def test_an_observation_that_is_no_array_of_real_numbers_is_refused(observation):
    with pytest.raises(InvalidRecord, match="observation"):
        observation_vector(observation)


def test_truth_values_are_an_observation():
    assert observation_vector(np.array([True, False])).values.tolist() == [1.0, 0.0]
