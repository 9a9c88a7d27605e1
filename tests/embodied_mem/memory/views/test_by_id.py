import pytest

from embodied_mem.records import Experience, SkillCall
from embodied_mem.store import MemoryStore

STATE = "the fridge is closed and the light is on"


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        yield store


def note(store, name, state=STATE, **values):
    plan = (SkillCall("open", {"object": "fridge"}),)
    store.memory().record(Experience(task="open it", state=state, plan=plan, id=name, **values))


def test_near_duplicates_are_grouped_under_the_first_in_the_order_of_writing(store):
    for name, state in (
        ("b", STATE),
        ("x", "somewhere else"),
        ("a", STATE),
        ("c", STATE),
        ("y", "Somewhere ELSE"),
    ):
        note(store, name, state)
    assert list(store.near_duplicates().items()) == [("b", ["a", "c"]), ("x", ["y"])]


def test_what_stands_alone_is_in_no_group(store):
    note(store, "a")
    note(store, "b", "nothing like it")
    assert store.near_duplicates() == {}


def test_a_hit_says_for_how_many_it_stands_as_the_groups_do(store):
    for name in "abc":
        note(store, name)
    note(store, "other", "nothing like it at all")
    hits = store.memory().recall(task="open it", k=5, distinct=True)
    groups = store.near_duplicates()
    assert {hit.experience.id: hit.n_alike for hit in hits} == {"a": 3, "other": 1}
    assert all(hit.n_alike == 1 + len(groups.get(hit.experience.id, ())) for hit in hits)
    assert {hit.n_alike for hit in store.memory().recall(task="open it", k=5)} == {1}


def test_utility_grows_with_uses_and_votes_and_is_missing_without_either(store):
    for name in ("used", "helped", "idle"):
        note(store, name, state=name)
    note(store, "later", recalled=("used", "helped"))
    store.memory().feedback("helped", helped=True)
    utility = store.utility()
    assert set(utility) == {"used", "helped"}
    assert utility["used"] == pytest.approx(1 / 2 * 1 / 2)  # m = 1, no votes
    assert utility["helped"] == pytest.approx(2 / 3 * 2 / 3)  # m = 2, one vote that it helped


def test_what_is_withdrawn_is_in_neither(store):
    note(store, "a")
    horizon = store.memory().horizon()
    note(store, "b", recalled=("a",))
    store.memory().withdraw(horizon)
    assert store.near_duplicates() == {}
    assert store.utility() == {}
    note(store, "c", recalled=("b",))  # by who still knows its id
    assert store.near_duplicates() == {"a": ["c"]}
    assert store.utility() == {}


def test_what_is_purged_is_in_neither(store):
    for name in "ab":
        note(store, name)
    note(store, "c", recalled=("a",))
    assert store.near_duplicates() == {"a": ["b", "c"]}
    store.purge(["a"])
    assert store.near_duplicates() == {"b": ["c"]}
    assert store.utility() == {}
