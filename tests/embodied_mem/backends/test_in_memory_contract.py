"""The in-memory back end keeps to the contracts, is found by its name, and loads neither SQLite nor FAISS."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from embodied_mem import Experience, ExperienceMemory, FieldVector, HashedEmbedder
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.errors import InvalidQuery, InvalidRecord
from embodied_mem.records.log import Entry, EntryKind, PriorLeg, Search
from embodied_mem.testing.backend import COSINE, BackendContract, example_entry, example_vector
from embodied_mem.testing.memory import MemoryContract

ROOT = Path(__file__).parents[3]

WITHOUT_SQLITE = """
import sys
from embodied_mem import Experience, ExperienceMemory, HashedEmbedder
from embodied_mem.backends.in_memory import InMemoryBackend
memory = ExperienceMemory(InMemoryBackend(), embedder=HashedEmbedder())
memory.record(Experience(task="open the door", id="door"))
memory.feedback("door", helped=True)
assert memory.recall("door")[0].experience.id == "door"
sys.exit(", ".join({"sqlite3", "faiss"} & set(sys.modules)) or 0)
"""


class TestInMemoryBackend(BackendContract):
    @pytest.fixture
    def backend(self):
        return InMemoryBackend()


class TestExperienceMemory(MemoryContract):
    @pytest.fixture
    def memory(self):
        return ExperienceMemory(InMemoryBackend())

    def archive(self, memory, experience_id):
        payload = {"experience_id": experience_id, "reason": "", "at_s": 0.0}
        memory.backend.append([Entry(id="archived", kind=EntryKind.ARCHIVE, payload=payload)])


class TestExperienceMemoryWithEmbedder(MemoryContract):
    @pytest.fixture
    def memory(self):
        return ExperienceMemory(InMemoryBackend(), embedder=HashedEmbedder())


def test_it_is_registered_by_name():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    group = "embodied_mem.backends"
    entry = EntryPoint("in_memory", project["entry-points"][group]["in_memory"], group)
    assert entry.load() is InMemoryBackend


def test_a_recall_loads_neither_sqlite_nor_faiss(run_python):
    done = run_python("-c", WITHOUT_SQLITE)
    assert done.returncode == 0, done.stderr


def test_changing_what_was_given_back_does_not_change_the_log():
    backend = InMemoryBackend()
    backend.append([example_entry(1)])
    for [logged] in (backend.get(["entry-1"]), backend.changes_since(0)):
        logged.entry.payload["task"]["text"] = "changed"
        logged.entry.texts["task"] = "changed"
    assert backend.get([1])[0].entry == example_entry(1)


def test_two_vectors_of_one_field_are_refused():
    vectors = (example_vector(1), FieldVector(field="meaning", space=COSINE, values=np.ones(4)))
    with pytest.raises(InvalidRecord, match="entry-1"):
        InMemoryBackend().append([example_entry(1, vectors=vectors)])


def test_a_batch_with_what_is_not_a_text_is_not_kept():
    backend = InMemoryBackend()
    with pytest.raises(InvalidRecord, match=r"entry\.texts\.task is int"):
        backend.append([example_entry(0), example_entry(1, texts={"task": 5})])
    assert backend.changes_since(0) == []


def test_an_empty_text_is_the_same_as_none():
    backend = InMemoryBackend()
    backend.append([example_entry(0, texts={"task": ""})])
    assert backend.append([example_entry(0, texts={})])[0].is_duplicate


def test_a_search_without_meaning_is_refused():
    leg = PriorLeg("p", np.array([1]), np.array([1.0]))
    with pytest.raises(InvalidQuery, match="share a name"):
        InMemoryBackend().search(Search(legs=(leg, leg)))


def test_a_time_of_writing_cannot_be_asked_for():
    memory = ExperienceMemory(InMemoryBackend())
    memory.record(Experience(task="open the door"))
    with pytest.raises(InvalidQuery, match="InMemoryBackend does not store write times"):
        memory.recall("door", as_of_s=0.0)
