"""Paths into scene facts: nested names, and a star for any element."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InvalidQuery
from embodied_mem.records.filter_paths import ANY, check_path, join_path, split_path
from embodied_mem.records.filters import Between, Equals, In, Near, Not, matches

SCENE = {
    "facts": {
        "objects": {
            "apple_1": {"state": "sliced", "at_m": [1.0, 2.0], "holds": []},
            "fridge": {"state": "open", "temperature_c": 4, "holds": ["milk", "egg"]},
        },
        "relations": [["apple_1", "on", "table"], ["milk", "in", "fridge"]],
        "hands": [{"side": "left", "holds": None}, {"side": "right", "holds": "knife"}],
        "*": "star",
    }
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Equals("facts.objects.apple_1.state", "sliced"), True),
        (Equals("facts.objects.*.state", "open"), True),
        (Equals("facts.objects.*.state", "closed"), False),
        (In("facts.objects.*.holds.*", ("egg", "ham")), True),
        (Equals("facts.objects.*.holds", "egg"), False),  # a list equals nothing
        (Equals("facts.relations.*.*", "table"), True),
        (Equals("facts.hands.*.holds", None), True),
        (Equals("facts.hands.*.holds", "knife"), True),
        (Equals("facts.hands.*", "knife"), False),
        (Equals("facts.hands.side", "left"), False),  # a list has no names
        (Between("facts.objects.*.temperature_c", 0, 5), True),
        (Near("facts.objects.*.at_m", (1.0, 2.5), 1.0), True),
        (Not(Equals("facts.objects.*.state", "burnt")), True),
        (Not(Equals("facts.objects.*.state", "open")), False),  # one of them is
        (Equals("facts.objects.*.missing.*", 1), False),
        (Equals(r"facts.\*", "star"), True),
        (Equals("facts.*", "star"), True),
        (Equals("facts.objects.apple_1.state.*", "sliced"), False),  # a text has no elements
    ],
)
def test_a_path_reaches_what_it_names(query, expected):
    assert matches(query, SCENE) is expected


@pytest.mark.parametrize("path", ["*", "*.kind", "task.*", "scope.*", "facts", "facts.", "facts..a"])
def test_a_star_stands_in_free_json_only(path):
    with pytest.raises(InvalidQuery, match="is not a field"):
        check_path(path)


def test_a_star_among_costs_and_versions_is_allowed():
    assert matches(Between("outcome.cost.*", low=10), {"outcome": {"cost": {"usd": 1, "tokens": 900}}})


@given(st.lists(st.text("a.\\*"), min_size=1, max_size=4))
def test_a_path_of_any_names_gives_them_back(names):
    assert list(split_path(join_path(names))) == names


@given(st.lists(st.sampled_from([ANY, "*", "a*", "\\*", "a"]), min_size=1, max_size=4))
def test_a_star_and_a_name_that_is_one_are_told_apart(names):
    assert list(split_path(join_path(names))) == names
