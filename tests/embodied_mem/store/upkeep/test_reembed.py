"""Embedding a store anew while it is used."""

import multiprocessing
import os
import signal

import numpy as np
import pytest

from embodied_mem import failpoints
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import InvalidEmbedding, StoreError, UnknownName, UnknownSpace
from embodied_mem.records import Experience
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.store import MemoryStore
from embodied_mem.store.upkeep import reembed as reembed_module
from embodied_mem.store.upkeep.staged_vectors import staged_files

OLD, NEW = HashedEmbedder(16), HashedEmbedder(32)
N = 20


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(reembed_module, "BATCH", 4)
    with MemoryStore.open(tmp_path / "lab") as store:
        memory = store.memory(embedder=OLD, clock=lambda: 1.0)
        for n in range(N):
            memory.record(Experience(task=f"fetch ball {n}", id=str(n)))
        yield store


class Counting:
    """Counts the texts it embeds."""

    def __init__(self, embedder=NEW):
        self.inner, self.space, self.n = embedder, embedder.space, 0

    def embed(self, inputs):
        self.n += len(inputs)
        return self.inner.embed(inputs)


def vector_of(store, name):
    [logged] = store.backend.get([name])
    return {vector.field: vector for vector in logged.entry.vectors}.get("text")


def stop_at(monkeypatch, place, times=1):
    reached = []

    def stop(here):
        reached.append(here)
        if reached.count(place) == times:
            raise KeyboardInterrupt

    monkeypatch.setattr(failpoints, "listener", stop)


def test_every_experience_gets_the_vector_that_the_new_embedder_makes_of_it(store):
    report = store.reembed(NEW)
    assert (report.old_space, report.new_space) == (OLD.space, NEW.space)
    assert (report.n_embedded, report.n_resumed) == (N, 0)
    for experience in store.experiences():
        [vector] = experience.vectors
        np.testing.assert_array_equal(vector.values, NEW.embed([experience.task.text])[0])
    assert store.stats().spaces == {"text": NEW.space}
    assert store.check().is_clean


def test_recall_needs_the_old_embedder_before_and_the_new_one_after(store):
    old, new = store.memory(embedder=OLD), store.memory(embedder=NEW)
    assert old.recall("fetch ball 7", k=1)[0].experience.id == "7"
    with pytest.raises(UnknownSpace):
        new.recall("fetch ball 7")
    store.reembed(NEW)
    assert new.recall("fetch ball 7", k=1)[0].experience.id == "7"
    with pytest.raises(UnknownSpace):
        old.recall("fetch ball 7")


def test_the_old_vectors_serve_while_the_new_ones_are_made(store):
    seen = []

    def watch(done, total):
        seen.append((done, total, store.memory(embedder=OLD).recall("fetch ball 7", k=1)[0].experience.id))

    store.reembed(NEW, progress=watch)
    assert [name for _, _, name in seen] == ["7"] * 5
    assert seen[-1][:2] == (N, N)


def test_what_is_recorded_meanwhile_is_covered(store):
    other = MemoryStore.open(store.path)
    recorded = []

    def record(done, total):
        recorded.append(f"late {done}")
        if len(recorded) < 8:
            other.memory(embedder=OLD).record(Experience(task="look around", id=recorded[-1]))

    store.reembed(NEW, progress=record)
    other.close()
    assert all(experience.vectors[0].space == NEW.space for experience in store.experiences())
    assert len(list(store.experiences())) == N + 7


def test_what_is_recorded_just_before_the_change_is_covered(store, monkeypatch):
    other = MemoryStore.open(store.path)

    def record(place):
        if place == "migration:reembed-staged":
            other.memory(embedder=OLD).record(Experience(task="look around", id="late"))

    monkeypatch.setattr(failpoints, "listener", record)
    assert store.reembed(NEW).n_embedded == N + 1
    other.close()
    assert vector_of(store, "late").space == NEW.space


def test_another_handle_with_the_old_embedder_is_refused_afterwards(store):
    with MemoryStore.open(store.path) as other:
        memory = other.memory(embedder=OLD)
        memory.record(Experience(task="look", id="before"))
        store.reembed(NEW)
        with pytest.raises(UnknownSpace):
            memory.record(Experience(task="look", id="after"))
        with pytest.raises(UnknownSpace):
            memory.recall("look")
        other.memory(embedder=NEW).record(Experience(task="look", id="after"))
    assert store.check().is_clean


def test_an_interrupted_one_goes_on_where_it_stopped(store, monkeypatch):
    stop_at(monkeypatch, "migration:reembed-batch", times=3)
    with pytest.raises(KeyboardInterrupt):
        store.reembed(NEW)
    monkeypatch.setattr(failpoints, "listener", None)
    assert vector_of(store, "3").space == OLD.space
    assert [finding.name for finding in store.check().findings] == ["reembed"]
    embedder = Counting()
    report = store.reembed(embedder)
    assert (report.n_resumed, report.n_embedded, embedder.n) == (12, 8, 8)
    assert staged_files(store.path) == []


def test_another_embedder_starts_anew(store, monkeypatch):
    stop_at(monkeypatch, "migration:reembed-batch", times=3)
    with pytest.raises(KeyboardInterrupt):
        store.reembed(NEW)
    monkeypatch.setattr(failpoints, "listener", None)
    third = HashedEmbedder(64)
    assert store.reembed(third).n_resumed == 0
    assert vector_of(store, "3").space == third.space


def test_what_is_purged_meanwhile_stays_away(store, monkeypatch):
    stop_at(monkeypatch, "migration:reembed-staged")
    with pytest.raises(KeyboardInterrupt):
        store.reembed(NEW)
    monkeypatch.setattr(failpoints, "listener", None)
    store.purge(["3"])
    store.reembed(NEW)
    assert len(list(store.experiences())) == N - 1
    assert store.check().is_clean


@pytest.mark.parametrize("place", ["migration:reembed-batch", "migration:reembed-staged"])
def test_a_purge_in_between_ends_it_with_the_way_out(store, monkeypatch, place):
    def purge(here):
        if here == place:
            monkeypatch.setattr(failpoints, "listener", None)
            with MemoryStore.open(store.path) as other:
                other.purge(["3"])

    monkeypatch.setattr(failpoints, "listener", purge)
    with pytest.raises(StoreError, match=r"a purge.*re-embed again"):
        store.reembed(NEW)
    store.reembed(NEW)
    assert len(list(store.experiences())) == N - 1
    assert store.check().is_clean


def _reembed_and_die(folder, place):
    def die(here):
        if here == place:
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.listener = die
    MemoryStore.open(folder).reembed(NEW)


@pytest.mark.parametrize("place", ["migration:reembed-batch", "migration:reembed-staged"])
def test_a_killed_one_leaves_the_old_vectors_whole(store, place):
    process = multiprocessing.get_context("spawn").Process(target=_reembed_and_die, args=(store.path, place))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert store.memory(embedder=OLD).recall("fetch ball 7", k=1)[0].experience.id == "7"
    assert store.check().is_clean
    assert store.reembed(NEW).n_resumed > 0
    assert store.check().findings == ()


def test_a_withdrawn_or_archived_experience_is_embedded_too(store):
    store.archive(["3"])
    store.memory().withdraw(after=19)
    store.reembed(NEW)
    assert vector_of(store, "3").space == vector_of(store, "19").space == NEW.space


def test_an_experience_without_a_text_has_no_vector(store):
    store.memory(embedder=OLD).record(Experience(task="", id="silent"))
    store.reembed(NEW)
    assert vector_of(store, "silent") is None


def test_a_store_that_had_no_vectors_gets_them(tmp_path):
    with MemoryStore.open(tmp_path / "words") as store:
        store.memory(embedder=None).record(Experience(task="fetch the ball", id="1"))
        assert store.reembed(NEW).old_space is None
        assert store.memory(embedder=NEW).recall("the ball")[0].parts["embedding"] > 0


def test_other_fields_have_texts_of_their_own(store):
    store.reembed(NEW, field="task")
    assert store.stats().spaces == {"text": OLD.space, "task": NEW.space}
    assert store.check().is_clean


def test_a_field_without_a_text_is_refused(store):
    with pytest.raises(UnknownName, match="Known: outcome, state, task, text"):
        store.reembed(NEW, field="image")
    assert staged_files(store.path) == []


def test_a_read_only_store_is_refused(store):
    with (
        MemoryStore.open(store.path, read_only=True) as reader,
        pytest.raises(StoreError, match="reading only"),
    ):
        reader.reembed(NEW)


class Wrong:
    """Gives fewer vectors than it was asked for."""

    space = Space(name="wrong", version="1", dimension=32)

    def embed(self, inputs):
        return NEW.embed(inputs)[:-1]


def test_an_embedder_that_gives_too_few_vectors_changes_nothing(store):
    with pytest.raises(InvalidEmbedding, match=r"Wrong\.embed of wrong@1.* gave \(3, 32\) for 4 texts"):
        store.reembed(Wrong())
    assert store.stats().spaces == {"text": OLD.space}


def test_a_damaged_store_is_repaired_first_because_new_hashes_would_hide_the_damage(store):
    import sqlite3

    with sqlite3.connect(store.backend.path) as db:
        db.execute("UPDATE contents SET texts = '{}' WHERE sequence = 3")
    db.close()
    with pytest.raises(StoreError, match=r"1 entries .* are damaged, the first is 3.*--repair"):
        store.reembed(NEW)
    store.check(repair=True)
    store.reembed(NEW)
    assert store.check().is_clean


def test_vectors_of_other_fields_keep_their_places(store):
    image = FieldVector(field="image", space=Space(name="camera", version="1", dimension=2), values=[1, 2])
    store.memory(embedder=OLD).record(Experience(task="look", id="both", vectors=(image,)))
    store.memory(embedder=None).record(Experience(task="look", id="image only", vectors=(image,)))
    store.reembed(NEW)
    for name in ("both", "image only"):
        [logged] = store.backend.get([name])
        assert [vector.field for vector in logged.entry.vectors] == ["image", "text"]
        assert logged.entry.vectors[0] == image
    assert store.check().is_clean


def test_a_vector_of_an_entry_without_a_text_goes_with_its_old_space(store):
    own = FieldVector(field="text", space=OLD.space, values=np.ones(16))
    store.memory(embedder=OLD).record(Experience(task="", id="silent", vectors=(own,)))
    store.reembed(NEW)
    assert vector_of(store, "silent") is None
    assert store.check().is_clean
