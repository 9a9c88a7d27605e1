import contextlib
import gc
import os
import pickle
import sqlite3
import warnings

import numpy as np
import pytest

from embodied_mem import failpoints
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import ConflictingId, InvalidRecord, StoreError, UnknownSpace
from embodied_mem.records.log import Search, TextLeg
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.testing.backend import OTHER, example_entry, example_vector


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.sqlite"


@pytest.fixture
def backend(path):
    with SqliteBackend(path, commit_every=4, busy_timeout_s=0.05) as backend:
        yield backend


@pytest.fixture
def full_disk(backend):
    """Lets the file grow no more; call it with False to free the disk again."""

    def set_full(is_full):
        db = backend._connection()
        n_pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {n_pages if is_full else 2**30}")

    return set_full


def n_committed(path):
    with sqlite3.connect(path) as db:
        n = db.execute("SELECT count(*) FROM entries").fetchone()[0]
    db.close()
    return n


class TestWaiting:
    def test_entries_wait_until_there_are_enough_and_are_committed_together(self, backend, path):
        deferred = [backend.defer(example_entry(n)) for n in range(3)]
        assert (backend.pending, n_committed(path)) == (3, 0)
        assert [item.appended for item in deferred] == [None, None, None]
        deferred.append(backend.defer(example_entry(3)))
        assert (backend.pending, n_committed(path)) == (0, 4)
        assert [item.appended.sequence for item in deferred] == [1, 2, 3, 4]

    def test_they_are_one_commit(self, backend, monkeypatch):
        places = []
        monkeypatch.setattr(failpoints, "listener", places.append)
        for n in range(8):
            backend.defer(example_entry(n))
        assert places == ["commit:before", "commit:after"] * 2

    @pytest.mark.parametrize(
        "read",
        [
            lambda backend: backend.get(["entry-0"]),
            lambda backend: backend.changes_since(0),
            lambda backend: backend.search(Search(legs=(TextLeg("t", "box", ("task",)),))),
            lambda backend: backend.last_sequence(),
            lambda backend: backend.sequence_at(1e12),
            lambda backend: backend.recorded_at(1),
            lambda backend: backend.spaces(),
            lambda backend: backend.verify() == [],
            lambda backend: backend.append([]) == [],
            lambda backend: pickle.dumps(backend),
        ],
    )
    def test_a_read_sees_what_the_same_handle_wrote(self, backend, path, read):
        backend.defer(example_entry(0))
        assert read(backend)
        assert n_committed(path) == 1

    def test_what_is_appended_comes_after_what_waits(self, backend):
        backend.defer(example_entry(0))
        assert backend.append([example_entry(1)])[0].sequence == 2

    def test_a_flush_commits_what_waits(self, backend, path):
        deferred = backend.defer(example_entry(0))
        backend.flush()
        assert n_committed(path) == 1
        assert (deferred.appended.sequence, deferred.appended.is_duplicate) == (1, False)

    def test_closing_commits_what_waits(self, path):
        with SqliteBackend(path, commit_every=100) as backend:
            backend.defer(example_entry(0))
        assert n_committed(path) == 1

    def test_a_handle_that_is_dropped_warns_and_commits(self, path):
        backend = SqliteBackend(path, commit_every=100)
        backend.defer(example_entry(0))
        with pytest.warns(ResourceWarning, match="1 entries were not committed yet"):
            del backend
        assert n_committed(path) == 1

    def test_a_handle_that_was_flushed_does_not_warn(self, path):
        backend = SqliteBackend(path, commit_every=100)
        backend.defer(example_entry(0))
        backend.close()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            del backend
            gc.collect()

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_a_forked_child_does_not_commit_what_waits_in_its_parent(self, backend, path):
        backend.defer(example_entry(0))
        child = os.fork()
        if child == 0:
            backend.__del__()
            os._exit(0)
        os.waitpid(child, 0)
        assert n_committed(path) == 0

    @pytest.mark.parametrize("commit_every", [0, -1, 1.5, True, "4"])
    def test_a_number_that_makes_no_sense_is_refused(self, path, commit_every):
        with pytest.raises(StoreError, match=r"commit_every is .*at least 1"):
            SqliteBackend(path, commit_every=commit_every)

    def test_a_handle_for_reading_takes_none(self, backend, path):
        with SqliteBackend(path, read_only=True) as reader, pytest.raises(StoreError, match="reading only"):
            reader.defer(example_entry(0))


class TestRefusal:
    def test_what_cannot_be_kept_is_refused_at_once(self, backend):
        with pytest.raises(InvalidRecord):
            backend.defer(example_entry(0, payload={"n": float("nan")}))
        assert backend.pending == 0

    def test_an_id_that_waits_with_other_content_is_refused_at_once(self, backend):
        backend.defer(example_entry(0))
        with pytest.raises(ConflictingId, match="entry-0"):
            backend.defer(example_entry(0, texts={}))
        assert backend.pending == 1

    def test_an_id_that_is_kept_with_other_content_is_refused_at_once(self, backend):
        backend.append([example_entry(0)])
        with pytest.raises(ConflictingId, match="entry-0"):
            backend.defer(example_entry(0, texts={}))

    def test_what_is_kept_already_does_not_wait(self, backend):
        [first] = backend.append([example_entry(0)])
        again = backend.defer(example_entry(0)).appended
        assert (again.sequence, again.is_duplicate, backend.pending) == (first.sequence, True, 0)

    def test_what_waits_already_is_a_duplicate_of_itself(self, backend):
        first, again = backend.defer(example_entry(0)), backend.defer(example_entry(0))
        backend.flush()
        assert first.appended.sequence == again.appended.sequence
        assert (first.appended.is_duplicate, again.appended.is_duplicate) == (False, True)

    @pytest.mark.parametrize("is_committed", [True, False])
    def test_a_vector_of_another_space_is_refused_at_once(self, backend, is_committed):
        backend.defer(example_entry(0))
        if is_committed:
            backend.flush()
        with pytest.raises(UnknownSpace, match="meaning"):
            backend.defer(example_entry(1, vectors=(example_vector(1, OTHER),)))

    def test_an_id_that_another_process_took_meanwhile_is_refused_alone(self, backend, path):
        deferred = [backend.defer(example_entry(n)) for n in range(3)]
        with SqliteBackend(path) as other:
            other.append([example_entry(1, texts={"task": "theirs"})])
        with pytest.raises(ConflictingId, match="entry-1"):
            backend.flush()
        assert isinstance(deferred[1].error, ConflictingId)
        assert [item.appended and item.appended.sequence for item in deferred] == [2, None, 3]
        assert backend.get(["entry-1"])[0].entry.texts == {"task": "theirs"}
        backend.flush()  # nothing is left to refuse

    def test_a_space_that_another_process_gave_a_field_meanwhile_refuses_that_entry_alone(
        self, backend, path
    ):
        field = Space(name="mine", version="1", dimension=2)
        vector = FieldVector(field="new", space=field, values=np.ones(2))
        deferred = [backend.defer(example_entry(0, vectors=(vector,))), backend.defer(example_entry(1))]
        theirs = Space(name="theirs", version="1", dimension=2)
        with SqliteBackend(path) as other:
            vector = FieldVector(field="new", space=theirs, values=np.ones(2))
            other.append([example_entry(2, vectors=(vector,))])
        with pytest.raises(UnknownSpace, match="theirs"):
            backend.flush()
        assert isinstance(deferred[0].error, UnknownSpace)
        assert backend.get(["entry-0", "entry-1"])[0] is None
        assert backend.verify() == []


class TestFailure:
    def test_what_could_not_be_committed_waits_and_is_committed_later(self, backend, path, full_disk):
        big = [example_entry(n, texts={"task": "x" * 50_000}) for n in range(2)]
        deferred = [backend.defer(entry) for entry in big]
        full_disk(True)
        for _ in range(2):
            with pytest.raises(StoreError, match="the disk is full"):
                backend.flush()
        assert (backend.pending, n_committed(path)) == (2, 0)
        full_disk(False)
        backend.flush()
        assert [item.appended.sequence for item in deferred] == [1, 2]
        assert [logged.entry for logged in backend.changes_since(0)] == big

    def test_the_entry_that_makes_it_time_to_commit_is_not_kept_and_may_be_given_again(
        self, backend, full_disk
    ):
        full_disk(True)
        for n in range(3):
            backend.defer(example_entry(n, texts={"task": "x" * 50_000}))
        for name in ("a retry", "another retry"):  # each under a new id, as a loop that records does
            with pytest.raises(
                StoreError, match=r"disk is full.*this entry was not kept; 3 recorded before stay"
            ):
                backend.defer(example_entry(3, id=name))
        assert backend.pending == 3
        full_disk(False)
        backend.defer(example_entry(3, id="the last retry"))
        ids = [logged.entry.id for logged in backend.changes_since(0)]
        assert ids == ["entry-0", "entry-1", "entry-2", "the last retry"]

    @pytest.mark.parametrize(
        "commit",
        [SqliteBackend.flush, SqliteBackend.close, lambda b: b.append([example_entry(9)]), pickle.dumps],
    )
    def test_what_stays_queued_is_said_so_that_nobody_records_it_again(self, backend, full_disk, commit):
        for n in range(2):
            backend.defer(example_entry(n, texts={"task": "x" * 50_000}))
        full_disk(True)
        with pytest.raises(StoreError, match="disk is full") as error:
            commit(backend)
        assert "2 recorded before stay queued for the next commit, so do not record them again" in str(
            error.value
        )
        assert "nothing of this write" not in str(error.value)
        full_disk(False)
        assert backend.last_sequence() == 2

    @pytest.mark.parametrize("cause", ["another process writes", "the clock"])
    def test_an_entry_that_is_refused_for_another_cause_does_not_wait_either(self, path, cause):
        times_s = iter([0.0] + [1.0] * 9 if cause == "another process writes" else [0.0])
        with SqliteBackend(path, commit_every=2, busy_timeout_s=0.05, clock=lambda: next(times_s)) as backend:
            backend.defer(example_entry(0))
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
                if cause == "another process writes":
                    other.execute("BEGIN IMMEDIATE")
                with pytest.raises((StoreError, StopIteration)):
                    backend.defer(example_entry(1))
            assert backend.pending == 1
            times_s = iter([1.0] * 9)
            backend.flush()
            assert [logged.entry.id for logged in backend.changes_since(0)] == ["entry-0"]

    def test_an_entry_given_twice_waits_once_if_the_second_makes_a_failed_commit_due(
        self, backend, full_disk
    ):
        full_disk(True)
        for n in range(3):
            backend.defer(example_entry(n, texts={"task": "x" * 50_000}))
        with pytest.raises(StoreError, match="the disk is full"):
            backend.defer(example_entry(2, texts={"task": "x" * 50_000}))
        with pytest.raises(ConflictingId, match="entry-2"):
            backend.defer(example_entry(2, texts={}))
        full_disk(False)
        assert backend.last_sequence() == 3

    def test_a_record_is_not_refused_for_the_id_of_another(self, backend, path):
        deferred = [backend.defer(example_entry(n)) for n in range(3)]
        with SqliteBackend(path) as other:
            other.append([example_entry(1, texts={"task": "theirs"})])
        kept = backend.defer(example_entry(3))
        assert kept.appended.sequence == 4
        assert isinstance(deferred[1].error, ConflictingId)
        with pytest.raises(ConflictingId, match="entry-1"):
            backend.flush()
        backend.flush()  # said once

    def test_a_record_that_makes_a_commit_due_is_refused_for_its_own_id(self, backend, path):
        for n in range(3):
            backend.defer(example_entry(n))
        with SqliteBackend(path) as other:
            other.append([example_entry(3, texts={"task": "theirs"})])
        with pytest.raises(ConflictingId, match="entry-3"):
            backend.defer(example_entry(3))
        assert backend.pending == 3  # an id that is stored is found before it is queued

    def test_a_read_on_a_full_disk_goes_on_without_what_waits(self, backend, full_disk, caplog):
        backend.append([example_entry(0)])
        deferred = backend.defer(example_entry(1, texts={"task": "x" * 50_000}))
        full_disk(True)
        assert (backend.last_sequence(), len(backend.changes_since(0))) == (1, 1)
        assert "the disk is full" in caplog.text
        with pytest.raises(StoreError, match="the disk is full"):
            backend.flush()
        full_disk(False)
        assert (backend.last_sequence(), deferred.appended.sequence) == (2, 2)

    def test_a_flush_after_a_read_on_a_full_disk_tries_again_and_raises_only_if_it_fails(
        self, backend, full_disk
    ):
        deferred = backend.defer(example_entry(0, texts={"task": "x" * 50_000}))
        full_disk(True)
        assert backend.last_sequence() == 0
        full_disk(False)
        backend.flush()
        assert deferred.appended.sequence == 1

    def test_what_is_refused_while_something_is_read_is_raised_by_the_next_flush(self, backend, path):
        deferred = [backend.defer(example_entry(n)) for n in range(2)]
        with SqliteBackend(path) as other:
            other.append([example_entry(1, texts={"task": "theirs"})])
        assert [logged.entry.id for logged in backend.changes_since(0)] == ["entry-1", "entry-0"]
        with pytest.raises(ConflictingId, match="entry-1"):
            backend.flush()
        assert isinstance(deferred[1].error, ConflictingId)
        backend.flush()  # said once

    def test_a_dropped_handle_that_cannot_commit_logs_what_is_lost(self, path, recwarn, caplog):
        backend = SqliteBackend(path, commit_every=4)
        backend.defer(example_entry(0, texts={"task": "x" * 50_000}))
        db = backend._connection()
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
        del backend
        assert [warning.category for warning in recwarn] == [ResourceWarning]
        assert "1 entries are lost" in caplog.text
        assert "the disk is full" in caplog.text

    def test_a_handle_that_cannot_commit_is_not_closed(self, path, full_disk, backend):
        backend.defer(example_entry(0, texts={"task": "x" * 50_000}))
        full_disk(True)
        with pytest.raises(StoreError, match="the disk is full"):
            backend.close()
        full_disk(False)
        backend.close()
        assert n_committed(path) == 1

    def test_an_interrupt_after_the_commit_writes_nothing_twice(self, backend, path, monkeypatch):
        def interrupt(place):
            if place == "commit:after":
                raise KeyboardInterrupt

        deferred = backend.defer(example_entry(0))
        with monkeypatch.context() as patch:
            patch.setattr(failpoints, "listener", interrupt)
            with pytest.raises(KeyboardInterrupt):
                backend.flush()
        backend.flush()
        assert n_committed(path) == 1
        assert deferred.appended.sequence == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_may_close_what_waits_in_its_parent(path):
    with SqliteBackend(path, commit_every=10) as backend:
        backend.defer(example_entry(0))
        child = os.fork()
        if child == 0:
            try:
                backend.close()
            except BaseException:
                os._exit(1)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        with SqliteBackend(path) as other:
            assert other.last_sequence() == 0
        backend.flush()
        assert backend.last_sequence() == 1
