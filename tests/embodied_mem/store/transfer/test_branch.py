"""Copies of a store, whole or not there at all."""

import multiprocessing
import os
import pickle
import signal

import pytest

from embodied_mem import failpoints
from embodied_mem.backends.sqlite import network_disk
from embodied_mem.errors import InvalidQuery, MemoryModeError, QuotaExceeded, StoreError
from embodied_mem.index.index_options import IndexOptions
from embodied_mem.records import Experience
from embodied_mem.store import MemoryStore
from embodied_mem.text.synonyms import Synonyms


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "lab", clock=lambda: 7.0) as store:
        memory = store.memory()
        for n in range(5):
            memory.record(Experience(task=f"fetch ball {n}", id=str(n)))
        yield store


def ids(store):
    return [experience.id for experience in store.experiences()]


def test_a_branch_holds_what_the_store_held(store, tmp_path):
    with store.branch(tmp_path / "arm") as arm:
        assert list(arm.experiences()) == list(store.experiences())
        assert arm.check().is_clean


def test_a_branch_and_its_store_do_not_see_each_other(store, tmp_path):
    with store.branch(tmp_path / "arm") as arm:
        arm.memory().record(Experience(task="look", id="only here"))
        store.memory().record(Experience(task="look", id="only there"))
        assert ids(arm) == ["0", "1", "2", "3", "4", "only here"]
        assert ids(store) == ["0", "1", "2", "3", "4", "only there"]


def test_a_branch_at_an_earlier_entry_goes_on_as_if_nothing_had_come_later(store, tmp_path):
    with store.branch(tmp_path / "arm", sequence=2) as arm:
        assert ids(arm) == ["0", "1"]
        assert arm.memory().record(Experience(task="look")).sequence == 3


def test_a_branch_from_before_a_withdrawal_still_sees_what_it_hid(store, tmp_path):
    store.memory().withdraw(after=3)
    with store.branch(tmp_path / "before", sequence=5) as before, store.branch(tmp_path / "now") as now:
        assert ids(before) == ["0", "1", "2", "3", "4"]
        assert ids(now) == ["0", "1", "2"]


def test_a_branch_recalls_what_its_store_recalls(store, tmp_path):
    with store.branch(tmp_path / "arm") as arm:
        assert arm.memory().recall("ball 3") == store.memory().recall("ball 3")


def test_a_branch_says_where_it_comes_from(store, tmp_path):
    with store.branch(tmp_path / "arm", sequence=3) as arm:
        assert arm.stats().origin == {"path": str(store.path), "sequence": 3, "at_s": 7.0}
    assert store.stats().origin is None


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_note_of_where_a_branch_comes_from_that_is_damaged_is_named(store, tmp_path, text):
    with store.branch(tmp_path / "arm") as arm:
        (arm.path / "origin.json").write_text(text)
        with pytest.raises(StoreError, match=r"origin\.json cannot be read: .*delete it if"):
            arm.stats()


@pytest.fixture
def told(tmp_path):
    """A store that was told how it is to be used."""
    options = {
        "fsync": True,
        "commit_every": 3,
        "busy_timeout_s": 2.5,
        "synonyms": Synonyms([["ball", "zork"]]),
        "index": IndexOptions(compression="always"),
        "quota_bytes": 10,
        "clock": lambda: 7.0,
    }
    with MemoryStore.open(tmp_path / "told", **options) as store:
        store.memory().record(Experience(task="fetch ball", id="0"))
        yield store


def options_of(store):
    return {**store.backend.options, "quota_bytes": store.attachments.quota_bytes}


def test_a_branch_has_the_options_of_its_store(told, tmp_path):
    with told.branch(tmp_path / "arm") as arm:
        assert options_of(arm) == options_of(told)
        assert arm.memory().recall("zork")[0].score == told.memory().recall("zork")[0].score > 0
        with pytest.raises(QuotaExceeded):
            arm.attachments.put(bytes(11), role="image", media_type="image/png")


def test_a_branch_may_have_other_options_than_its_store(told, tmp_path):
    with told.branch(tmp_path / "arm", commit_every=1, quota_bytes=None) as arm:
        assert options_of(arm) == {**options_of(told), "commit_every": 1, "quota_bytes": None}


def test_a_branch_of_a_store_that_is_only_read_may_be_written(store, tmp_path):
    with MemoryStore.open(store.path, read_only=True) as reader:
        with reader.branch(tmp_path / "arm") as arm:
            arm.memory().record(Experience(task="look", id="new"))
        with reader.branch(tmp_path / "kept", read_only=True) as kept, pytest.raises(StoreError):
            kept.memory().record(Experience(task="look"))


@pytest.mark.parametrize("options", [{"fsnyc": True}, {"commit_every": 0}, {"synonyms": "words.txt"}])
def test_an_option_that_there_is_not_is_refused_before_anything_is_copied(store, tmp_path, options):
    with pytest.raises(InvalidQuery, match=next(iter(options))):
        store.branch(tmp_path / "arm", **options)
    assert not (tmp_path / "arm").exists()


def test_attachments_come_along(store, tmp_path):
    attachment = store.attachments.put(b"pixels", role="image", media_type="image/png")
    store.memory().record(Experience(task="look", attachments=(attachment,)))
    with store.branch(tmp_path / "arm") as arm:
        assert arm.attachments.get(attachment.digest) == b"pixels"


def test_an_empty_folder_may_become_a_branch(store, tmp_path):
    (tmp_path / "arm").mkdir()
    with store.branch(tmp_path / "arm") as arm:
        assert len(ids(arm)) == 5


def test_a_branch_on_a_network_disk_names_the_target_and_leaves_nothing(store, tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"20 1 0:20 / {tmp_path / 'far'} rw - nfs4 server:/export rw\n")
    monkeypatch.setattr(network_disk, "MOUNTS", mounts)
    monkeypatch.setattr(network_disk.sys, "platform", "linux")
    target = tmp_path / "far" / "new" / "arm"
    for sequence in (None, 3):
        with pytest.raises(StoreError, match=f"{target} is on a disk of type nfs4"):
            store.branch(target, sequence=sequence)
    assert not (tmp_path / "far").exists()


def test_a_folder_that_holds_something_is_left_as_it_is(store, tmp_path):
    (tmp_path / "arm").mkdir()
    (tmp_path / "arm" / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="already exists"):
        store.branch(tmp_path / "arm")
    assert [path.name for path in (tmp_path / "arm").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("sequence", [-1, 6, True, "2"])
def test_an_entry_that_was_never_written_is_refused(store, tmp_path, sequence):
    with pytest.raises(InvalidQuery, match="from 0 to 5"):
        store.branch(tmp_path / "arm", sequence=sequence)
    assert not (tmp_path / "arm").exists()


def test_a_failed_branch_leaves_nothing(store, tmp_path, monkeypatch):
    def fail(place):
        if place == "snapshot:branch-ready":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(failpoints, "listener", fail)
    with pytest.raises(StoreError, match="No space left"):
        store.branch(tmp_path / "arm")
    assert [path.name for path in tmp_path.iterdir()] == ["lab"]


def _branch_and_die(folder, target):
    def die(place):
        if place == "snapshot:branch-ready":
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.listener = die
    MemoryStore.open(folder).branch(target)


def test_a_killed_branch_leaves_nothing_that_looks_like_a_store_and_check_clears_it_away(store, tmp_path):
    store.branch(tmp_path / "arm").close()  # so that check has a store of that name to look at
    os.rename(tmp_path / "arm", tmp_path / "kept")
    process = multiprocessing.get_context("spawn").Process(
        target=_branch_and_die, args=(store.path, tmp_path / "arm")
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "arm").exists()
    left = [path for path in tmp_path.iterdir() if path.name.startswith(".arm.partial-")]
    assert len(left) == 1
    os.utime(left[0], (0, 0))
    os.rename(tmp_path / "kept", tmp_path / "arm")
    with MemoryStore.open(tmp_path / "arm") as arm:
        assert "leftovers" in [finding.name for finding in arm.check(repair=True).findings]
    assert not left[0].exists()


def test_a_snapshot_is_frozen_while_the_store_goes_on(store):
    snapshot = store.snapshot()
    store.memory().record(Experience(task="fetch ball 9", id="9"))
    assert snapshot.sequence == 5
    assert [experience.id for experience in snapshot.experiences()] == ["0", "1", "2", "3", "4"]
    assert "9" not in [hit.experience.id for hit in snapshot.memory().recall("ball", k=10)]
    assert snapshot.memory().horizon() == 5


def test_a_query_may_look_further_back_than_its_snapshot_and_never_less_far(store):
    memory = store.snapshot(3).memory()
    assert [hit.experience.id for hit in memory.recall(as_of=1, k=10)] == ["0"]
    assert [hit.experience.id for hit in memory.recall(as_of=5, k=10)] == ["2", "1", "0"]


def test_a_snapshot_refuses_writes(store):
    with pytest.raises(MemoryModeError):
        store.snapshot().memory().record(Experience(task="look"))


def test_a_snapshot_can_be_branched(store, tmp_path):
    with store.snapshot(2).branch(tmp_path / "arm", commit_every=4) as arm:
        assert ids(arm) == ["0", "1"]
        assert arm.backend.options == {**store.backend.options, "commit_every": 4}


def test_a_snapshot_that_was_pickled_can_be_branched(tmp_path):
    with MemoryStore.open(tmp_path / "lab") as store:
        store.memory().record(Experience(task="look", id="0"))
        copy = pickle.loads(pickle.dumps(store.snapshot()))
        store.memory().record(Experience(task="look", id="1"))
        with copy.branch(tmp_path / "arm") as arm:
            assert ids(arm) == ["0"]


def test_a_snapshot_sees_feedback_of_its_time_only(store):
    before = store.snapshot()
    store.memory().feedback("0", helped=True)
    after = store.snapshot()
    before_it, after_it = (view.memory().recall("ball 0", k=1)[0].score for view in (before, after))
    assert before_it < after_it
