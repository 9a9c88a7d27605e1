"""The graph of facts: what is near, what is recalled, which episodes facts come from, and ways."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem import ExperienceMemory
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.errors import InvalidQuery
from embodied_mem.facts import FactMemory, Triplet
from embodied_mem.facts.graph import FactGraph
from embodied_mem.facts.node_words import NodeWords
from embodied_mem.facts.routes import route

NAMES = ("cup", "red cup", "sink", "kitchen sink", "hall", "the of", "key 1", "key 2")
EDGES = st.lists(
    st.builds(Triplet, st.sampled_from(NAMES), st.sampled_from(("in", "near")), st.sampled_from(NAMES)),
    max_size=20,
)


def graph_of(triplets) -> FactGraph:
    graph = FactGraph()
    for triplet in triplets:
        graph.set((triplet.text,), triplet)
    return graph


def facts_of(*lines: str, source: str = "e0") -> FactMemory:
    facts = FactMemory(ExperienceMemory(InMemoryBackend()))
    facts.learn([Triplet(*line.split("; ")) for line in lines], sources=[source], time=0)
    return facts


@given(EDGES, st.sampled_from(NAMES), st.integers(1, 4))
def test_neighbours_are_the_facts_within_a_distance(triplets, start, depth):
    ring, distance = {start}, {}
    for step in range(depth):
        near = [each for each in triplets if {each.subject, each.object} & ring]
        distance = {**dict.fromkeys(near, step), **distance}
        ring |= {end for each in near for end in (each.subject, each.object)}
    assert graph_of(triplets).neighbours(start, depth) == distance


@given(EDGES, EDGES)
def test_a_graph_whose_facts_were_taken_away_is_one_that_never_had_them(kept, gone):
    graph = graph_of([*gone, *kept])
    for triplet in gone:
        if triplet not in kept:
            graph.set((triplet.text,), None)
    fresh = graph_of(kept)
    assert set(graph.nodes) == set(fresh.nodes)
    for query in ("red cup in the kitchen sink", "key 1"):
        told = {(each.triplet, each.score, each.depth) for each in graph.recall(query, top_k=99, max_depth=9)}
        again = {
            (each.triplet, each.score, each.depth) for each in fresh.recall(query, top_k=99, max_depth=9)
        }
        assert told == again


@given(
    st.lists(st.sampled_from(NAMES), unique=True), st.sampled_from(("take the red cup", "the sink of key 1"))
)
def test_a_name_is_mentioned_by_the_share_of_its_words(names, query):
    index = NodeWords()
    for name in names:
        index.add(name)
    found = index.mentioned(query, threshold=1.0)
    assert set(found) == {name for name in names if set(name.split()) <= set(query.split())}
    assert set(index.mentioned(query, threshold=0.3)) >= set(found)


def test_a_text_about_something_else_recalls_nothing():
    graph = graph_of([Triplet("cup", "in", "sink")])
    assert graph.recall("open the door to the garden") == []


def test_recall_goes_breadth_first_and_facts_between_named_things_come_first():
    near, far, other = (
        Triplet("cup", "in", "sink"),
        Triplet("sink", "at", "kitchen"),
        Triplet("cup", "is", "red"),
    )
    graph = graph_of([near, far, other])
    told = [(each.triplet, each.depth) for each in graph.recall("the cup in the sink", max_depth=2)]
    assert told[0] == (near, 0)
    assert {each for each, depth in told if depth == 0} == {near, far, other}
    reached = graph.recall("the cup", max_depth=2)
    assert [(each.triplet, each.score) for each in reached if each.depth] == [(far, 0.5)]
    assert far not in {each.triplet for each in graph.recall("the cup", max_depth=1)}


def test_of_a_thing_with_many_facts_the_newest_are_followed():
    graph = graph_of([Triplet(f"cup {n}", "in", "sink") for n in range(20)])
    told = [each.triplet.subject for each in graph.recall("sink", max_depth=1, top_k=3)]
    assert told == ["cup 19", "cup 18", "cup 17"]
    assert len(graph.recall("sink", max_depth=1, top_k=20, limit=5)) == 5


@pytest.mark.parametrize(
    "wrong", [{"max_depth": 0}, {"top_k": 0}, {"limit": 0}, {"threshold": 0}, {"threshold": 2}]
)
def test_values_out_of_range_are_rejected(wrong):
    with pytest.raises(InvalidQuery, match=next(iter(wrong))):
        graph_of([]).recall("cup", **wrong)


def test_episodes_are_weighed_by_the_share_of_their_facts_and_their_number():
    facts = facts_of("cup; in; sink", "sink; at; kitchen", "door; is; open")
    facts.learn([Triplet("cup", "in", "sink")], sources=["e1"], time=1)
    facts.learn([Triplet("cup", "in", "sink"), Triplet("key", "on", "shelf")], sources=["e2"], time=2)
    recalled = [each.fact for each in facts.recall("cup", max_depth=2)]
    assert [fact.triplet.text for fact in recalled] == ["cup in sink", "sink at kitchen"]
    told = facts.episodes_of(recalled, k=3)
    assert [(each.source, each.matches, each.size) for each in told] == [
        ("e0", 2, 3),
        ("e2", 1, 2),
        ("e1", 1, 1),
    ]
    assert [each.score for each in told] == pytest.approx([2 / 3 * log(3), 1 / 2 * log(2), 0.0])


def test_the_best_episode_counts_little_where_it_has_little_to_do_with_the_facts():
    facts = facts_of("cup; in; sink", *(f"key {n}; on; shelf {n}" for n in range(50)))
    [best] = facts.episodes_of([each.fact for each in facts.recall("cup")], k=1)
    assert best.score < 0.1


def test_the_way_is_the_shortest_one_over_exits_and_none_is_made_up():
    facts = facts_of(
        "kitchen; north; hall",
        "hall; east; garden",
        "garden; north; attic",
        "kitchen; up; attic",
        "cup; in; attic",
    )
    assert [str(each) for each in facts.route("kitchen", "garden")] == [
        "kitchen; north; hall",
        "hall; east; garden",
    ]
    assert facts.route("kitchen", "kitchen") == []
    assert facts.route("garden", "kitchen") is None
    assert facts.route("attic", "cup") is None
    assert facts.route("nowhere", "hall") is None


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20),
    st.integers(0, 6),
    st.integers(0, 6),
)
def test_a_way_is_as_short_as_any(exits, start, goal):
    distance = {start: 0}
    for _ in range(7):
        for here, there in exits:
            if here in distance:
                distance[there] = min(distance.get(there, 99), distance[here] + 1)
    graph = graph_of(Triplet(f"room {here}", "north", f"room {there}") for here, there in exits)
    way = route(graph, f"room {start}", f"room {goal}", exits=("north",))
    assert (None if way is None else len(way)) == distance.get(goal)
    if way:
        assert [each.object for each in way[:-1]] == [each.subject for each in way[1:]]


def test_what_a_thing_has_is_stored_as_what_holds_it():
    facts = facts_of("player; holds; cup", "hall; north of; kitchen", "chest; contains; key")
    assert {fact.triplet.text for fact in facts.facts()} == {
        "cup held by player",
        "kitchen north hall",
        "key in chest",
    }


def test_a_source_that_is_not_known_as_of_then_is_left_out():
    facts = facts_of("cup; in; sink", "sink; at; kitchen")
    horizon = facts.horizon()
    facts.learn([Triplet("cup", "in", "sink"), Triplet("key", "on", "shelf")], sources=["later"], time=1)
    told = facts.episodes_of(facts.facts(), k=5, as_of=horizon)
    assert [each.source for each in told] == ["e0"]


def test_things_may_be_named_in_any_form():
    facts = facts_of("cup; in; sink", "kitchen; north; hall")
    assert [fact.triplet.text for fact in facts.history("The Cup")] == ["cup in sink"]
    assert [fact.triplet.text for fact in facts.neighbours("a SINK")] == ["cup in sink"]
    assert facts.route("the kitchen", "Hall") == [Triplet("kitchen", "north", "hall")]
