import errno
import multiprocessing
import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import ConflictingId, ForkedHandle, InvalidQuery, InvalidRecord, StoreError
from embodied_mem.records.log import Entry, Search, Span, TextLeg, VectorLeg
from embodied_mem.records.spaces import FieldVector, Metric, Space, similarities
from embodied_mem.testing.backend import example_entry, example_vector

TASK = (TextLeg("task", "sort box 3", ("task",)),)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store" / "log.sqlite"


@pytest.fixture
def public_path():
    """A path whose folders every user may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "store" / "log.sqlite"


@pytest.fixture
def backend(path):
    with SqliteBackend(path) as backend:
        yield backend


@pytest.fixture
def start(child_environment, path):
    """Starts a Python child that knows the path of the store; ended with the test."""
    children = []

    def start_child(code, path=path):
        arguments = [sys.executable, "-c", textwrap.dedent(code), str(path)]
        child = subprocess.Popen(arguments, env=child_environment, stdout=subprocess.PIPE, text=True)
        children.append(child)
        return child

    yield start_child
    for child in children:
        child.kill()
        child.wait()
        child.stdout.close()


class TestOpening:
    def test_the_folder_is_made(self, path):
        SqliteBackend(path).close()
        assert path.is_file()

    def test_everything_is_there_after_reopening(self, path):
        with SqliteBackend(path) as backend:
            backend.append([example_entry(n) for n in range(5)])
            before = backend.search(Search(legs=(*TASK, VectorLeg("v", example_vector(2)))))
        with SqliteBackend(path) as backend:
            assert [logged.entry for logged in backend.changes_since(0)] == [
                example_entry(n) for n in range(5)
            ]
            assert backend.search(Search(legs=(*TASK, VectorLeg("v", example_vector(2))))) == before

    def test_a_read_only_handle_reads_and_refuses_to_write(self, backend, path):
        backend.append([example_entry()])
        with SqliteBackend(path, read_only=True) as reader:
            assert reader.search(Search(legs=TASK)).n_candidates == 1
            with pytest.raises(StoreError, match="reading only"):
                reader.append([example_entry(1)])

    def test_a_read_only_handle_sees_what_is_written_later(self, backend, path):
        with SqliteBackend(path, read_only=True) as reader:
            assert reader.search(Search(legs=TASK)).hits == ()
            backend.append([example_entry()])
            assert reader.search(Search(legs=TASK)).n_candidates == 1

    def test_reading_what_is_not_there_says_so(self, path):
        with pytest.raises(StoreError, match="does not exist"):
            SqliteBackend(path, read_only=True)
        assert not path.parent.exists()

    def test_a_file_in_place_of_the_folder_is_named(self, tmp_path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(StoreError, match=r"cannot make the folder .*file"):
            SqliteBackend(tmp_path / "file" / "log.sqlite")

    def test_a_folder_in_place_of_the_file_is_named(self, tmp_path):
        with pytest.raises(StoreError, match=f"{tmp_path}.*check that the folder"):
            SqliteBackend(tmp_path)

    def test_a_text_file_is_no_store_and_is_left_alone(self, tmp_path):
        path = tmp_path / "notes.txt"
        path.write_text("not a database " * 100)
        with pytest.raises(StoreError, match=r"notes\.txt.*not a memory store"):
            SqliteBackend(path)
        assert path.read_text().startswith("not a database")

    def test_the_database_of_another_program_is_left_alone(self, tmp_path):
        path = tmp_path / "other.sqlite"
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE t (x)")
        other.close()
        before = path.read_bytes()
        with pytest.raises(StoreError, match=r"other\.sqlite is a database but not a memory store"):
            SqliteBackend(path)
        assert path.read_bytes() == before

    def test_a_newer_schema_is_refused_with_both_versions(self, path):
        SqliteBackend(path).close()
        with sqlite3.connect(path) as newer:
            newer.execute("PRAGMA user_version = 7")
        newer.close()
        with pytest.raises(StoreError, match=r"schema 7.*reads 2.*Upgrade"):
            SqliteBackend(path)

    def test_a_damaged_file_says_what_to_do(self, path):
        with SqliteBackend(path) as backend:
            backend.append([example_entry(n) for n in range(300)])
        content = bytearray(path.read_bytes())
        content[4096 * 3 :] = os.urandom(len(content) - 4096 * 3)
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"log\.sqlite.*damaged"), SqliteBackend(path) as backend:
            backend.search(Search(legs=TASK))

    def test_a_damaged_payload_says_what_to_do(self, path):
        """SQLite does not look into a page, so this file is sound to it."""
        with SqliteBackend(path) as backend:
            backend.append([example_entry()])
        with sqlite3.connect(path) as other:
            other.execute("UPDATE contents SET payload = '{'")
        other.close()
        with SqliteBackend(path) as backend, pytest.raises(StoreError, match=r"log\.sqlite.*damaged"):
            backend.changes_since(0)

    @pytest.mark.skipif(not hasattr(os, "setuid"), reason="permissions of this system differ")
    def test_a_folder_that_cannot_be_written_says_so_to_a_reader(self, start, public_path):
        child = start(
            """
            import os, sys
            from embodied_mem.backends.sqlite import SqliteBackend
            from embodied_mem.errors import StoreError
            SqliteBackend(sys.argv[1]).close()
            os.chmod(os.path.dirname(sys.argv[1]), 0o555)
            os.chmod(sys.argv[1], 0o444)
            if os.getuid() == 0:
                os.setuid(65534)
            try:
                SqliteBackend(sys.argv[1], read_only=True)
            except StoreError as error:
                print(error)
        """,
            public_path,
        )
        assert "copy the store to a folder of your own" in child.communicate(timeout=60)[0]

    def test_an_empty_file_becomes_a_store(self, path):
        path.parent.mkdir()
        path.touch()
        with SqliteBackend(path) as backend:
            assert backend.append([example_entry()])

    @pytest.mark.parametrize("left", ["index", "attachments"])
    def test_a_store_whose_log_was_emptied_is_damaged_and_not_new(self, tmp_path, left):
        path = tmp_path / "experiences.sqlite"
        path.touch()
        (tmp_path / left).mkdir()
        for is_read_only in (False, True):
            with pytest.raises(StoreError, match=f"0 bytes.*{left}.*damaged"):
                SqliteBackend(path, read_only=is_read_only)
        assert path.stat().st_size == 0

    def test_names_with_odd_characters_are_kept(self, tmp_path):
        path = tmp_path / "a b?c#d%20ü" / "l?g.sqlite"
        with SqliteBackend(path) as backend:
            backend.append([example_entry()])
        assert path.is_file()

    def test_zeros_at_the_end_of_a_write_ahead_log_hide_nothing(self, path):
        """Earlier code filled the log up to 8 MB, and left it so where it was killed."""
        with SqliteBackend(path, fsync=True) as backend:
            backend.append([example_entry(0), example_entry(1)])
            killed, log = path.with_name("killed.sqlite"), path.with_name("killed.sqlite-wal")
            killed.write_bytes(path.read_bytes())
            log.write_bytes(path.with_name(f"{path.name}-wal").read_bytes().ljust(8 * 2**20, b"\0"))
        with SqliteBackend(killed, fsync=True) as backend:
            assert backend.last_sequence() == 2
            backend.append([example_entry(2)])
            assert log.stat().st_size == 8 * 2**20
        with SqliteBackend(killed) as backend:
            ids = [logged.entry.id for logged in backend.changes_since(0)]
            assert backend._connection().execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert ids == [example_entry(n).id for n in range(3)]

    @pytest.mark.parametrize(("fsync", "expected"), [(True, 2), (False, 1)])
    def test_fsync_sets_how_far_a_commit_goes(self, path, fsync, expected):
        with SqliteBackend(path, fsync=fsync) as backend:
            assert backend._connection().execute("PRAGMA synchronous").fetchone() == (expected,)
            assert backend._connection().execute("PRAGMA journal_mode").fetchone() == ("wal",)


class TestRecovery:
    """Once the cause is gone, the handle that met the error goes on."""

    def test_a_full_disk_keeps_nothing_of_the_write_and_the_next_one_works(self, backend):
        backend.append([example_entry(0)])
        db = backend._connection()
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
        big = example_entry(1, texts={"task": "x" * 100_000})
        with pytest.raises(StoreError, match=r"log\.sqlite.*disk is full.*nothing of this write was kept"):
            backend.append([big])
        assert backend.last_sequence() == 1
        db.execute("PRAGMA max_page_count = 1000000")
        assert backend.append([big])[0].sequence == 2

    def test_a_handle_that_met_damage_opens_the_mended_file(self, path):
        with SqliteBackend(path) as first:
            first.append([example_entry(n) for n in range(300)])
        whole = path.read_bytes()
        path.write_bytes(whole[: 4096 * 2] + os.urandom(len(whole) - 4096 * 2))
        with SqliteBackend(path) as backend:
            with pytest.raises(StoreError, match="damaged"):
                backend.changes_since(0)
            path.write_bytes(whole)
            assert len(backend.changes_since(0)) == 300
            assert backend.search(Search(legs=TASK)).n_candidates == 300
            assert backend.append([example_entry(300)])[0].sequence == 301

    def test_a_handle_that_is_opened_again_sees_the_file_that_is_there_then(self, backend, path):
        backend.append([example_entry(0)])
        backend.copy_to(path.with_name("copy"))
        backend.append([example_entry(1)])
        assert backend.search(Search(legs=TASK)).n_candidates == 2
        backend.close()
        path.with_name("copy").replace(path)
        backend.reopen()
        assert backend.search(Search(legs=TASK)).n_candidates == 1
        assert backend.append([example_entry(1)])[0].sequence == 2

    def test_a_copy_onto_a_full_disk_leaves_nothing_behind(self, backend, path, monkeypatch):
        from embodied_mem.backends.sqlite import admin as sqlite_admin

        def full(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        backend.append([example_entry(0)])
        monkeypatch.setattr(sqlite_admin, "sync_file", full)
        with pytest.raises(StoreError, match="the disk is full"):
            backend.copy_to(path.with_name("copy"))
        assert not list(path.parent.glob("*copy*"))
        assert backend.last_sequence() == 1


class TestBadInput:
    def test_a_megabyte_of_text_is_kept_and_searched(self, backend):
        text = "sort box 3 " + "x" * 1_000_000
        backend.append([example_entry(texts={"task": text}, payload={"state": text})])
        [hit] = backend.search(Search(legs=TASK)).hits
        assert hit.similarities["task"] > 0.3
        assert backend.get(["entry-0"])[0].entry.texts == {"task": text}

    @pytest.mark.parametrize(
        "changes",
        [
            {"id": "a\ud800"},
            {"id": ""},
            {"texts": {"task": "\udfff"}},
            {"payload": {"state": "\ud800"}},
            {"payload": {"metadata": {"n": float("nan")}}},
            {"payload": {"metadata": {"o": object()}}},
            {"vectors": (example_vector(1), example_vector(2))},
        ],
    )
    def test_what_cannot_be_kept_is_refused_and_nothing_is_written(self, backend, changes):
        with pytest.raises(InvalidRecord):
            backend.append([example_entry(1), example_entry(2, **changes)])
        assert backend.last_sequence() == 0

    def test_an_id_that_no_store_can_hold_is_not_found(self, backend):
        assert backend.get(["a\ud800"]) == [None]

    @pytest.mark.parametrize(
        "search",
        [
            Search(k=-1),
            Search(legs=(*TASK, *TASK)),
            Search(legs=(TextLeg("t", "x", ("task",), weight=-1.0),)),
            Search(legs=(TextLeg("t", "x", ("task",), weight=float("nan")),)),
        ],
    )
    def test_a_search_without_meaning_is_refused(self, backend, search):
        with pytest.raises(InvalidQuery):
            backend.search(search)

    @pytest.mark.parametrize("metric", list(Metric))
    def test_huge_and_tiny_vectors_stay_finite(self, backend, metric):
        space = Space(name="odd", version="1", dimension=2, metric=metric)
        rows = np.array([[3e38, 3e38], [1e-40, 0], [0, 0], [3e38, -3e38]], dtype=np.float32)
        vectors = [FieldVector(field="v", space=space, values=row) for row in rows]
        backend.append([example_entry(n, vectors=(vector,)) for n, vector in enumerate(vectors)])
        for vector in vectors:
            hits = backend.search(Search(legs=(VectorLeg("v", vector),))).hits
            found = [hit.similarities["v"] for hit in sorted(hits, key=lambda hit: hit.sequence)]
            assert found == pytest.approx(similarities(rows, vector.values, metric), abs=1e-5)


class TestProcesses:
    def test_two_processes_write_the_same_store_and_none_is_lost(self, start, path):
        """Other libraries lose half of the acknowledged records here, silently: the last writer wins."""
        writer = """
            import sys
            from embodied_mem.backends.sqlite import SqliteBackend
            from embodied_mem.testing.backend import example_entry
            backend = SqliteBackend(sys.argv[1])
            for n in range(100):
                backend.append([example_entry(n, id=f"{NAME}-{n}")])
            print("done")
        """
        children = [start(writer.replace("NAME", repr(name))) for name in ("left", "right")]
        assert [child.communicate(timeout=60)[0].strip() for child in children] == ["done", "done"]
        with SqliteBackend(path) as backend:
            ids = [logged.entry.id for logged in backend.changes_since(0)]
        assert sorted(ids) == sorted(f"{name}-{n}" for name in ("left", "right") for n in range(100))

    def test_a_search_sees_what_another_process_wrote(self, backend, start):
        backend.append([example_entry(0)])
        legs = (*TASK, VectorLeg("v", example_vector(3)))
        assert backend.search(Search(legs=legs)).n_candidates == 1
        child = start("""
            import sys
            from embodied_mem.backends.sqlite import SqliteBackend
            from embodied_mem.testing.backend import example_entry
            with SqliteBackend(sys.argv[1]) as backend:
                backend.append([example_entry(3)])
        """)
        assert child.wait(timeout=60) == 0
        best = backend.search(Search(legs=legs)).hits[0]
        assert best.similarities == {"task": pytest.approx(1.0), "v": pytest.approx(1.0)}

    @pytest.mark.parametrize("seed", range(4))
    def test_nothing_acknowledged_is_lost_by_kill(self, start, path, seed):
        child = start("""
            import sys
            from embodied_mem.backends.sqlite import SqliteBackend
            from embodied_mem.testing.backend import example_entry
            backend = SqliteBackend(sys.argv[1])
            for n in range(100_000):
                backend.append([example_entry(2 * n), example_entry(2 * n + 1)])
                print(n, flush=True)
        """)
        acknowledged = [int(child.stdout.readline())]
        killer = threading.Timer(random.Random(seed).uniform(0.02, 0.2), child.send_signal, [signal.SIGKILL])
        killer.start()
        acknowledged += [int(line) for line in child.stdout if line.endswith("\n")]
        killer.join()
        assert child.wait(timeout=60) == -signal.SIGKILL
        with SqliteBackend(path) as backend:
            entries = [logged.entry for logged in backend.changes_since(0)]
            assert backend.search(Search(legs=TASK)).n_candidates == len(entries)
            assert backend._connection().execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert len(entries) % 2 == 0, "half of a batch was kept"
        assert len(entries) >= 2 * (acknowledged[-1] + 1)
        assert entries == [example_entry(n) for n in range(len(entries))]

    def test_a_store_locked_for_too_long_says_so(self, path):
        with SqliteBackend(path, busy_timeout_s=0.05) as backend:
            other = sqlite3.connect(path)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="another process has held the store"):
                backend.append([example_entry()])
            other.close()
            assert backend.append([example_entry()])

    def test_many_processes_may_make_the_store_at_once(self, start, path):
        code = """
            import sys
            from embodied_mem.backends.sqlite import SqliteBackend
            SqliteBackend(sys.argv[1]).close()
        """
        assert [child.wait(timeout=60) for child in [start(code) for _ in range(4)]] == [0, 0, 0, 0]
        with SqliteBackend(path) as backend:
            assert backend.last_sequence() == 0

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_a_handle_used_in_a_forked_child_is_refused_and_the_parent_unharmed(self, backend):
        backend.append([example_entry(0)])
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                backend.search(Search())
                os.write(writer, b"no error")
            except ForkedHandle as error:
                backend.close()
                os.write(writer, str(error).encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
        message = os.read(reader, 1000).decode()
        os.close(reader)
        assert "open the path again in this child" in message
        assert backend.append([example_entry(1)])

    def test_a_pickled_handle_opens_the_path_again(self, backend):
        backend.append([example_entry(0)])
        with pickle.loads(pickle.dumps(backend)) as copy:
            assert copy.get(["entry-0"])[0].entry == example_entry(0)
            copy.append([example_entry(1)])
        assert backend.search(Search()).n_candidates == 2

    def test_a_handle_may_be_sent_to_a_spawned_process(self, backend):
        context = multiprocessing.get_context("spawn")
        child = context.Process(target=SqliteBackend.append, args=(backend, [example_entry(5)]))
        child.start()
        child.join(60)
        assert child.exitcode == 0
        assert backend.get(["entry-5"])[0].entry == example_entry(5)

    def test_threads_may_share_a_handle(self, backend):
        failed = []

        def work(name):
            try:
                for n in range(20):
                    backend.append([example_entry(n, id=f"{name}-{n}")])
                    assert backend.search(Search(legs=(*TASK, VectorLeg("v", example_vector(n))))).hits
            except Exception as error:  # a thread's error must reach the test
                failed.append(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert backend.search(Search(legs=TASK)).n_candidates == 80


class TestSearch:
    def test_an_error_in_the_middle_leaves_the_caches_right(self, backend, monkeypatch):
        backend.append([example_entry(n) for n in range(4)])
        from embodied_mem.index import legs

        with monkeypatch.context() as patch:
            patch.setattr(legs.SimilarTexts, "scan", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                backend.search(Search(legs=TASK))
        with SqliteBackend(backend.path) as fresh:
            assert backend.search(Search(legs=TASK)) == fresh.search(Search(legs=TASK))

    def test_a_refused_batch_leaves_no_space_behind(self, backend):
        backend.append([example_entry(0, vectors=())])
        with pytest.raises(ConflictingId):
            backend.append([example_entry(1), example_entry(0)])
        other = Space(name="other", version="1", dimension=4)
        assert backend.append([example_entry(2, vectors=(example_vector(2, other),))])
        assert backend.spaces() == {"meaning": other}

    def test_withdrawn_entries_do_not_change_how_rare_a_word_is(self, backend):
        backend.append([example_entry(n) for n in range(6)])
        legs = (TextLeg("t", "sort the blue box", ("task",)),)
        first = backend.search(Search(legs=legs))
        backend.append([example_entry(n, texts={"task": "blue"}) for n in range(6, 20)])
        again = backend.search(Search(legs=legs, spans=(Span(1, 6), Span(21))))
        assert again == first

    def test_searching_does_not_wait_for_a_writer(self, path):
        with SqliteBackend(path, busy_timeout_s=0.0) as backend:
            backend.append([example_entry(0)])
            other = sqlite3.connect(path)
            other.execute("BEGIN IMMEDIATE")
            assert backend.search(Search(legs=TASK)).n_candidates == 1
            other.close()

    def test_only_an_entry_with_the_text_takes_part(self, backend):
        backend.append([Entry(id="bare", kind="experience", payload={}), example_entry(3)])
        hits = backend.search(Search(legs=TASK)).hits
        assert [hit.similarities["task"] for hit in hits] == [pytest.approx(1.0), 0.0]
