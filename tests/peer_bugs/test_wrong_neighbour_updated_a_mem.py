"""A-MEM takes places among the neighbours for places in the whole memory and rewrites the first notes."""

import pytest

from embodied_mem import Experience, MemoryStore

N = 12


@pytest.fixture
def store(tmp_path):
    """The neighbours of the query are the newest; what was written first is unlike it."""
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory()
        for n in range(N):
            task = "water the plants" if n >= N - 3 else f"polish window {n}"
            memory.record(Experience(id=f"e-{n}", task=task))
        yield store


def ours(store, place) -> None:
    memory = store.memory()
    hits = memory.recall(task="water the plants", k=3)
    memory.feedback(hits[place].experience.id, helped=True)


def takes_places_for_positions(store, place) -> None:
    """The planted bug."""
    first_written = [experience.id for experience in store.experiences()]
    store.memory().feedback(first_written[place], helped=True)


def check_the_one_that_was_recalled_changes_and_no_other(store, vote) -> None:
    memory = store.memory()
    place = 1
    expected = memory.recall(task="water the plants", k=3)[place].experience.id
    vote(store, place)
    hits = memory.recall(task="water the plants polish window", k=N)
    trusted = {hit.experience.id for hit in hits if hit.parts.get("trust", 0.0) > 0}
    assert trusted == {expected}


def test_wrong_neighbour_updated_a_mem(store):
    check_the_one_that_was_recalled_changes_and_no_other(store, ours)


def test_the_planted_bug_is_caught(store):
    with pytest.raises(AssertionError):
        check_the_one_that_was_recalled_changes_and_no_other(store, takes_places_for_positions)
