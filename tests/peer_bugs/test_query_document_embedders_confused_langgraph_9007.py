"""langgraph #9007: queries go through the method for documents, so that equal texts do not meet.

Here an embedder has one method, and what it embeds is all there is to compare: a query of the very text of an
experience has the similarity 1 with it.
"""

import inspect

import pytest

from embodied_mem import Experience, MemoryStore
from embodied_mem.contracts import Embedder
from embodied_mem.ranking import RankingWeights
from tests.peer_bugs.embedders import NotesItsInputs, PrefixesEverything

TEXT = "bring the red ball"


def check_an_equal_text_is_equal(folder, recording, asking) -> None:
    with MemoryStore.open(folder) as store:
        weights = RankingWeights(embedding=1.0)
        store.memory(embedder=recording, weights=weights).record(Experience(task=TEXT))
        [hit] = store.memory(embedder=asking, weights=weights).recall(TEXT)
        assert hit.parts["embedding"] == pytest.approx(1.0, abs=1e-5)


def test_query_document_embedders_confused_langgraph_9007(tmp_path):
    embedder = NotesItsInputs()
    check_an_equal_text_is_equal(tmp_path, embedder, embedder)
    assert embedder.texts == [TEXT, TEXT]


def test_an_embedder_has_one_method_that_embeds():
    methods = [name for name, _ in inspect.getmembers(Embedder, inspect.isfunction) if "embed" in name]
    assert methods == ["embed"]


def test_the_planted_bug_is_caught(tmp_path):
    recording, asking = PrefixesEverything(is_for_queries=False), PrefixesEverything(is_for_queries=True)
    with pytest.raises(AssertionError):
        check_an_equal_text_is_equal(tmp_path, recording, asking)
