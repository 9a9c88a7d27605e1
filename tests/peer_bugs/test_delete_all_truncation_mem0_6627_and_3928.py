"""mem0 #6627: "delete all" removed a hundred and said all; #3928: for one user it removed everybody's."""

import time

import pytest

from embodied_mem import MemoryStore, Scope, where
from embodied_mem.records.filters import Where
from embodied_mem.store.upkeep.purge import purge
from tests.durability.examples import example

N_ANNA, N_BEN = 250, 30


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory()
        for person, n in (("anna", N_ANNA), ("ben", N_BEN), ("annabel", 1)):
            for number in range(n):
                identity = f"{person}-{number}"
                memory.record(example(identity).replace(scope=Scope(person=person), state=""))
        yield store


def ours(store, asked: Where) -> int:
    return len(purge(store.backend, store.path, asked, at_s=time.time()).purged)


def stops_at_a_hundred(store, asked: Where) -> int:
    """The planted bug of #6627: one page of a listing, and "all deleted"."""
    found = [hit.experience.id for hit in store.memory().recall(where=asked, k=100)]
    purge(store.backend, store.path, found, at_s=time.time())
    return N_ANNA


def forgets_the_filter(store, asked: Where) -> int:
    """The planted bug of #3928."""
    ids = [experience.id for experience in store.experiences()]
    return len(purge(store.backend, store.path, ids, at_s=time.time()).purged)


def check_one_person_is_gone_and_nobody_else(store, delete_all) -> None:
    """And the number that is reported is the number that is gone."""
    n_reported = delete_all(store, where(scope__person="anna"))
    left = [experience.scope.person for experience in store.experiences()]
    assert left.count("anna") == 0, "some of what was to go is there"
    assert (left.count("ben"), left.count("annabel")) == (N_BEN, 1), "others are gone"
    assert n_reported == N_ANNA


def test_delete_all_truncation_mem0_6627_and_3928(store):
    check_one_person_is_gone_and_nobody_else(store, ours)


@pytest.mark.parametrize("planted", [stops_at_a_hundred, forgets_the_filter])
def test_the_planted_bug_is_caught(store, planted):
    with pytest.raises(AssertionError):
        check_one_person_is_gone_and_nobody_else(store, planted)
