"""`ExperienceVectorStore` beside LangChain's own `InMemoryVectorStore`: equal documents after equal calls."""

import random

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.vectorstores import InMemoryVectorStore

from embodied_mem.integrations.langchain import ExperienceVectorStore, LangChainEmbedder

FAKE = DeterministicFakeEmbedding(size=16)  # a stand-in for a model
IDS = [str(number) for number in range(12)]
WORDS = ("cup", "plate", "sink", "table", "fridge", "door")


def key(document):
    return document.id, document.page_content, document.metadata


@pytest.mark.parametrize("seed", range(8))
def test_the_same_calls_give_the_same_documents(store, seed):
    rng = random.Random(seed)
    ours = ExperienceVectorStore(store, embedder=LangChainEmbedder(FAKE, model="fake", dimension=16))
    theirs = InMemoryVectorStore(FAKE)
    for step in range(40):
        chosen = rng.sample(IDS, rng.randint(1, 4))
        if rng.random() < 0.7:
            texts = [f"{' '.join(rng.sample(WORDS, 3))} {step} {name}" for name in chosen]
            about = [{"floor": rng.randint(1, 3)} for _ in chosen]
            assert ours.add_texts(texts, about, ids=chosen) == theirs.add_texts(texts, about, ids=chosen)
        else:
            ours.delete(chosen, purge=rng.random() < 0.2)
            theirs.delete(chosen)
        assert sorted(map(key, ours.get_by_ids(IDS))) == sorted(map(key, theirs.get_by_ids(IDS)))
        vector, k, floor = FAKE.embed_query(f"{step}"), rng.randint(1, 15), rng.randint(1, 3)
        found = ours.similarity_search_by_vector(vector, k=k)
        assert list(map(key, found)) == list(map(key, theirs.similarity_search_by_vector(vector, k=k)))
        filtered = ours.similarity_search_by_vector(vector, k=k, filter={"floor": floor})
        expected = theirs.similarity_search_by_vector(
            vector, k=k, filter=lambda document, floor=floor: document.metadata["floor"] == floor
        )
        assert list(map(key, filtered)) == list(map(key, expected))
