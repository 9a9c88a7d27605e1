"""Files that no experience names: found, told of, removed, and left alone while somebody may record one."""

import os
import time

import pytest

from embodied_mem.errors import InvalidQuery, QuotaExceeded, StoreError
from embodied_mem.records import Experience
from embodied_mem.store import MemoryStore
from embodied_mem.store.upkeep.unreferenced import GRACE_S, unreferenced


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "lab", quota_bytes=100) as store:
        yield store


def put(store, data):
    return store.attachments.put(data, role="image", media_type="image/png")


def record(store, file, name="named"):
    store.memory().record(Experience(task="look", id=name, attachments=(file,)))


def age(store, *files):
    """As if they had been put long ago."""
    for file in files:
        os.utime(store.attachments.path_of(file.digest), (1.0, 1.0))


def test_files_of_a_process_that_died_are_removed_and_make_room(store):
    named, stray = put(store, bytes(40)), put(store, bytes(50))
    record(store, named)
    age(store, named, stray)
    with pytest.raises(QuotaExceeded, match="remove-unreferenced"):
        put(store, bytes(60))
    assert store.remove_unreferenced() == [stray.digest]
    assert list(store.attachments) == [named.digest]
    put(store, bytes(60))


def test_a_file_that_may_yet_be_recorded_stays(store):
    young = put(store, b"young")
    assert store.remove_unreferenced() == []
    assert unreferenced(store.backend, store.path, now_s=time.time() + GRACE_S + 1) == [young.digest]
    assert store.remove_unreferenced(older_than_s=0.0) == [young.digest]


def test_an_old_file_that_is_put_again_may_yet_be_recorded(store):
    old = put(store, b"old")
    age(store, old)
    put(store, b"old")
    assert store.remove_unreferenced() == []
    record(store, old)
    assert store.attachments.get(old.digest) == b"old"


def test_files_of_hidden_experiences_stay(store):
    withdrawn, archived = put(store, b"withdrawn"), put(store, b"archived")
    record(store, archived, "archived")
    record(store, withdrawn, "withdrawn")
    store.memory().withdraw(after=1)
    store.archive(["archived"])
    age(store, withdrawn, archived)
    assert store.remove_unreferenced() == []


def test_what_waits_to_be_committed_names_its_files(tmp_path):
    with MemoryStore.open(tmp_path / "lab", commit_every=10) as store:
        file = put(store, b"waiting")
        record(store, file)
        age(store, file)
        assert store.remove_unreferenced() == []


@pytest.mark.parametrize("act", ["puts it again", "records it"])
def test_a_file_that_somebody_needs_at_the_last_moment_comes_back(store, listen, act):
    file = put(store, b"late")
    age(store, file)

    def need(place):
        if place == "purge:unreferenced-aside":
            listen(None)
            record(store, put(store, b"late") if act == "puts it again" else file)

    listen(need)
    assert store.remove_unreferenced() == []
    assert store.attachments.get(file.digest) == b"late"
    assert store.check().findings == ()


def test_a_file_that_was_touched_before_it_was_set_aside_comes_back(store, listen):
    file = put(store, b"late")
    age(store, file)

    def touch(place):
        if place == "purge:unreferenced-aside":
            [aside] = store.attachments.aside_files()
            os.utime(aside)

    listen(touch)
    assert store.remove_unreferenced() == []
    assert file.digest in store.attachments


class Killed(BaseException):
    """Ends the removal where a signal would."""


def test_a_removal_that_was_killed_is_finished_by_the_next_or_by_a_repair(store, listen):
    def kill(place):
        if place == "purge:unreferenced-aside":
            raise Killed

    for finish in (store.remove_unreferenced, lambda: store.check(repair=True)):
        named, stray = put(store, b"named"), put(store, b"stray")
        age(store, named, stray)
        listen(kill)
        with pytest.raises(Killed):
            store.remove_unreferenced()
        listen(None)
        record(store, named)
        assert not store.check().is_clean
        finish()
        assert store.check().findings == ()
        assert list(store.attachments) == [named.digest]
        store.purge(["named"])


def test_a_purge_that_was_killed_is_carried_out_first(store, listen):
    file = put(store, b"secret")
    record(store, file)

    def kill(place):
        if place == "purge:committed":
            raise Killed

    listen(kill)
    with pytest.raises(Killed):
        store.purge(["named"])
    listen(None)
    assert store.remove_unreferenced() == []
    assert [path for path in store.attachments.folder.rglob("*") if path.is_file()] == []


def test_files_that_a_merge_finds_here_or_brings_along_count_as_new(store, tmp_path):
    with MemoryStore.open(tmp_path / "worker") as worker:
        shared, brought = put(worker, b"shared"), put(worker, b"brought")
        record(worker, shared, "one")
        record(worker, brought, "two")
        age(worker, shared, brought)
        put(store, b"shared")
        age(store, shared)
        store.merge(worker)
    for file in (shared, brought):
        assert store.attachments.path_of(file.digest).stat().st_mtime > time.time() - 60


def test_a_check_says_how_to_remove_them(store):
    put(store, b"stray")
    [finding] = store.check().findings
    assert finding.next_step.endswith(f"embodied-mem memory remove-unreferenced {store.path}")
    assert store.check(repair=True).is_clean


def test_a_store_that_is_only_read_loses_none(store):
    age(store, put(store, b"stray"))
    with MemoryStore.open(store.path, read_only=True) as reader, pytest.raises(StoreError, match="read"):
        reader.remove_unreferenced()
    assert len(list(store.attachments)) == 1


@pytest.mark.parametrize("older_than_s", [-1.0, "a day", True, float("nan")])
def test_an_age_that_is_none_is_refused(store, older_than_s):
    with pytest.raises(InvalidQuery, match="older_than_s is"):
        store.remove_unreferenced(older_than_s=older_than_s)


def test_stats_count_whole_files_as_a_quota_does(store):
    file = put(store, b"123456")
    folder = store.attachments.path_of(file.digest).parent
    (folder / ".partial-killed").write_bytes(bytes(90))
    assert (store.stats().n_attachments, store.stats().attachments_bytes) == (1, 6)
