"""A batch of vectors recalls what they recall one by one, whatever the filter, the votes and the back end."""

import numpy as np
import pytest

from embodied_mem import Experience, ExperienceMemory, FieldVector, IndexOptions, Metric, Space, where
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import InvalidQuery, UnknownSpace
from embodied_mem.index import many
from embodied_mem.memory.modes import with_mode
from embodied_mem.memory.recall_many import CanRecallMany
from embodied_mem.memory.scoring import RankingWeights

D = 6
N = 400
COSINE = Space(name="scenes", version="1", dimension=D)
EUCLIDEAN = Space(name="scenes", version="1", dimension=D, metric=Metric.EUCLIDEAN)
WEIGHTS = RankingWeights(recency=0.3, outcome=0.2, vector=0.7)
ROWS = np.random.default_rng(0).normal(size=(N, D)).astype(np.float32)
ROWS[::5] = ROWS[3]  # many are equal
ASKED = np.concatenate([ROWS[:5], -ROWS[3:5], np.zeros((1, D), np.float32)])


def vector(values, space=COSINE):
    return FieldVector(field="scene", space=space, values=values)


def filled(backend, space=COSINE):
    memory = ExperienceMemory(backend, weights=WEIGHTS, clock=lambda: 2_000.0)
    for n, row in enumerate(ROWS):
        vectors = (vector(row, space),) if n % 7 else ()
        metadata = {"third": n % 3 == 0}
        memory.record(Experience(id=str(n), task="look", vectors=vectors, metadata=metadata, happened_at_s=n))
    for n in range(0, 30, 3):
        memory.feedback(str(n), helped=n % 2 == 0)
    return memory


@pytest.fixture(scope="module", params=["in memory", "exact", "compressed", "euclidean"])
def memory(request, tmp_path_factory):
    if request.param == "in memory":
        yield filled(InMemoryBackend())
        return
    options = IndexOptions(compression="always" if request.param == "compressed" else "never")
    with SqliteBackend(tmp_path_factory.mktemp("log") / "log.sqlite", index=options) as backend:
        yield filled(backend, EUCLIDEAN if request.param == "euclidean" else COSINE)


def space_of(memory):
    return memory.recall(where=where(id="1"))[0].experience.vectors[0].space


@pytest.mark.parametrize("few", [many.FEW, 0], ids=["table", "one by one"])
@pytest.mark.parametrize("k", [0, 1, 5, 1_000])
@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"where": where(metadata__third=True)},
        {"as_of": 77},
        {"where": where(metadata__third=False), "as_of": 300},
        {"where": where(id="nobody")},
    ],
    ids=["all", "some", "then", "some then", "none"],
)
def test_it_is_what_single_recalls_give(memory, monkeypatch, limits, k, few):
    monkeypatch.setattr(many, "FEW", few)
    space = space_of(memory)
    ids, scores = memory.recall_many(ASKED, field="scene", space=space, k=k, **limits)
    assert scores.dtype == np.float32
    assert scores.shape == (len(ASKED), len(ids[0]))
    for row, own_ids, own_scores in zip(ASKED, ids, scores, strict=True):
        hits = memory.recall(vectors=(vector(row, space),), k=k, **limits)
        assert own_ids == [hit.experience.id for hit in hits]
        assert own_scores.tolist() == [float(np.float32(hit.score)) for hit in hits]


def test_withdrawn_and_archived_experiences_are_not_recalled(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        memory = filled(backend)
        memory.withdraw(N - 10)
        ids, _ = memory.recall_many(ROWS[-10:], field="scene", space=COSINE, k=3)
        assert not {str(n) for n in range(N - 10, N)} & {each for row in ids for each in row}


def test_no_vectors_give_no_rows(memory):
    ids, scores = memory.recall_many(np.zeros((0, D)), field="scene", space=space_of(memory))
    assert (list(ids), scores.shape[0]) == ([], 0)


@pytest.mark.parametrize(
    "wrong", [np.zeros(D), np.zeros((2, D + 1)), [[np.nan] * D], [["x"] * D], [[1], [1, 2]], None]
)
def test_what_is_no_table_of_vectors_is_refused(memory, wrong):
    with pytest.raises(InvalidQuery, match=rf"expected \(n, {D}\) finite numbers"):
        memory.recall_many(wrong, field="scene", space=space_of(memory))


def test_a_foreign_space_is_refused(memory):
    other = Space(name="others", version="1", dimension=D)
    with pytest.raises(UnknownSpace, match="others"):
        memory.recall_many(ASKED, field="scene", space=other)


def test_a_memory_that_only_reads_has_it_too(memory):
    frozen, off = with_mode(memory, "frozen"), with_mode(memory, "off")
    assert isinstance(memory, CanRecallMany)
    assert isinstance(frozen, CanRecallMany)
    asked = {"vectors": ASKED, "field": "scene", "space": space_of(memory), "k": 3}
    assert frozen.recall_many(**asked)[0] == memory.recall_many(**asked)[0]
    assert off.recall_many(**asked)[0] == [[]] * len(ASKED)
