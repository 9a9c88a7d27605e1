"""`Query.weights`: one query weighs parts in its own way."""

import pytest

from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records import Experience
from embodied_mem.records.queries import Query

ASKED = {"task": "open the red door", "state": "the way is blocked by a ball"}


@pytest.fixture
def memory():
    made = ExperienceMemory(InMemoryBackend(), embedder=None)
    made.record(Experience(id="same task", task=ASKED["task"], state="the hands are full"))
    made.record(Experience(id="same state", task="fetch a key", state=ASKED["state"]))
    return made


@pytest.mark.parametrize(
    ("weights", "best"),
    [
        ({"task": 2.0, "state": 1.0}, "same task"),
        ({"task": 1.0, "state": 2.0}, "same state"),
        ({"task": 0.0}, "same state"),
    ],
)
def test_the_weights_of_a_query_decide_its_order(memory, weights, best):
    assert memory.recall(**ASKED, weights=weights)[0].experience.id == best


def test_the_next_query_has_the_memorys_weights_again(memory):
    before = [(hit.experience.id, hit.score) for hit in memory.recall(**ASKED)]
    memory.recall(**ASKED, weights={"task": 0.0, "state": 5.0})
    assert [(hit.experience.id, hit.score) for hit in memory.recall(**ASKED)] == before


def test_a_part_that_is_not_asked_by_may_be_named(memory):
    assert memory.recall(task=ASKED["task"], weights={"task": 1.0, "state": 1.0, "text": 1.0})


@pytest.mark.parametrize("part", ["trust", "colour"])
def test_a_part_that_is_not_compared_is_refused_by_name(memory, part):
    with pytest.raises(InvalidQuery, match=part):
        memory.recall(**ASKED, weights={part: 1.0})


@pytest.mark.parametrize("wrong", [0.5, {"task": "high"}, {"task": float("nan")}, {1: 0.5}])
def test_weights_are_numbers_by_part(wrong):
    with pytest.raises(InvalidQuery, match="weights"):
        Query(state="x", weights=wrong)
