"""Experiences that are decoded once: never those of another state of the log, never more than fit."""

import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.memory import kept_experiences
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.kept_experiences import KeptExperiences
from embodied_mem.records import Experience
from embodied_mem.records.log import Entry, EntryKind
from embodied_mem.store import MemoryStore


@pytest.fixture
def backend(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        memory = ExperienceMemory(backend, clock=lambda: 1_000.0)
        for name in "abcd":
            memory.record(Experience(task="look", id=name))
        yield backend


@pytest.fixture
def read(backend, monkeypatch):
    """The sequence numbers that were read from the log, call by call."""
    calls = []
    get = backend.get

    def watched(sequences):
        calls.append(list(sequences))
        return get(sequences)

    monkeypatch.setattr(backend, "get", watched)
    return calls


def ids_at(kept, sequences, generation=0):
    return {at: experience.id for at, experience in kept.at(sequences, generation=generation).items()}


def test_what_was_read_is_not_read_again(backend, read):
    kept = KeptExperiences(backend)
    assert ids_at(kept, [3, 1]) == {3: "c", 1: "a"}
    assert list(ids_at(kept, [1, 2, 3])) == [1, 2, 3]
    assert read == [[3, 1], [2]]


def test_what_is_kept_of_another_generation_is_read_again_once(backend, read):
    kept = KeptExperiences(backend)
    ids_at(kept, [1, 2])
    backend.delete([2])
    generation = backend.generation()
    for _ in range(2):
        assert ids_at(kept, [1, 2, 3], generation) == {1: "a", 3: "c"}
    assert read == [[1, 2], [1, 2, 3], [2]]


def test_a_generation_before_the_last_is_another_one_too(backend, read):
    kept = KeptExperiences(backend)
    for generation in (5, 3, 3):
        ids_at(kept, [1], generation)
    assert read == [[1], [1]]


def test_an_entry_that_is_no_experience_is_left_out(backend):
    backend.append([Entry(id="v", kind=EntryKind.FEEDBACK, payload={"experience_id": "a", "helped": True})])
    assert ids_at(KeptExperiences(backend), [4, 5]) == {4: "d"}


class TestRoom:
    @pytest.fixture(autouse=True)
    def room_for_two(self, monkeypatch):
        monkeypatch.setattr(kept_experiences, "_size_of", lambda experience: 10)
        monkeypatch.setattr(kept_experiences, "MAX_KEPT_BYTES", 20)

    def test_the_oldest_go_first_once_all_take_too_much(self, backend, read):
        kept = KeptExperiences(backend)
        for sequence in (1, 2, 3, 2, 3, 1):
            ids_at(kept, [sequence])
        assert read == [[1], [2], [3], [1]]

    def test_more_than_fit_are_given_all_the_same(self, backend):
        assert ids_at(KeptExperiences(backend), [1, 2, 3, 4]) == {1: "a", 2: "b", 3: "c", 4: "d"}

    def test_another_generation_begins_with_all_of_it(self, backend, read):
        kept = KeptExperiences(backend)
        for generation in (0, 1, 1):
            ids_at(kept, [1, 2], generation)
        assert read == [[1, 2], [1, 2]]


def test_what_was_recalled_before_the_store_was_embedded_anew_comes_back_with_its_new_vector(tmp_path):
    old, new = HashedEmbedder(16), HashedEmbedder(32)
    with MemoryStore.open(tmp_path / "store") as store:
        store.memory(embedder=old).record(Experience(task="look", id="a"))
        memory = store.memory()
        for embedder in (old, new):
            store.reembed(embedder)
            [hit] = memory.recall(task="look")
            assert [vector.space for vector in hit.experience.vectors] == [embedder.space]
