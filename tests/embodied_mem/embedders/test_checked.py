"""Whatever an embedder gives instead of one row of finite numbers a text is an error that names it."""

import numpy as np
import pytest

from embodied_mem import Experience, FieldVector, HashedEmbedder, MemoryStore, Space
from embodied_mem.errors import InvalidEmbedding, InvalidRecord

SPACE = Space(name="mine", version="7", dimension=8)
ROW = np.ones(8, np.float32)

WRONG = {
    "too few rows": lambda n: np.ones((n - 1, 8)),
    "too many rows": lambda n: np.ones((n + 1, 8)),
    "no rows": lambda n: [],
    "None": lambda n: None,
    "a generator": lambda n: (ROW for _ in range(n)),
    "one row and no table": lambda n: ROW,
    "rows of another length": lambda n: np.ones((n, 9)),
    "rows of several lengths": lambda n: [[1.0] * (at + 1) for at in range(n + 1)],
    "texts": lambda n: [["x"] * 8] * n,
    "NaN": lambda n: np.full((n, 8), np.nan),
    "numbers beyond float32": lambda n: np.full((n, 8), 1e300),
    "None in a row": lambda n: [[None] * 8] * n,
    "vectors of ours": lambda n: [FieldVector(field="text", space=SPACE, values=ROW)] * n,
}


class Mine:
    """An embedder that gives what it was made with."""

    space = SPACE

    def __init__(self, give):
        self.give = give

    def embed(self, inputs):
        return self.give(len(inputs))


class ForQueries(Mine):
    """The same for queries alone."""

    def embed(self, inputs):
        return np.ones((len(inputs), 8))

    def embed_queries(self, queries):
        return self.give(len(queries))


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        store.memory(embedder=HashedEmbedder(16)).record(Experience(task="open the door"))
        yield store


def record(store, tmp_path, give):
    with MemoryStore.open(tmp_path / "new") as new:
        try:
            new.memory(embedder=Mine(give)).record(Experience(task="open the door"))
        finally:
            [kept] = new.memory().recall(k=5)  # the record is kept, without what was wrong
            assert kept.experience.vectors == ()


def recall(store, tmp_path, give):
    with MemoryStore.open(tmp_path / "new") as new:
        new.memory(embedder=Mine(give)).recall("door")


def recall_by_queries(store, tmp_path, give):
    with MemoryStore.open(tmp_path / "new") as new:
        new.memory(embedder=ForQueries(give)).recall("door")


def import_anew(store, tmp_path, give):
    store.export(tmp_path / "exported")
    MemoryStore.import_folder(tmp_path / "exported", tmp_path / "imported", embedder=Mine(give))


def reembed(store, tmp_path, give):
    try:
        store.reembed(Mine(give))
    finally:
        assert store.backend.spaces()["text"].name == "hashed"


@pytest.mark.parametrize("call", [record, recall, recall_by_queries, import_anew, reembed])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_names_the_embedder(store, tmp_path, call, wrong):
    name = "ForQueries.embed_queries" if call is recall_by_queries else "Mine.embed"
    with pytest.raises(InvalidEmbedding, match=rf"{name} of mine@7.* gave .* expected an array \(1, 8\)"):
        call(store, tmp_path, WRONG[wrong])


@pytest.mark.parametrize("call", [record, recall])
def test_lists_and_whole_numbers_are_as_good(tmp_path, call):
    for give in (lambda n: [[1] * 8] * n, lambda n: np.ones((n, 8), np.float64)):
        with MemoryStore.open(tmp_path / "new") as new:
            memory = new.memory(embedder=Mine(give))
            memory.record(Experience(task="open the door"))
            assert memory.recall("door")[0].similarities["embedding"] == 1.0


def test_it_is_an_invalid_record_as_before():
    assert issubclass(InvalidEmbedding, InvalidRecord)
