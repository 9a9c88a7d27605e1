import os
import pickle
import sqlite3
import time
from pathlib import Path

import pytest

from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import InvalidQuery, MemoryModeError, StoreError, UnknownName
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.forgetting import Fifo
from embodied_mem.memory.scoring import RankingWeights
from embodied_mem.records import Experience, Outcome, Scope
from embodied_mem.records.filters import where
from embodied_mem.store import FILE_NAME, MemoryStore
from embodied_mem.store.folder import check_store
from embodied_mem.store.upkeep.check import check_folder
from embodied_mem.store.upkeep.retention import Retention
from embodied_mem.text.synonyms import Synonyms


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "memories" / "lab") as store:
        yield store


def test_the_folder_is_made_and_holds_one_database(store):
    store.memory().record(Experience(task="look"))
    assert (store.path / FILE_NAME).is_file()


def test_a_text_serves_as_path(tmp_path):
    with MemoryStore.open(str(tmp_path / "x")) as store:
        assert store.path == tmp_path / "x"


def test_what_was_learnt_is_there_after_reopening(tmp_path):
    with MemoryStore.open(tmp_path) as store:
        store.memory().record(Experience(task="go to the red ball", outcome=Outcome(status="success")))
    with MemoryStore.open(tmp_path) as store:
        [hit] = store.memory().recall(task="go to the red ball")
    assert hit.experience.outcome.is_success


def test_options_reach_the_memory(store):
    memory = store.memory(scope=Scope(agent="me"), clock=lambda: 7.0, embedder=None)
    assert isinstance(memory, ExperienceMemory)
    memory.record(Experience(task="look"))
    [experience] = store.experiences()
    assert (experience.scope.agent, experience.happened_at_s, experience.vectors) == ("me", 7.0, ())


def test_the_clock_of_a_store_is_that_of_its_memory_unless_another_is_given(tmp_path):
    with MemoryStore.open(tmp_path / "lab", clock=lambda: 1_000.0) as store:
        store.memory().record(Experience(task="look", id="1"))
        store.memory(clock=lambda: 7.0).record(Experience(task="look", id="2"))
        assert [experience.happened_at_s for experience in store.experiences()] == [1_000.0, 7.0]
        assert store.backend.recorded_at(1) == store.backend.recorded_at(2) == 1_000.0


def test_ages_count_up_to_the_time_of_the_store_in_a_snapshot_too(tmp_path):
    weights = RankingWeights(recency=1.0, half_life_s=10.0)
    with MemoryStore.open(tmp_path / "lab", clock=lambda: 20.0) as store:
        store.memory().record(Experience(task="look", happened_at_s=10.0))
        for memory in (store.memory(weights=weights), store.snapshot().memory(weights=weights)):
            assert memory.recall("look")[0].parts["recency"] == pytest.approx(0.5)


def test_a_frozen_memory_of_a_store_refuses_writes(store):
    with pytest.raises(MemoryModeError):
        store.memory("frozen").record(Experience(task="look"))


def test_experiences_come_in_the_order_of_writing_without_the_withdrawn(store):
    memory = store.memory()
    for n in range(600):  # more than a page
        memory.record(Experience(task="look", id=str(n)))
    memory.withdraw(after=500)
    memory.record(Experience(task="look", id="last"))
    assert [experience.id for experience in store.experiences()] == [*map(str, range(500)), "last"]


def test_one_experience_is_got_by_its_id_archived_or_not(store):
    memory = store.memory(embedder=HashedEmbedder(16))
    memory.record(Experience(task="look", id="1", metadata={"force_n": 3.5}))
    [recorded] = store.experiences()
    assert store.get("1") == recorded
    store.archive(["1"])
    assert store.get("1").metadata == {"force_n": 3.5}


@pytest.mark.parametrize("asked", ["cub", "hidden", 1, None])
def test_getting_what_is_not_there_or_withdrawn_is_an_error(store, asked):
    memory = store.memory()
    memory.record(Experience(task="look", id="cup"))
    memory.record(Experience(task="look", id="hidden"))
    memory.feedback("cup", helped=True)
    memory.withdraw(after=1)
    with pytest.raises(UnknownName, match=f"No experience has id '{asked}'"):
        store.get(asked)


def test_an_unknown_id_is_told_the_nearest(store):
    store.memory().record(Experience(task="look", id="cup"))
    with pytest.raises(UnknownName, match="did you mean 'cup'"):
        store.get("cub")


def test_stats_count_what_is_seen_and_what_is_hidden(store):
    memory = store.memory(embedder=HashedEmbedder())
    for n in range(4):
        memory.record(Experience(task="look", id=str(n)))
        memory.feedback(str(n), helped=True)
    memory.withdraw(after=6)
    stats = store.stats()
    assert (stats.n_experiences, stats.n_withdrawn, stats.n_feedback, stats.last_sequence) == (3, 1, 3, 9)
    assert stats.spaces == {"text": memory.embedder.space}
    assert stats.path == store.path
    assert stats.size_bytes > 4096


def test_an_empty_store_has_empty_stats(store):
    stats = store.stats()
    assert (stats.n_experiences, stats.n_withdrawn, stats.n_feedback, stats.last_sequence) == (0, 0, 0, 0)
    assert list(store.experiences()) == []


def test_closing_twice_is_allowed_and_use_afterwards_is_refused(store):
    memory = store.memory()
    store.close()
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        memory.recall()
    with pytest.raises(StoreError, match="was closed"):
        store.stats()


def test_a_read_only_store_reads_and_writes_nothing(tmp_path, store):
    store.memory().record(Experience(task="look"))
    with MemoryStore.open(store.path, read_only=True) as reader:
        assert len(reader.memory().recall("look")) == 1
        with pytest.raises(StoreError, match="reading only"):
            reader.memory().record(Experience(task="look"))


def test_reading_a_folder_without_a_store_says_so(tmp_path):
    with pytest.raises(StoreError, match="nothing to read"):
        MemoryStore.open(tmp_path / "nowhere", read_only=True)
    assert not (tmp_path / "nowhere").exists()


def test_two_handles_on_one_store_see_each_other(store):
    with MemoryStore.open(store.path) as other:
        other.memory().record(Experience(task="go to the red ball"))
        assert len(store.memory().recall(task="red ball")) == 1
        store.memory().record(Experience(task="go to the red door"))
        assert len(other.memory().recall(task="red")) == 2


def test_a_pickled_store_opens_its_folder_again(store):
    store.memory().record(Experience(task="look"))
    with pickle.loads(pickle.dumps(store)) as copy:
        assert copy.stats().n_experiences == 1
        assert len(pickle.loads(pickle.dumps(copy.memory("frozen"))).recall("look")) == 1


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with MemoryStore.open("~/memories") as store:
        assert store.path == tmp_path / "memories"


def test_a_store_stays_where_it_was_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with MemoryStore.open("lab") as store:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        store.memory().record(Experience(task="look"))
        assert store.stats().size_bytes > 4096
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_words_of_your_own_may_mean_the_same(tmp_path):
    (tmp_path / "words.txt").write_text("flurp, gadget\n")
    synonyms = Synonyms.load(tmp_path / "words.txt")
    with MemoryStore.open(tmp_path / "lab", synonyms=synonyms) as store:
        memory = store.memory(embedder=None)
        memory.record(Experience(task="bring the gadget"))
        [hit] = memory.recall("flurp")
    assert hit.parts["text"] > 0
    with MemoryStore.open(tmp_path / "lab") as store:
        assert store.memory(embedder=None).recall("flurp")[0].parts["text"] == 0


def test_stats_say_what_is_archived_attached_and_waiting(tmp_path):
    with MemoryStore.open(tmp_path / "lab", commit_every=10) as store:
        memory = store.memory()
        picture = store.attachments.put(b"pixels", role="image", media_type="image/png")
        memory.record(Experience(task="look", id="1", attachments=(picture,)))
        store.archive(["1"], reason="old")
        memory.record(Experience(task="look", id="2"))
        stats = store.stats()
        assert (stats.n_archived, stats.n_attachments, stats.attachments_bytes) == (1, 1, 6)
        assert stats.schema_version >= 2
        assert stats.sqlite_version.startswith("3.")


def test_what_waits_is_committed_by_flush(tmp_path):
    with MemoryStore.open(tmp_path / "lab", commit_every=10) as store:
        memory = store.memory()
        memory.record(Experience(task="look", id="1"))
        with MemoryStore.open(tmp_path / "lab", read_only=True) as other:
            assert (store.backend.pending, list(other.experiences())) == (1, [])
            store.flush()
            assert (store.backend.pending, len(list(other.experiences()))) == (0, 1)


def test_what_waits_is_in_a_branch_a_merge_and_an_export(tmp_path):
    with MemoryStore.open(tmp_path / "lab", commit_every=10) as store:
        memory = store.memory()
        memory.record(Experience(task="look", id="1"))
        with store.branch(tmp_path / "arm") as arm:
            assert arm.stats().n_experiences == 1
        memory.record(Experience(task="look", id="2"))
        assert store.export(tmp_path / "out").counts == {"experience": 2}
        memory.record(Experience(task="look", id="3"))
        with MemoryStore.open(tmp_path / "all") as everything:
            assert everything.merge(store).n_added == 3


def test_an_archived_experience_is_not_recalled_and_is_still_listed(store):
    memory = store.memory()
    memory.record(Experience(task="look", id="1"))
    assert store.archived() == []
    assert store.archive(["1"], reason="old") == store.archived() == ["1"]
    assert memory.recall("look") == []
    assert [experience.id for experience in store.experiences()] == ["1"]
    assert [change.kind for change in store.history("1")] == ["recorded", "archived"]
    assert store.restore(store.archived()) == ["1"]
    assert len(memory.recall("look")) == 1


def test_a_policy_archives_what_it_keeps_least(store):
    for n in range(5):
        store.memory().record(Experience(task="look", id=str(n)))
    assert store.forget(Fifo(), keep=3) == ["0", "1"]
    assert store.stats().n_archived == 2


def test_a_rule_limits_a_kind(store):
    for n in range(5):
        store.memory().record(Experience(task="look", id=str(n)))
    assert store.apply_retention(Retention(kind="episode", max_count=4)).gone == ("0",)
    assert store.apply_retention([Retention(kind="episode", max_count=2)], action="purge").purge is not None
    assert store.stats().n_experiences == 2


def test_what_is_purged_is_gone(store):
    store.memory().record(Experience(task="look", id="1", scope=Scope(person="ada")))
    store.memory().record(Experience(task="look", id="2"))
    assert store.purge(where(scope__person="ada")).purged == ("1",)
    assert [experience.id for experience in store.experiences()] == ["2"]


def test_how_long_another_writer_is_waited_for_can_be_said(tmp_path):
    with MemoryStore.open(tmp_path / "lab", busy_timeout_s=0.05) as store:
        other = sqlite3.connect(tmp_path / "lab" / FILE_NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        begun_s = time.monotonic()
        with pytest.raises(StoreError, match="open with a larger busy_timeout_s"):
            store.memory().record(Experience(task="look"))
        assert time.monotonic() - begun_s < 2.0
        other.close()


def test_a_dry_run_of_a_purge_removes_nothing(store):
    store.memory().record(Experience(task="look", id="1"))
    with MemoryStore.open(store.path, read_only=True) as reader:
        report = reader.purge(["1"], dry_run=True)
    assert (report.purged, report.is_dry_run) == (("1",), True)
    assert store.get("1").id == "1"
    assert not store.purge(["1"]).is_dry_run


def test_compacting_gives_back_what_shorter_vectors_leave(store):
    memory = store.memory(embedder=HashedEmbedder(2048))
    for n in range(100):
        memory.record(Experience(task=f"look {n}", id=str(n)))
    store.reembed(HashedEmbedder(16))
    store.compact()
    assert store.stats().size_bytes < 100 * 2048
    assert len(store.memory(embedder=HashedEmbedder(16)).recall("look", k=10)) == 10
    assert store.check().is_clean


def test_attachments_have_a_quota(tmp_path):
    with MemoryStore.open(tmp_path / "lab", quota_bytes=10) as store:
        store.attachments.put(b"123456", role="image", media_type="image/png")
        with pytest.raises(StoreError, match="do not fit"):
            store.attachments.put(b"abcdef", role="image", media_type="image/png")


def test_a_saved_index_lies_in_the_folder(store):
    store.memory().record(Experience(task="look"))
    store.memory().recall("look")
    store.save_index()
    assert any((store.path / "index").iterdir())
    assert store.check().is_clean


def test_options_travel_with_a_pickled_store(tmp_path):
    with MemoryStore.open(tmp_path / "lab", commit_every=7, quota_bytes=3) as store:
        copy = pickle.loads(pickle.dumps(store))
        assert copy.backend.commit_every == 7
        assert copy.attachments.quota_bytes == 3
        copy.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("use", ["stats", "check", "flush", "snapshot", "utility", "attach"])
def test_a_forked_child_is_refused_the_handle(store, use):
    store.memory().record(Experience(task="look"))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if use == "attach":
                store.attachments.put(b"x", role="image", media_type="image/png")
            else:
                getattr(store, use)()
            message = "it worked"
        except BaseException as error:
            message = type(error).__name__
        os.write(writer, message.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    told = os.read(reader, 100).decode()
    os.close(reader)
    assert told == "ForkedHandle" or (use, told) == (
        "flush",
        "it worked",
    )  # nothing waits, so nothing is done
    assert store.stats().n_experiences == 1


@pytest.mark.parametrize("path", ["", " ", "\t"])
@pytest.mark.parametrize("use", [MemoryStore.open, lambda path: MemoryStore.import_folder(path, path)])
def test_a_blank_path_is_refused_and_nothing_is_written(tmp_path, monkeypatch, path, use):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidQuery, match=r"the path is '.*'; give the name.*'\.' for this folder"):
        use(path)
    assert list(tmp_path.iterdir()) == []
    with MemoryStore.open(".") as store:
        assert store.path == tmp_path


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_is_no_store_and_the_error_says_what_is(tmp_path, read_only):
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    with pytest.raises(StoreError, match=r"notes\.txt is a file; give the folder of a store"):
        MemoryStore.open(file, read_only=read_only)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    "use",
    [
        MemoryStore.open,
        lambda path: MemoryStore.open(path, read_only=True),
        lambda path: MemoryStore.open(path.parent / "other").merge(path),
        check_folder,
        check_store,
    ],
)
def test_the_database_of_a_store_is_no_store_and_the_error_names_the_folder(store, use):
    with pytest.raises(StoreError, match=rf"is the database in the folder of a store; .*{store.path}$"):
        use(store.path / FILE_NAME)


@pytest.mark.parametrize("arguments", [("x",), (Path("x"),), ("x", "y")])
def test_a_store_is_opened_and_not_made(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=r"MemoryStore\('x'\) opens nothing; use MemoryStore\.open\('x'\)"):
        MemoryStore(*arguments)
    assert list(tmp_path.iterdir()) == []
