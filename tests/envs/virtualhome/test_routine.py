import pytest

from embodied_mem.envs.virtualhome.home import GraphState, Home, Place
from embodied_mem.envs.virtualhome.problems import Goal, Relation
from embodied_mem.envs.virtualhome.routine import Change, Household, changed, read_catalogue
from tests.envs.virtualhome.five_nodes import edge, graph, node

NOTHING = Goal(actions=(("DRINK",),))
LAMPS = [node(id, "lamp", "Lamps", ["HAS_SWITCH"], ["OFF"]) for id in range(40, 52)]
CUPS = [node(id, "cup", properties=["GRABBABLE"]) for id in range(60, 64)]
SHELF = [node(30, "shelf", "Furniture", ["SURFACES"])]
PLACED = [edge(each["id"], "INSIDE", 1) for each in [*LAMPS, *CUPS, *SHELF]]
HOME = graph([*LAMPS, *CUPS, *SHELF], PLACED)
CATALOGUE = {"cup": ["shelf", "table"]}


@pytest.fixture
def household():
    """The first household in which somebody has a habit for cups and leaves lamps on."""
    seeds = (Household(seed, CATALOGUE) for seed in range(100))
    return next(
        each
        for each in seeds
        if each.person_of("cup") and any(change.state == "ON" for change in each.day(HOME, NOTHING, day=0))
    )


def test_a_moved_thing_is_in_its_new_place_and_nowhere_else():
    after = changed(graph(), [Change("Anna", 13, to=10)])
    home = Home(after)
    assert home.place(13) == Place("on", 10)
    assert home.room_of(13) == 1
    assert GraphState(after).to(13, "INSIDE") == [1]
    assert home.place(12) == Home(graph()).place(12)


def test_a_thing_that_was_left_on_is_on():
    after = GraphState(changed(HOME, [Change("Ben", 40, state="ON")]))
    assert after.states(40) == {"ON"}
    assert after.states(41) == {"OFF"}
    assert GraphState(HOME).states(40) == {"OFF"}


def test_a_day_of_a_household_is_the_same_again(household):
    assert household.day(HOME, NOTHING, day=3) == household.day(HOME, NOTHING, day=3)
    assert household.day(HOME, NOTHING, day=3) != household.day(HOME, NOTHING, day=4)


def test_habits_last_from_day_to_day(household):
    moves = [each for day in range(40) for each in household.day(HOME, NOTHING, day=day) if each.to]
    assert {each.person for each in moves} == {household.person_of("cup")}
    usual = household.places_for("cup")[0]
    assert {Home(HOME).things[each.to].class_name for each in moves} == {usual}


def test_a_habit_is_followed_on_most_days_and_not_on_all(household):
    n_changes = [len(household.day(HOME, NOTHING, day=day)) for day in range(40)]
    assert max(n_changes) > min(n_changes)


def test_what_the_goal_asks_for_is_never_done_by_others(household):
    places = Home(HOME)
    for to in (12, 30):
        goal = Goal(relations=tuple(Relation(id, "ON", to) for id in (60,)))
        for day in range(20):
            changes = household.day(HOME, goal, day=day)
            assert to not in GraphState(changed(HOME, changes)).to(60, "ON")
    assert places.room_of(60) == 1


def test_the_catalogue_keeps_what_things_are_put_on():
    entries = {
        "cup": [
            {"destination": "table", "relation": "ON", "room": "null"},
            {"destination": "cupboard", "relation": "IN", "room": "null"},
        ]
    }
    assert read_catalogue(entries) == {"cup": ["table"]}
