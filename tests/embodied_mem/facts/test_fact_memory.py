"""A fact memory tells what held when, and what was known when, as a plain list of sightings does."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem import Experience, ExperienceMemory, MemoryStore, where
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.errors import InvalidQuery
from embodied_mem.facts import HOME_RULES, FactMemory, Triplet

THINGS = ("cup", "key", "player")
PLACES = ("sink", "shelf", "kitchen", "garden")
STATES = ("open", "closed", "red")


@dataclass(frozen=True)
class Sighting:
    triplet: Triplet
    holds: bool
    time: float
    source: str


TRIPLETS = st.one_of(
    st.builds(
        Triplet, st.sampled_from(THINGS), st.sampled_from(("in", "on", "held by")), st.sampled_from(PLACES)
    ),
    st.builds(Triplet, st.sampled_from(PLACES), st.just("is"), st.sampled_from(STATES)),
    st.builds(Triplet, st.sampled_from(PLACES), st.just("near"), st.sampled_from(PLACES)),
)
SIGHTINGS = st.lists(
    st.builds(
        Sighting,
        TRIPLETS,
        st.sampled_from((True, True, True, False)),
        st.integers(0, 6).map(float),
        st.sampled_from(("e0", "e1", "e2")),
    ),
    max_size=25,
)


def new_memory() -> FactMemory:
    return FactMemory(ExperienceMemory(InMemoryBackend()))


def learn(facts: FactMemory, sighting: Sighting) -> None:
    said = {"triplets" if sighting.holds else "outdated": [sighting.triplet]}
    facts.learn(**{"triplets": [], **said}, sources=[sighting.source], time=sighting.time)


def held(sightings: list[Sighting], time: float | None) -> set[Triplet]:
    """The plain reference: what the last sighting of each slot until a time says; repeats count once."""
    last: dict[tuple[str, ...], Triplet | None] = {}
    once = dict.fromkeys(sightings)
    for each in sorted(once, key=lambda each: each.time):  # stable: of one time the last told is last
        slot = HOME_RULES.slot(each.triplet)
        if time is None or each.time <= time:
            if each.holds:
                last[slot] = each.triplet
            elif last.get(slot) == each.triplet:
                last[slot] = None
    return {triplet for triplet in last.values() if triplet is not None}


def triplets(facts: FactMemory, **when: float | int | None) -> set[Triplet]:
    return {fact.triplet for fact in facts.facts(**when)}


@given(SIGHTINGS)
def test_what_holds_at_any_time_is_what_the_sightings_say(sightings):
    facts = new_memory()
    for each in sightings:
        learn(facts, each)
    for time in (None, -1.0, 0.0, 1.0, 2.5, 4.0, 6.0, 9.0):
        assert triplets(facts, valid_at=time) == held(sightings, time)


@given(SIGHTINGS, st.integers(0, 25))
def test_what_was_known_is_not_changed_by_what_is_learnt_later(sightings, n):
    facts = new_memory()
    for each in sightings[:n]:
        learn(facts, each)
    horizon, before = facts.horizon(), facts.facts(valid_at=3.0)
    for each in sightings[n:]:
        learn(facts, each)
    assert facts.facts(as_of=horizon, valid_at=3.0) == before
    assert triplets(facts, as_of=horizon) == held(sightings[:n], None)


@given(SIGHTINGS)
def test_learning_the_same_again_records_nothing(sightings):
    facts = new_memory()
    for each in sightings:
        learn(facts, each)
    horizon, before = facts.horizon(), facts.facts()
    for each in sightings:
        learn(facts, each)
    assert facts.horizon() == horizon
    assert facts.facts() == before


@given(SIGHTINGS)
def test_a_memory_that_is_asked_in_between_knows_what_one_that_reads_the_log_at_once_does(sightings):
    facts = new_memory()
    for each in sightings:
        learn(facts, each)
        facts.recall("the cup in the sink")
    again = FactMemory(facts.memory)
    assert facts.facts() == again.facts()
    assert {fact.triplet for fact in facts.neighbours("cup", 3)} == {
        fact.triplet for fact in again.neighbours("cup", 3)
    }


@given(SIGHTINGS)
def test_intervals_of_a_slot_do_not_overlap_and_agree_with_each_moment(sightings):
    facts = new_memory()
    for each in sightings:
        learn(facts, each)
    every = [fact for thing in (*THINGS, *PLACES) for fact in facts.history(thing)]
    for time in (0.0, 1.0, 3.5, 6.0):
        assert {fact.triplet for fact in every if fact.holds_at(time)} == held(sightings, time)


@settings(max_examples=15)  # each of them makes and purges a store on disk
@given(sightings=SIGHTINGS, gone=st.sampled_from(("e0", "e1", "e2")))
def test_a_purge_of_a_source_leaves_what_the_others_say(sightings, gone, tmp_path_factory):
    with MemoryStore.open(tmp_path_factory.mktemp("store")) as store:
        facts = FactMemory(store.memory())
        for source in ("e0", "e1", "e2"):
            facts.memory.record(Experience(id=source, task="look around"))
        for each in sightings:
            learn(facts, each)
        store.purge([gone])
        left = [each for each in sightings if each.source != gone]
        for time in (None, 0.0, 3.0):
            assert triplets(facts, valid_at=time) == held(left, time)
        assert all(gone not in fact.sources for fact in facts.facts())


@given(SIGHTINGS, st.integers(0, 25))
def test_the_newest_part_of_a_log_in_order_of_time_shows_nothing_that_has_ended(sightings, n):
    in_order = sorted(dict.fromkeys(sightings), key=lambda each: each.time)
    facts = new_memory()
    for each in in_order:
        learn(facts, each)
    newest = [hit.experience for hit in facts.memory.recall(where=where(kind="fact"), k=n)]
    later = new_memory()
    later.memory.record_all(newest[::-1])
    assert triplets(later) <= triplets(facts)


def test_an_export_and_a_merge_carry_facts(tmp_path):
    with MemoryStore.open(tmp_path / "a") as store, MemoryStore.open(tmp_path / "b") as other:
        FactMemory(store.memory()).learn([Triplet("cup", "in", "sink")], time=0)
        FactMemory(other.memory()).learn([Triplet("cup", "on", "shelf")], time=1)
        store.export(tmp_path / "exported")
        other.merge(store.path)
        assert triplets(FactMemory(other.memory())) == {Triplet("cup", "on", "shelf")}
        assert triplets(FactMemory(other.memory()), valid_at=0.0) == {Triplet("cup", "in", "sink")}
    with MemoryStore.import_folder(tmp_path / "exported", tmp_path / "c") as third:
        assert triplets(FactMemory(third.memory())) == {Triplet("cup", "in", "sink")}


def test_threads_may_learn_and_ask_at_once(tmp_path):
    with MemoryStore.open(tmp_path) as store, ThreadPoolExecutor(4) as pool:
        facts = FactMemory(store.memory())

        def work(n: int) -> None:
            facts.learn([Triplet(f"cup {n}", "in", "sink")], sources=[f"e{n}"], time=n)
            facts.recall(f"cup {n} in the sink")

        list(pool.map(work, range(40)))
        assert triplets(facts) == {Triplet(f"cup {n}", "in", "sink") for n in range(40)}
        assert facts.facts() == FactMemory(store.memory()).facts()


def test_a_memory_that_cannot_be_written_is_rejected(tmp_path):
    with MemoryStore.open(tmp_path) as store, pytest.raises(InvalidQuery, match="memory"):
        FactMemory(store.memory(mode="frozen"))


def test_a_fact_that_is_seen_again_is_one_fact_with_more_sources():
    facts = new_memory()
    cup = Triplet("the Cup", "is in", "a sink")
    facts.learn([cup], sources=["e0", "e1"], time=0)
    facts.learn([cup], sources=["e2"], time=1)
    [fact] = facts.facts()
    assert (fact.triplet.text, fact.sources, fact.valid_from) == ("cup in sink", ("e0", "e1", "e2"), 0.0)


def test_a_fact_that_ended_and_began_again_has_two_times():
    facts = new_memory()
    for time, state in enumerate(("open", "closed", "open")):
        facts.learn([Triplet("door", "is", state)], time=time)
    told = [(fact.triplet.object, fact.valid_from, fact.valid_until) for fact in facts.history("door")]
    assert told == [("open", 0.0, 1.0), ("closed", 1.0, 2.0), ("open", 2.0, None)]


def test_an_exit_between_visited_places_is_never_outdated():
    facts = new_memory()
    north = Triplet("kitchen", "north", "hall")
    facts.learn([north, Triplet("player", "at", "kitchen")], time=0)
    facts.learn([Triplet("player", "at", "hall")], time=1)
    assert facts.learn([], outdated=[north], time=2).kept == (north,)
    assert north in triplets(facts)
    unseen = Triplet("hall", "north", "attic")
    facts.learn([unseen], time=3)
    assert facts.learn([], outdated=[unseen], time=4).kept == ()
    assert unseen not in triplets(facts)


def test_withdrawn_and_archived_sightings_do_not_count(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        facts = FactMemory(store.memory())
        facts.learn([Triplet("cup", "in", "sink")], time=0)
        horizon = facts.horizon()
        facts.learn([Triplet("cup", "on", "shelf")], time=1)
        facts.memory.withdraw(horizon)
        [fact] = facts.facts()
        assert fact.triplet.text == "cup in sink"
        store.archive(fact.ids)
        assert facts.facts() == []
        store.restore(fact.ids)
        assert triplets(facts) == {fact.triplet}


def test_facts_outlive_the_process_that_learnt_them(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        FactMemory(store.memory()).learn([Triplet("cup", "in", "sink")], sources=["e0"], time=0)
    with MemoryStore.open(tmp_path) as store:
        assert triplets(FactMemory(store.memory())) == {Triplet("cup", "in", "sink")}


def test_two_memories_over_one_log_see_what_the_other_learns():
    one = new_memory()
    other = FactMemory(one.memory)
    assert other.facts() == []
    one.learn([Triplet("cup", "in", "sink")], time=0)
    assert triplets(other) == {Triplet("cup", "in", "sink")}


def test_an_experience_of_a_users_own_kind_fact_is_no_fact():
    facts = new_memory()
    facts.memory.record(Experience(task="", kind="fact", state="water is wet", metadata={"subject": 3}))
    assert facts.facts() == []


@pytest.mark.parametrize("time", [float("nan"), float("inf"), "noon", True])
def test_a_time_that_is_no_number_is_rejected(time):
    with pytest.raises(ValueError, match="the time of a fact"):
        new_memory().learn([Triplet("cup", "in", "sink")], time=time)
