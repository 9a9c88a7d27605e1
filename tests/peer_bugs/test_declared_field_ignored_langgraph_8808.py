"""langgraph #8808: the declared field is ignored and the JSON of the whole record is embedded instead."""

import pytest

from embodied_mem import Experience, ExperienceMemory, MemoryStore, Outcome
from embodied_mem.records import texts_of
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.json_values import canonical
from tests.peer_bugs.embedders import NotesItsInputs

EXPERIENCE = Experience(
    task="bring the red ball",
    state="the door is locked",
    outcome=Outcome(explanation="no key"),
    metadata={"serial": "XJ-77-secret"},
)


class EmbedsTheWholeRecord(ExperienceMemory):
    """The planted bug."""

    def record(self, experience):
        self.embedder.embed([canonical(experience_to_document(experience))])
        return super().record(experience)


def check_the_embedder_is_asked_with_the_declared_text_alone(make, folder) -> None:
    embedder = NotesItsInputs()
    with MemoryStore.open(folder) as store:
        memory = make(store.backend, embedder=embedder)
        memory.record(EXPERIENCE)
        declared = " ".join(part for part in texts_of(EXPERIENCE).values() if part)
        assert embedder.texts == [declared]
        assert all(part in declared for part in ("red ball", "locked", "no key"))
        assert "XJ-77" not in declared
        memory.recall(task="bring the red ball", state="a locked door")
        assert embedder.texts[1:] == ["bring the red ball a locked door"]


def test_declared_field_ignored_langgraph_8808(tmp_path):
    check_the_embedder_is_asked_with_the_declared_text_alone(ExperienceMemory, tmp_path)


def test_the_planted_bug_is_caught(tmp_path):
    with pytest.raises(AssertionError):
        check_the_embedder_is_asked_with_the_declared_text_alone(EmbedsTheWholeRecord, tmp_path)
