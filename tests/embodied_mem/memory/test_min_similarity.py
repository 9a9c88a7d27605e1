"""A minimum for one part of the score holds whatever the other parts and the weights are."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem import Experience, ExperienceMemory, FieldVector, Outcome, RankingWeights, Space
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import InvalidQuery
from embodied_mem.records.queries import Query

SCENES = Space(name="scenes", version="1", dimension=3)
BLOCKED, LOCKED = "the way to <object> is blocked by <obstacle>", "<object> is locked and cannot be opened"
STATES = st.sampled_from([BLOCKED, LOCKED, "<object> is blocked", "the hand holds <thing>", ""])
TASKS = st.sampled_from(["open the door", "open the box", "go to the ball", ""])
VALUES = st.lists(st.integers(-2, 2), min_size=3, max_size=3)


def scene(values):
    return FieldVector(field="scene", space=SCENES, values=np.array(values))


@pytest.fixture(params=["sqlite", "in memory"])
def backend(request, tmp_path):
    if request.param == "in memory":
        yield InMemoryBackend()
    else:
        with SqliteBackend(tmp_path / "log.sqlite") as backend:
            yield backend


@pytest.fixture
def memory(backend):
    memory = ExperienceMemory(backend)
    memory.record(Experience(id="other", task="open the red door", state=LOCKED))
    for n in range(9):  # alike in the task, helpful, and more than are asked for
        memory.record(Experience(id=f"other {n}", task="open the red door", state=LOCKED))
        memory.feedback(f"other {n}", helped=True)
    memory.record(Experience(id="same", task="go to the blue ball", state=BLOCKED))
    return memory


def ids(hits):
    return [hit.experience.id for hit in hits]


def test_what_matches_in_the_asked_part_is_found_behind_many_with_a_higher_score(memory):
    query = {"task": "open the red door", "state": BLOCKED, "k": 3}
    assert "same" not in ids(memory.recall(**query, min_score=0.8))
    assert ids(memory.recall(**query, min_similarity={"state": 0.8})) == ["same"]
    assert memory.recall(**query, min_similarity={"state": 0.8, "task": 0.8}) == []


@pytest.mark.parametrize("weight", [0.0, 0.5, 3.0])
def test_it_is_the_same_whatever_the_weight(backend, memory, weight):
    memory = ExperienceMemory(backend, weights=RankingWeights(state=weight))
    [hit] = memory.recall(task="open the red door", state=BLOCKED, min_similarity={"state": 0.8})
    assert (hit.experience.id, hit.similarities["state"], hit.parts["state"]) == ("same", 1.0, weight)


@pytest.mark.parametrize("more", [{"contrast": 1}, {"diversity": 0.5}, {"distinct": True}, {"order": "last"}])
def test_it_holds_for_every_way_to_choose(memory, more):
    failed = Outcome(status="failure")
    memory.record(Experience(id="failed", task="open the red door", state=LOCKED, outcome=failed))
    hits = memory.recall(task="open the red door", state=BLOCKED, k=3, min_similarity={"state": 0.8}, **more)
    assert ids(hits) == ["same"]


def test_the_first_near_duplicate_that_reaches_it_stands_for_those_that_do(backend):
    memory = ExperienceMemory(backend)
    words = [f"word{n}" for n in range(20)]
    memory.record(Experience(id="first", task="look", state=" ".join(words[:19])))
    memory.record(Experience(id="whole", task="look", state=" ".join(words)))
    query = {"task": "look", "state": " ".join(words), "distinct": True}
    assert ids(memory.recall(**query)) == ["first"]
    assert ids(memory.recall(**query, min_similarity={"state": 0.99})) == ["whole"]


@pytest.mark.parametrize("state", ["", "  "])
def test_an_empty_text_matches_nothing(memory, state):
    assert memory.recall(task="open the red door", state=state, min_similarity={"state": 0.1}) == []
    assert memory.recall(task="open the red door", state=state, min_similarity={"state": 0.0})


@pytest.mark.parametrize("name", ["plan", "scene", "embedding", "trust"])
def test_a_part_that_is_not_compared_is_refused_by_name(memory, name):
    with pytest.raises(InvalidQuery, match=rf"names {name}; this query is compared by task, state"):
        memory.recall(task="open", state=BLOCKED, min_similarity={name: 0.5})


@pytest.mark.parametrize("wrong", [0.5, {"state": "0.5"}, {"state": math.nan}, {1: 0.5}, {"state": None}])
def test_what_is_no_number_by_part_is_refused(wrong):
    with pytest.raises(InvalidQuery, match="min_similarity"):
        Query(state="x", min_similarity=wrong)


def test_a_query_with_it_is_a_value():
    given = {"state": 0.5}
    query = Query(state="x", min_similarity=given)
    given["state"] = 1.0
    assert query == Query(state="x", min_similarity={"state": 0.5}) != Query(state="x")
    assert hash(query) == hash(Query(state="x", min_similarity={"state": 0.5}))


def test_by_default_no_score_is_too_low(memory):
    for _ in range(3):
        memory.feedback("other", helped=False)
    for order in ("best", "first", "last"):
        hits = memory.recall("nothing is shared", order=order, k=20)
        assert "other" in ids(hits)
        assert min(hit.score for hit in hits) < 0


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(TASKS, STATES, st.none() | VALUES), max_size=12),
    TASKS,
    STATES,
    VALUES,
    st.dictionaries(st.sampled_from(["task", "state", "scene", "embedding"]), st.floats(-1, 1), max_size=3),
    st.integers(0, 12),
)
def test_the_best_of_all_that_reach_it_come_back(tmp_path_factory, told, task, state, view, minimums, k):
    query = {"task": task or "look", "state": state, "vectors": (scene(view),)}
    with SqliteBackend(tmp_path_factory.mktemp("log") / "log.sqlite") as fast:
        memories = [ExperienceMemory(b, embedder=HashedEmbedder(16)) for b in (fast, InMemoryBackend())]
        for memory in memories:
            for n, (a_task, a_state, values) in enumerate(told):
                vectors = () if values is None else (scene(values),)
                made = Experience(id=str(n), task=a_task or "look", state=a_state, vectors=vectors)
                memory.record(made)
            everything = memory.recall(**query, k=20)
            reaching = [
                hit
                for hit in everything
                if all(hit.similarities.get(name, 0.0) >= low for name, low in minimums.items())
            ]
            found = memory.recall(**query, k=k, min_similarity=minimums)
            assert [(hit.experience.id, hit.score) for hit in found] == [
                (hit.experience.id, hit.score) for hit in reaching[:k]
            ]
            assert found.n_candidates == len(told)
