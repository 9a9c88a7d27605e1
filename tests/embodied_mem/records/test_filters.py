import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidQuery
from embodied_mem.records.filters import (
    EVERYTHING,
    And,
    Between,
    Equals,
    In,
    Near,
    Not,
    Or,
    after,
    all_of,
    asks_by_id,
    before,
    excludes_nothing,
    join_path,
    matches,
    split_path,
    to_document,
    where,
)

DOCUMENT = {
    "kind": "repair",
    "task": {"text": "go", "kind": "Maze-v0"},
    "outcome": {"status": "success", "reward": 1.5, "steps": 3},
    "scope": {"agent": "robot", "place": "kitchen-2"},
    "metadata": {"floor": 1, "lit": True, "tags": ["a"], "nothing": None, "v1.2": {"a\\b": 7}},
    "happened_at_s": 100.0,
    "position_m": [1.0, 2.0, 2.0],
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (EVERYTHING, True),
        (Or(), False),
        (Equals("kind", "repair"), True),
        (Equals("task.kind", "Maze"), False),
        (Equals("metadata.floor", 1.0), True),
        (Equals("metadata.lit", 1), False),
        (Equals("metadata.floor", True), False),
        (Equals("metadata.nothing", None), True),
        (Equals("metadata.absent", None), False),
        (Equals("metadata.tags", "a"), False),
        (Not(Equals("metadata.absent", 1)), True),
        (In("outcome.status", ("failure", "success")), True),
        (In("outcome.status", ()), False),
        (Between("outcome.reward", 1.5, 2), True),
        (Between("outcome.reward", None, 1.5), False),
        (Between("metadata.lit", 0, 2), False),
        (Between("metadata.absent"), False),
        (And((Equals("kind", "repair"), Not(Equals("scope.agent", "other")))), True),
        (Or((Equals("kind", "note"), Equals("scope.agent", "robot"))), True),
    ],
)
def test_the_reference_evaluator(query, expected):
    assert matches(query, DOCUMENT) is expected


def test_a_scope_is_compared_by_component_and_never_by_prefix():
    assert not matches(where(scope__place="kitchen"), DOCUMENT)
    assert matches(where(scope__place="kitchen-2"), DOCUMENT)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Near("position_m", (1, 2, 2), 0), True),
        (Near("position_m", (1, 2, 5), 3), True),
        (Near("position_m", (1, 2, 5), 2.9), False),
        (Near("position_m", (1, 2), 9), False),  # a place on a map is none in space
        (Near("metadata.floor", (1, 2), 9), False),
        (Near("metadata.absent", (1, 2), 9), False),
        (Near("metadata.tags", (1, 2), 9), False),
        (Not(Near("metadata.absent", (1, 2), 9)), True),
    ],
)
def test_a_place_is_near_up_to_the_radius(query, expected):
    assert matches(query, DOCUMENT) is expected


COORDINATES = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(COORDINATES, COORDINATES), min_size=2, max_size=2), st.floats(0, 1e6))
def test_near_is_the_distance_in_metres(places, radius_m):
    here, there = places
    is_near = math.dist(here, there) <= radius_m
    assert matches(Near("position_m", here, radius_m), {"position_m": list(there)}) is is_near


@pytest.mark.parametrize(
    "build",
    [
        lambda: Near("position_m", (1, 2), -1),
        lambda: Near("position_m", (1, 2), math.inf),
        lambda: Near("position_m", (1, 2), "3"),
        lambda: Near("position_m", (1,), 1),
        lambda: Near("position_m", (1, math.nan), 1),
        lambda: Near("position_m", (1, True), 1),
        lambda: Near("position_m", "12", 1),
        lambda: Near("position", (1, 2), 1),
    ],
)
def test_a_place_that_cannot_be_measured_is_refused(build):
    with pytest.raises(InvalidQuery, match=r"expected|not a field"):
        build()


def test_a_center_may_be_an_array():
    assert Near("position_m", np.array([1, 2], np.float32), np.float32(1)) == Near("position_m", (1, 2), 1)


@pytest.mark.parametrize(("time_s", "expected"), [(99.0, False), (100.0, False), (100.5, True)])
def test_before_and_after_share_out_what_has_a_time(time_s, expected):
    assert matches(before(time_s), DOCUMENT) is expected
    assert matches(after(time_s), DOCUMENT) is not expected
    assert not matches(before(time_s), {})
    assert not matches(after(time_s), {})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Equals("id", "x"), True),
        (In("id", ("x", "y")), True),
        (And((In("id", ("x",)), Equals("kind", "note"))), True),
        (Or((Equals("id", "x"), In("id", ("y",)))), True),
        (Or((Equals("id", "x"), Equals("kind", "note"))), False),
        (Or(), False),
        (Not(Equals("id", "x")), False),
        (EVERYTHING, False),
        (Equals("metadata.id", "x"), False),
    ],
)
def test_a_filter_asks_by_id_where_nothing_else_can_pass(query, expected):
    assert asks_by_id(query) is expected


EVER = Between("happened_at_s")
NEVER = Or(())
SOME = Equals("kind", "repair")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (EVERYTHING, True),
        (Not(NEVER), True),
        (Not(In("kind", ())), True),
        (Not(And((SOME, NEVER))), True),
        (Not(Not(EVERYTHING)), True),
        (EVER, True),
        (Between("happened_at_s", -math.inf, math.inf), True),
        (Or((SOME, Not(NEVER))), True),
        (And((EVER, Not(NEVER))), True),
        (NEVER, False),
        (SOME, False),
        (Not(SOME), False),
        (And((SOME, EVERYTHING)), False),
        (Between("happened_at_s", 0.0), False),
        (Between("outcome.reward"), False),  # not every experience has one
        (Not(EVER), False),
        (In("kind", ()), False),
    ],
)
def test_a_filter_that_can_exclude_nothing_is_known_by_its_form(query, expected):
    assert excludes_nothing(query) is expected
    assert matches(query, DOCUMENT) >= expected


def test_a_name_with_a_dot_can_be_addressed():
    assert matches(Equals(r"metadata.v1\.2.a\\b", 7), DOCUMENT)
    assert matches(Equals(join_path(("metadata", "v1.2", r"a\b")), 7), DOCUMENT)
    assert not matches(Equals("metadata.v1.2", 7), DOCUMENT)


@given(st.lists(st.text("a.\\"), min_size=1, max_size=4))
def test_a_path_of_any_names_gives_them_back(names):
    assert list(split_path(join_path(names))) == names


def test_keywords_build_a_filter():
    assert where(kind="repair", outcome="success") == And(
        (Equals("kind", "repair"), Equals("outcome.status", "success"))
    )
    assert where(kind=["a", "b"]) == In("kind", ("a", "b"))
    assert where() == EVERYTHING


def test_parts_that_match_everything_are_dropped():
    assert all_of(EVERYTHING, Equals("kind", "note")) == Equals("kind", "note")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("colour", "Known: id, kind"),
        ("task", "Expected task.text"),
        ("task.name", "Expected task.text"),
        ("metadata", "metadata.<name>"),
        ("scope.agent.name", "Expected scope.agent"),
        ('metadata.a"b', "not a field"),
    ],
)
def test_an_unknown_path_is_refused_with_the_known_ones(path, message):
    with pytest.raises(InvalidQuery, match=message):
        Equals(path, 1)


@pytest.mark.parametrize("value", [math.nan, [1], b"x"])
def test_a_value_that_cannot_be_compared_is_refused(value):
    with pytest.raises(InvalidQuery, match="expected"):
        Equals("metadata.a", value)


def test_a_bound_that_is_no_number_is_refused():
    with pytest.raises(InvalidQuery, match="nan"):
        Between("outcome.reward", math.nan)


def test_a_filter_can_be_logged():
    assert to_document(Not(Equals("kind", "note"))) == {"not": {"equals": {"path": "kind", "value": "note"}}}
    assert to_document(Near("position_m", (1, 2), 3)) == {
        "near": {"path": "position_m", "center": [1.0, 2.0], "radius_m": 3}
    }


@pytest.mark.parametrize("combine", [And, Or])
def test_a_long_chain_of_one_operator_is_one_level(combine):
    chained = Equals("kind", "repair")
    for n in range(500):
        chained = combine((chained, Equals("metadata.floor", n)))
    assert (len(chained.parts), chained.depth) == (501, 1)
    assert matches(chained, DOCUMENT) is (combine is Or)


def test_a_filter_that_is_nested_too_deep_is_refused():
    deepest = reduce(lambda inner, _: Not(inner), range(63), Not(Equals("kind", "repair")))
    assert matches(deepest, DOCUMENT)
    with pytest.raises(InvalidQuery, match="nested deeper than 64 levels"):
        Not(deepest)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Not(None),
        lambda: And(Equals("kind", "note")),
        lambda: Or(({"kind": "note"},)),
        lambda: In("kind", "note"),
        lambda: In("kind", 3),
        lambda: Between("outcome.reward", "a"),
    ],
)
def test_what_is_no_filter_or_value_is_refused(build):
    with pytest.raises(InvalidQuery, match=r"expected|not a filter"):
        build()


def test_numbers_of_numpy_are_numbers():
    assert matches(Equals("metadata.floor", np.int64(1)), DOCUMENT)
    assert matches(Between("outcome.reward", np.float32(1.5), np.int64(2)), DOCUMENT)


@pytest.mark.parametrize(
    "asked",
    [
        {"outcome": "sucess"},
        {"outcome__status": ["success", "won"]},
        {"outcome": 1},
        {"outcome": np.zeros(2)},
    ],
)
def test_an_outcome_that_there_is_not_is_refused_and_not_searched_in_vain(asked):
    with pytest.raises(InvalidQuery, match=r"status .* is unknown; expected one of success, failure"):
        where(**asked)
