"""mem0 #6998, LangChain #28413: a filter that is applied after fetching finds 11 to 28 % of what there is."""

import random

import pytest

from embodied_mem import MemoryStore, Scope, where
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.filters import matches
from tests.durability.examples import example

N, K = 1_000, 2  # 0.2 % pass the filter


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with MemoryStore.open(tmp_path_factory.mktemp("store")) as store:
        memory = store.memory()
        rare = set(random.Random(0).sample(range(N), K))
        for n in range(N):
            scope = Scope(agent="rare" if n in rare else "common")
            memory.record(example(f"e-{n}").replace(scope=scope, state=""))
        yield store


class FiltersAfterwards:
    """The planted bug: the best twenty of all, and then those that pass."""

    def __init__(self, memory) -> None:
        self._memory = memory

    def recall(self, text, *, where, k):
        fetched = self._memory.recall(text, k=20)
        return [hit for hit in fetched if matches(where, experience_to_document(hit.experience))][:k]


def check_everything_that_passes_is_found(memory, expected) -> None:
    """Recall 1.0 where two in a thousand pass."""
    found = memory.recall("bring the red ball to room 3", where=where(scope__agent="rare"), k=K)
    assert {hit.experience.id for hit in found} == expected


@pytest.fixture
def expected(store):
    return {experience.id for experience in store.experiences() if experience.scope.agent == "rare"}


def test_filter_after_fetch_mem0_6998_langchain_28413(store, expected):
    check_everything_that_passes_is_found(store.memory(), expected)


def test_the_planted_bug_is_caught(store, expected):
    with pytest.raises(AssertionError):
        check_everything_that_passes_is_found(FiltersAfterwards(store.memory()), expected)
