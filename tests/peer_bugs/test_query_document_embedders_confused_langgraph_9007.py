"""langgraph #9007: queries go through the method for documents, so that equal texts do not meet.

Models such as E5 and BGE embed what is asked otherwise than what is kept. An embedder that has
`embed_queries` gets every query there and nothing else; one that has not embeds both alike.
"""

import pytest

from embodied_mem import Experience, MemoryStore
from embodied_mem.memory.scoring import RankingWeights
from tests.peer_bugs.embedders import NotesItsInputs, PassagesAsQueries, QueriesAsPassages, ToldApart

TEXT = "bring the red ball"
WEIGHTS = RankingWeights(embedding=1.0)


def check_an_equal_text_is_equal(memory) -> None:
    memory.record(Experience(task=TEXT))
    [hit] = memory.recall(TEXT)
    assert hit.parts["embedding"] == pytest.approx(1.0, abs=1e-5)


def check_queries_and_passages_are_told_apart(folder, make_embedder) -> None:
    """Wherever a text is embedded: recording, both kinds of recall, re-embedding, import."""
    recalling, newer, importing = make_embedder("1"), make_embedder("2"), make_embedder("3")
    with MemoryStore.open(folder / "lab") as store:
        check_an_equal_text_is_equal(store.memory(embedder=recalling, weights=WEIGHTS))
        store.snapshot().memory(embedder=recalling).recall(task=TEXT)
        assert recalling.told == [("passage", TEXT), ("query", TEXT), ("query", TEXT)]
        store.reembed(newer)
        assert newer.told == [("passage", TEXT)]
        store.export(folder / "exported")
    MemoryStore.import_folder(folder / "exported", folder / "robot", embedder=importing).close()
    assert importing.told == [("passage", TEXT)]


def test_query_document_embedders_confused_langgraph_9007(tmp_path):
    check_queries_and_passages_are_told_apart(tmp_path, ToldApart)


def test_an_embedder_without_a_method_for_queries_embeds_both_alike(tmp_path):
    embedder = NotesItsInputs()
    with MemoryStore.open(tmp_path / "lab") as store:
        check_an_equal_text_is_equal(store.memory(embedder=embedder, weights=WEIGHTS))
    assert embedder.texts == [TEXT, TEXT]


@pytest.mark.parametrize("confused", [QueriesAsPassages, PassagesAsQueries])
def test_the_planted_bug_is_caught(tmp_path, confused):
    with pytest.raises(AssertionError):
        check_queries_and_passages_are_told_apart(tmp_path, confused)
