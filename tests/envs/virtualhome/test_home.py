from embodied_mem.envs.virtualhome.home import GraphState, Home, Place, way_between
from tests.envs.virtualhome.five_nodes import edge, graph, node


def test_a_thing_is_in_what_holds_it_and_only_then_in_a_room():
    home = Home(graph())
    assert home.place(11) == Place("in", 10)
    assert home.place(13) == Place("on", 12)
    assert home.place(10) == Place("in", 1)
    assert home.room_of(14) == 2  # water in a cup on a table


def test_what_is_in_a_closed_thing_is_not_visible():
    assert Home(graph()).visible_in(1) == [10]


def test_opening_shows_what_is_inside():
    home = Home(graph())
    home.update([10], GraphState(graph([node(10, "fridge", states=["OPEN"])])))
    assert home.visible_in(1) == [10, 11]
    assert home.closed_around(11) is None


def test_what_is_in_something_on_a_table_is_visible():
    assert Home(graph()).visible_in(2) == [12, 13, 14]


def test_what_is_held_goes_with_the_agent_and_so_does_what_is_in_it():
    home = Home(graph())
    home.update([13], GraphState(graph(edges=[edge(65, "HOLDS_RH", 13)])))
    assert home.held == [13]
    assert home.room_of(14) == 1
    assert home.visible_in(1) == [10, 13, 14]


def test_two_things_inside_each_other_do_not_vanish():
    curtains = [node(20, "curtain", states=["CLOSED"]), node(21, "curtain", states=["CLOSED"])]
    inside = [edge(20, "INSIDE", 21), edge(21, "INSIDE", 20), edge(20, "INSIDE", 1), edge(21, "INSIDE", 1)]
    home = Home(graph(curtains, inside))
    assert home.room_of(20) == home.room_of(21) == 1
    assert home.place(21) == Place("in", 1)


def test_a_sink_is_visible_although_its_counter_is_closed():
    built_in = [node(22, "kitchen_counter", states=["CLOSED"]), node(23, "sink"), node(24, "plate")]
    edges = [edge(id, "INSIDE", 1) for id in (22, 23, 24)] + [edge(23, "INSIDE", 22), edge(24, "INSIDE", 22)]
    assert Home(graph(built_in, edges)).visible_in(1) == [10, 22, 23]


def test_the_version_changes_with_what_happened_and_only_then():
    home = Home(graph())
    before = home.version
    home.update([10, 11], GraphState(graph()))
    assert home.version == before
    home.update([10], GraphState(graph([node(10, "fridge", states=["OPEN"])])))
    assert home.version == before + 1


def test_the_way_leads_through_the_fewest_doors():
    doors = {1: {2}, 2: {1, 3, 4}, 3: {2, 5}, 4: {2, 5}, 5: {3, 4}}
    assert way_between(doors, 1, 5) == [2, 3, 5]
    assert way_between(doors, 1, 1) == []
    assert way_between(doors, 1, 9) == []
