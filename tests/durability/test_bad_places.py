"""No permission, half a store, a foreign index, a wrong space, a clock that goes back.

For each: the error, which names what is wrong, what was expected and the next step; and the state afterwards,
in which nothing acknowledged is lost and everything goes on once the cause is gone.
"""

import errno
import os
import shutil
import subprocess

import numpy as np
import pytest

from embodied_mem import Experience, FieldVector, MemoryStore, Space
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.backends.sqlite.disk import FILE_NAME
from embodied_mem.errors import StoreError, UnknownSpace
from embodied_mem.store.upkeep.check import check_folder
from embodied_mem.testing.backend import example_entry
from tests.durability.examples import EMBEDDER, Acknowledged, example, experience_id
from tests.durability.verify import checked, verdict

IDS = [experience_id("before", n) for n in range(40)]


@pytest.fixture
def filled(tmp_path):
    """A closed store with some experiences."""
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory(embedder=EMBEDDER)
        for identity in IDS:
            memory.record(example(identity))
    return tmp_path / "store"


class TestNoPermission:
    @pytest.mark.parametrize("error", [errno.EROFS, errno.EACCES], ids=["EROFS", "EACCES"])
    def test_a_store_that_cannot_be_written_says_so_reads_on_and_goes_on(self, layered, error):
        zygote, folder = layered
        store, said = folder / f"read-only-{error}", folder.parent / f"read-only-{error}.said"
        with MemoryStore.open(store) as opened:
            for identity in IDS[:5]:
                opened.memory(embedder=EMBEDDER).record(example(identity))
        status = zygote.run("use_what_cannot_be_written", store=str(store), said=str(said), error=error)
        assert status == 0, zygote.output()[-3000:]
        refused, recalled, new, *again, after = Acknowledged(said).lines()
        assert len(again) <= 1, "one more error is how a handle learns to open the file anew"
        assert refused.startswith("error")
        assert FILE_NAME in refused
        assert recalled == "recalled 3"
        assert f"{store.name}-new" in new
        assert "give another path" in new or "copy the store to a folder of your own" in new
        found = verdict(store, [*IDS[:5], experience_id("before", 100), after])
        assert found.is_good, found
        assert found.n_unacknowledged == 0, "what was refused is there"

    @pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of this system differ")
    def test_a_folder_on_a_read_only_disk_is_refused_with_the_way_out(self, small_disk):
        MemoryStore.open(small_disk / "store").close()
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        for read_only in (True, False):
            with pytest.raises(StoreError, match="copy the store to a folder of your own"):
                MemoryStore.open(small_disk / "store", read_only=read_only)
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
        with MemoryStore.open(small_disk / "store") as store:
            store.memory().record(example(IDS[0]))


class TestHalfAStore:
    def test_a_file_cut_in_half_is_refused_and_repaired_with_the_original_kept(self, tmp_path):
        path = tmp_path / "store"
        with MemoryStore.open(path) as store:
            memory = store.memory(embedder=EMBEDDER)
            for n in range(400):
                memory.record(Experience(id=f"e-{n}", task=f"open door {n}", state="a wall " * 40))
        original = cut_in_half(path / FILE_NAME)
        with pytest.raises(StoreError, match=rf"{FILE_NAME}.*damaged"):
            use_all_of(path)
        assert (path / FILE_NAME).read_bytes() == original, "a look at it changed it"
        assert not check_folder(path).is_clean
        report = check_folder(path, repair=True)
        assert report.is_clean, report
        assert original in [file.read_bytes() for file in report.damaged_folder.rglob("*") if file.is_file()]
        with MemoryStore.open(path) as store:
            assert not checked(store)
            assert 100 < store.stats().n_experiences < 400
            store.memory(embedder=EMBEDDER).record(example("after-0"))

    def test_where_nothing_can_be_saved_it_says_so_and_leaves_everything_as_it_is(self, filled):
        file = filled / FILE_NAME
        file.write_bytes(file.read_bytes()[:4_096])
        damaged = file.read_bytes()
        with pytest.raises(
            StoreError, match=r"nothing was changed|nothing in it can be read.*restore a copy"
        ):
            check_folder(filled, repair=True)
        assert [path.name for path in filled.rglob("*") if path.is_file() and path.stat().st_size] == [
            FILE_NAME
        ]
        assert file.read_bytes() == damaged
        assert not (filled / "damaged").exists()

    def test_what_a_check_says_of_it_names_the_way_out_once(self, filled):
        file = filled / FILE_NAME
        file.write_bytes(file.read_bytes()[:4_096])
        (finding,) = check_folder(filled).findings
        assert str(finding).count("--repair") == 1

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_write_ahead_log_cut_anywhere_gives_a_beginning_of_it(self, tmp_path, share):
        with MemoryStore.open(tmp_path / "store") as store:
            for identity in IDS:
                store.memory(embedder=EMBEDDER).record(example(identity))
            shutil.copytree(store.path, tmp_path / "copy")  # as a copy by hand, while it is in use
        log = tmp_path / "copy" / f"{FILE_NAME}-wal"
        (tmp_path / "copy" / f"{FILE_NAME}-shm").unlink()
        os.truncate(log, int(share * log.stat().st_size))
        found = verdict(tmp_path / "copy", ())
        assert found.is_good, found
        with MemoryStore.open(tmp_path / "copy") as store:
            left = [experience.id for experience in store.experiences()]
        assert left == IDS[: len(left)]


class TestForeignIndex:
    @pytest.fixture
    def indexed(self, filled):
        with MemoryStore.open(filled) as store:
            self.expected = answers(store)
            store.backend.save_index()
        files = [path for path in (filled / "index").rglob("*") if path.is_file()]
        assert files, "no index was saved, so nothing is tested"
        return filled, files

    @pytest.mark.parametrize("damage", ["another version", "cut", "garbage", "empty", "of another store"])
    def test_an_index_that_does_not_fit_is_made_anew_and_nothing_is_different(
        self, indexed, tmp_path, damage
    ):
        store_path, files = indexed
        for file in files:
            data = file.read_bytes()
            if damage == "another version":
                file.write_bytes(
                    data.replace(b'"format":1', b'"format":9').replace(b'"format": 1', b'"format": 9')
                )
                assert file.read_bytes() != data
            elif damage == "cut":
                os.truncate(file, len(data) // 2)
            elif damage == "garbage":
                file.write_bytes(os.urandom(len(data)))
            elif damage == "empty":
                file.write_bytes(b"")
        if damage == "of another store":
            with MemoryStore.open(tmp_path / "other") as other:
                for identity in reversed(IDS):
                    other.memory(embedder=EMBEDDER).record(example(f"x{identity}"))
                answers(other)
                other.backend.save_index()
            shutil.rmtree(store_path / "index")
            shutil.copytree(tmp_path / "other" / "index", store_path / "index")
        with MemoryStore.open(store_path) as store:
            assert answers(store) == self.expected
            store.backend.save_index()
            assert answers(store) == self.expected
        assert verdict(store_path, IDS).is_good


class TestWrongSpace:
    def test_a_vector_of_another_space_is_refused_with_both_names_and_leaves_nothing(self, filled):
        wrong = Space(name="other-model", version="2", dimension=3, config_hash="b")
        vector = FieldVector(field="text", space=wrong, values=np.ones(3, np.float32))
        with MemoryStore.open(filled) as store:
            memory = store.memory(embedder=EMBEDDER)
            for use in (
                lambda: memory.record(Experience(id="wrong", task="look", vectors=(vector,))),
                lambda: memory.recall(vectors=(vector,)),
            ):
                with pytest.raises(UnknownSpace, match=r"'text'.*hashed.*other-model.*embedder"):
                    use()
            assert store.backend.get(["wrong"]) == [None]
            memory.record(example("after-0"))
        assert verdict(filled, [*IDS, "after-0"]).is_good

    def test_half_a_batch_with_a_wrong_vector_is_not_kept(self, filled):
        wrong = Space(name="other-model", version="2", dimension=3, config_hash="b")
        vector = FieldVector(field="text", space=wrong, values=np.ones(3, np.float32))
        with MemoryStore.open(filled, commit_every=10) as store:
            memory = store.memory(embedder=EMBEDDER)
            good = memory.record(example("good-0"))
            with pytest.raises(UnknownSpace):
                memory.record(Experience(id="wrong", task="look", vectors=(vector,)))
            good.wait()
        found = verdict(filled, [*IDS, "good-0"])
        assert found.is_good, found
        assert found.n_unacknowledged == 0


class TestClock:
    def test_a_clock_that_goes_backwards_changes_no_order_and_loses_nothing(self, tmp_path):
        times = [-5.0, 200.0, 75.0, 50.0, 100.0]
        with MemoryStore.open(tmp_path / "store") as store:
            memory = store.memory(embedder=EMBEDDER, clock=lambda: times.pop() if times else -10.0)
            for n in range(5):
                memory.record(Experience(id=f"e-{n}", task="open the fridge"))
            kept = list(store.experiences())
            assert [experience.id for experience in kept] == [f"e-{n}" for n in range(5)]
            assert [experience.happened_at_s for experience in kept] == [100.0, 50.0, 75.0, 200.0, -5.0]
            newest_first = [hit.experience.id for hit in memory.recall(task="open the fridge", k=5)]
            assert newest_first == [f"e-{n}" for n in reversed(range(5))]
            assert not [finding for finding in store.check().findings if finding.is_open]

    def test_times_of_recording_never_go_down(self, tmp_path):
        times = [100.0]
        with SqliteBackend(tmp_path / "log.sqlite", clock=lambda: times[0]) as backend:
            for n, now_s in enumerate((100.0, 50.0, 120.0, 10.0)):
                times[0] = now_s
                backend.append([example_entry(n)])
            assert [backend.recorded_at(n) for n in (1, 2, 3, 4)] == [100.0, 100.0, 120.0, 120.0]
            assert backend.sequence_at(110.0) == 2


def cut_in_half(file) -> bytes:
    """Cut a file; what is left."""
    os.truncate(file, file.stat().st_size // 2)
    return file.read_bytes()


def use_all_of(path) -> None:
    """What a user does with a store."""
    with MemoryStore.open(path) as store:
        list(store.experiences())
        store.memory(embedder=EMBEDDER).recall("red ball")


def answers(store):
    """What some recalls give back: ids and scores."""
    memory = store.memory(embedder=EMBEDDER)
    asked = ("red ball", "bring the blue key to room 3", "wooden shelf yellow cup")
    return [[(hit.experience.id, round(hit.score, 9)) for hit in memory.recall(text, k=7)] for text in asked]
