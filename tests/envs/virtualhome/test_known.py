import pytest

from embodied_mem.envs.virtualhome.home import GraphState, Home
from embodied_mem.envs.virtualhome.known import Known
from embodied_mem.envs.virtualhome.naming import in_words, name_all
from embodied_mem.envs.virtualhome.text import describe_known, describe_room
from tests.envs.virtualhome.five_nodes import graph, node


@pytest.fixture
def home():
    return Home(graph())


@pytest.fixture
def known(home):
    return Known(home, name_all(home.things.values()))


def test_names_are_the_class_in_words_and_a_number(home):
    names = name_all(home.things.values())
    assert names[10] == "fridge 1"
    assert names[1] == "kitchen"
    assert len(set(names.values())) == len(names)
    assert in_words("food_kiwi") == "kiwi"
    assert in_words("coffe_maker") == "coffee maker"


def test_only_what_was_seen_is_known(home, known):
    assert known.find("cup 1") is None
    known.see(2, home.visible_in(2), step=3)
    assert known.find("cup 1") == known.find("the cup") == 13
    assert known.find("milk 1") is None
    assert known.seen_at[13] == 3
    assert known.find("kitchen") == 1  # rooms are known from the start


def test_something_means_what_is_offered_first(home, known):
    known.see(2, home.visible_in(2), step=0)
    assert known.find("something", first=[14, 13]) == 14


def test_a_thing_is_new_once_and_again_when_it_differs(home, known):
    assert [each.name for each in known.see(1, home.visible_in(1), step=0)] == ["fridge 1"]
    assert known.see(1, home.visible_in(1), step=1) == []
    home.update([10], GraphState(graph([node(10, "fridge", states=["OPEN"])])))
    changed = known.see(1, home.visible_in(1), step=2)
    assert [(each.name, each.states) for each in changed] == [("fridge 1", ("open",)), ("milk 1", ("clean",))]


def test_a_sighting_is_a_fact(home, known):
    known.see(2, home.visible_in(2), step=0)
    assert known.sightings[13].as_fact() == {
        "id": 13,
        "name": "cup 1",
        "class": "cup",
        "room": "bedroom",
        "relation": "on",
        "to": "table 1",
        "states": [],
    }


def test_the_text_groups_things_by_what_they_are_on(home, known):
    seen = known.see(2, home.visible_in(2), step=0)
    text = describe_room("bedroom", posture="standing", held=[], seen=seen, beside=["kitchen"])
    assert text == (
        "In the bedroom, standing, holding nothing. Doors lead to the kitchen. "
        "Seeing: table 1, on table 1: cup 1, in cup 1: water 1."
    )


def test_texts_are_bounded_and_count_what_they_leave_out(home, known):
    known.see(2, home.visible_in(2), step=0)
    whole = describe_known(known, 4, None, [])
    assert "cup 1 on table 1 in the bedroom, seen 4 steps ago" in whole
    short = describe_known(known, 4, 22, ["cup 1"])
    assert short == "Known: cup 1 on table 1 in the bedroom, seen 4 steps ago, 2 more."
    assert describe_known(known, 4, 0, []) == ""
