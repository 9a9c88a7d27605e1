"""Embedders around models of LangChain, and models of LangChain around embedders."""

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from embodied_mem import Experience, HashedEmbedder, MemoryStore
from embodied_mem.contracts import Embedder
from embodied_mem.errors import InvalidEmbedding, InvalidQuery, InvalidRecord, UnknownSpace
from embodied_mem.integrations.langchain import EmbedderEmbeddings, LangChainEmbedder
from embodied_mem.testing import EmbedderContract

FAKE = DeterministicFakeEmbedding(size=6)  # a stand-in for a model: equal texts have equal vectors


class Prefixed(Embeddings):
    """A stand-in for a model that embeds queries differently."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def embed_documents(self, texts):
        self.asked.append(list(texts))
        return [[1.0, float(len(text))] for text in texts]

    def embed_query(self, text):
        return [1.0, len(f"query: {text}")]


class Answering(Embeddings):
    """A stand-in for a model that answers whatever it is told."""

    def __init__(self, answer):
        self.answer = answer

    def embed_documents(self, texts):
        return self.answer

    def embed_query(self, text):
        return self.answer[0]


class TestLangChainEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder[str]:
        return LangChainEmbedder(FAKE, model="fake")


class TestThereAndBack(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder[str]:
        return LangChainEmbedder(EmbedderEmbeddings(HashedEmbedder(64)), model="hashed")


def test_the_space_is_named_by_the_model_and_as_long_as_its_vectors():
    space = LangChainEmbedder(FAKE, model="text-embedding-3-small").space
    assert (space.name, space.dimension) == ("text-embedding-3-small", 6)


def test_texts_go_in_one_call_and_queries_by_their_own_method():
    model = Prefixed()
    embedder = LangChainEmbedder(model, model="prefixed", dimension=2)
    np.testing.assert_array_equal(embedder.embed(["a", "bb"]), [[1, 1], [1, 2]])
    np.testing.assert_array_equal(embedder.embed_queries(["a"]), [[1, 8]])
    assert embedder.embed([]).shape == (0, 2)
    assert model.asked == [["a", "bb"]]


@pytest.mark.parametrize("answer", [[[1.0, 2.0]], [[1.0], [1.0, 2.0]], [[1.0] * 3] * 2, []])
def test_a_model_that_answers_otherwise_than_asked_is_named(answer):
    embedder = LangChainEmbedder(Answering(answer), model="odd", dimension=2)
    with pytest.raises(InvalidEmbedding, match=r"Answering gave .* for 2 texts; expected 2 numbers each"):
        embedder.embed(["a", "b"])


def test_a_vector_that_is_not_finite_reaches_no_store(tmp_path):
    embedder = LangChainEmbedder(Answering([[float("nan"), 1.0]]), model="odd", dimension=2)
    with MemoryStore.open(tmp_path) as store, pytest.raises(InvalidEmbedding, match="NaN or infinite"):
        store.memory(embedder=embedder).record(Experience(task="go"))


def test_a_store_rejects_another_model(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        store.memory(embedder=LangChainEmbedder(FAKE, model="one")).record(Experience(task="go"))
        with pytest.raises(UnknownSpace, match="one@langchain"):
            store.memory(embedder=LangChainEmbedder(FAKE, model="two")).recall("go")


@pytest.mark.parametrize(
    ("model", "options", "named"),
    [
        (HashedEmbedder(64), {"model": "x"}, "embeddings is HashedEmbedder"),
        (FAKE, {"model": ""}, "model is ''"),
        (FAKE, {"model": "x", "dimension": 0}, "dimension is 0"),
    ],
)
def test_a_wrong_argument_is_named(model, options, named):
    with pytest.raises(InvalidRecord, match=named):
        LangChainEmbedder(model, **options)


def test_an_embedder_of_ours_gives_plain_numbers():
    model = EmbedderEmbeddings(LangChainEmbedder(Prefixed(), model="prefixed", dimension=2))
    assert model.embed_documents(["a"]) == [[1.0, 1.0]]
    assert model.embed_query("a") == [1.0, 8.0]
    assert type(model.embed_query("a")[0]) is float


def test_what_is_no_embedder_is_named():
    with pytest.raises(InvalidQuery, match="embedder is 'hashed'"):
        EmbedderEmbeddings("hashed")
