"""Checking saved parts of the index: damaged and foreign ones are found and removed, sound ones stay."""

import os
import shutil
import threading

import numpy as np
import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.index import part_files as snapshot
from embodied_mem.index.index_options import IndexOptions
from embodied_mem.records import Experience
from embodied_mem.records.log import Search, TextLeg, VectorLeg
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.store import MemoryStore
from embodied_mem.store.upkeep.check import check, check_folder
from embodied_mem.store.upkeep.check_report import Severity
from embodied_mem.testing.backend import example_entry
from embodied_mem.text.synonyms import Synonyms

D = 16
SPACE = Space(name="s", version="1", dimension=D)
EXACT = IndexOptions(compression="never", snapshot_rows=10)
COMPRESSED = IndexOptions(compression="always", snapshot_rows=10)
WORDS = ["red", "blue", "refrigerator", "living", "room", "sofa", "cup", "mug", "Überzug", "door-7"]


def vector(seed):
    values = np.random.default_rng(seed % 40).normal(size=D).astype(np.float32)  # some come again
    return FieldVector(field="v", space=SPACE, values=values)


SEARCH = Search(
    legs=(TextLeg("t", fields=("task", "state"), text="red sofa"), VectorLeg("v", vector(1))), k=10
)


def entry(number):
    chosen = np.random.default_rng(number).choice(WORDS, 5)
    texts = {"task": " ".join(chosen[:3]), "state": " ".join(chosen[2:])}
    return example_entry(
        number,
        texts={} if number % 9 == 0 else texts,
        vectors=(vector(number),) if number % 5 else (),
    )


def add(backend, first, last):
    backend.append([entry(number) for number in range(first, last)])


@pytest.fixture
def store(tmp_path):
    """Opens the store of a name, with as many entries as asked for, and saves its index if there are any."""
    opened = []

    def make(name="lab", options=EXACT, n=0, **arguments):
        backend = SqliteBackend(tmp_path / name / "experiences.sqlite", index=options, **arguments)
        opened.append(backend)
        if n:
            add(backend, 1, n + 1)
            backend.save_index()
        return backend

    yield make
    for backend in opened:
        backend.close()


@pytest.fixture(params=[EXACT, COMPRESSED], ids=["exact", "compressed"])
def options(request):
    return request.param


def findings_of(backend, **arguments):
    report = check(backend, backend.path.parent, **arguments)
    return [(finding.name, finding.severity) for finding in report.findings], str(report)


def assert_all_is_well(backend):
    assert findings_of(backend)[0] == [], findings_of(backend)[1]


def index_of(backend):
    return backend.path.parent / "index"


def parts_of(backend):
    return sorted(index_of(backend).iterdir())


def save_again(file, **made_of):
    """Write a part again, with right checksums, as if it was made of something else."""
    [name] = [
        name for name in snapshot.parts_in(file.parent, "") if snapshot.file_of(file.parent, name) == file
    ]
    header = snapshot.read_header(file.parent, name)
    arrays = {name: np.array(array) for name, array in snapshot.load(file.parent, name, {}).items()}
    snapshot.save(file.parent, name, {**header["made_of"], **made_of}, arrays)


def flip(file, place):
    data = bytearray(file.read_bytes())
    data[place] ^= 0x10
    file.write_bytes(data)


DAMAGE = {
    "first byte": lambda file: flip(file, 0),
    "header": lambda file: flip(file, 40),
    "middle": lambda file: flip(file, file.stat().st_size // 2),
    "last byte": lambda file: flip(file, -1),
    "empty": lambda file: os.truncate(file, 0),
    "cut in its header": lambda file: os.truncate(file, 40),
    "cut in half": lambda file: os.truncate(file, file.stat().st_size // 2),
    "cut by a byte": lambda file: os.truncate(file, file.stat().st_size - 1),
    "longer": lambda file: os.truncate(file, file.stat().st_size + 1),
    "garbage": lambda file: file.write_bytes(b"\x07" * 10_000),
}


class TestSoundParts:
    def test_a_fresh_index_is_sound(self, store, options):
        backend = store(options=options, n=400)
        assert len(parts_of(backend)) == 3  # two texts and the vectors
        assert_all_is_well(backend)

    def test_one_that_is_older_than_the_log_is_sound_and_stays(self, store, options):
        backend = store(options=options, n=400)
        before = [file.read_bytes() for file in parts_of(backend)]
        add(backend, 401, 420)
        assert findings_of(backend, repair=True)[0] == []
        assert [file.read_bytes() for file in parts_of(backend)] == before

    def test_one_made_with_other_synonyms_is_sound_and_stays(self, store, tmp_path):
        backend = store(synonyms=Synonyms([["red", "crimson"]]), n=40)
        assert check_folder(tmp_path / "lab", repair=True).findings == ()
        assert len(parts_of(backend)) == 3

    def test_one_made_after_archiving_withdrawing_and_purging_is_sound(self, tmp_path):
        with MemoryStore.open(tmp_path / "lab") as opened:
            memory = opened.memory(embedder=HashedEmbedder(D))
            for n in range(40):
                memory.record(Experience(task=f"fetch ball {n}", state=f"room {n % 3}", id=str(n)))
            opened.save_index()
            opened.archive(["3", "4"], reason="old")
            memory.feedback("5", helped=True)
            assert opened.check().findings == ()
            opened.purge(["7", "8"])
            assert opened.check().findings == ()
            opened.save_index()
            assert opened.check().findings == ()
            opened.restore(["3"])
            memory.withdraw(opened.backend.last_sequence() - 5)
            memory.record(Experience(task="fetch ball 41", id="41"))
            assert opened.check().findings == ()
            opened.reembed(HashedEmbedder(2 * D))
            [left] = opened.check().findings
            assert (left.severity, left.is_open) == (Severity.NOTE, False)
            opened.save_index()
            assert opened.check().findings == ()


class TestDamage:
    @pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
    def test_damage_in_every_part_is_told_and_the_parts_made_again(self, store, options, damage):
        with store(options=options, n=400) as backend:
            expected = backend.search(SEARCH)
        files = parts_of(backend)
        for file in files:
            damage(file)
        with store(options=options) as again:
            found, told = findings_of(again)
            assert found == [("index", Severity.WARNING)]
            assert all(f"{file.name} is damaged" in told for file in files)
            assert "check --repair" in told
            repaired = check(again, again.path.parent, repair=True)
            assert (repaired.is_clean, repaired.damaged_folder) == (True, None)
            assert parts_of(again) == []
            assert again.search(SEARCH) == expected
            again.save_index()
            assert parts_of(again) == files
            assert_all_is_well(again)
        assert store(options=options).search(SEARCH) == expected

    def test_of_one_damaged_part_the_others_stay(self, store, options):
        with store(options=options, n=400) as backend:
            expected = backend.search(SEARCH)
        for file in parts_of(backend):
            flip(file, -1)
            with store(options=options) as again:
                assert "1 saved parts" in findings_of(again, repair=True)[1]
                assert len(parts_of(again)) == 2
                assert not file.exists()
                assert again.search(SEARCH) == expected
                again.save_index()

    def test_a_handle_that_has_read_a_part_before_it_was_damaged_answers_as_before(self, store):
        backend = store(n=40)
        expected = backend.search(SEARCH)
        for file in parts_of(backend):
            flip(file, -1)
        found, told = findings_of(backend, repair=True)
        assert found == [("index", Severity.WARNING)]
        assert "3 saved parts" in told
        assert backend.search(SEARCH) == expected
        backend.save_index()
        assert_all_is_well(backend)

    def test_of_many_the_first_are_named_and_the_rest_counted(self, store):
        backend = store(n=40)
        for name in "abcd":
            (index_of(backend) / f"{name}.index").write_bytes(b"")
        told = findings_of(backend)[1]
        assert "4 saved parts" in told
        assert "and 1 more" in told

    def test_one_under_the_name_of_another_is_told(self, store):
        backend = store(n=40)
        first, second = parts_of(backend)[:2]
        shutil.copy(first, second)
        assert "name of another part" in findings_of(backend)[1]

    def test_one_that_cannot_be_read_is_told(self, store, monkeypatch):
        backend = store(n=40)

        def refuse(file):
            raise PermissionError(13, "Permission denied", str(file))

        monkeypatch.setattr(snapshot, "verified_header", refuse)
        found, told = findings_of(backend)
        assert found == [("index", Severity.WARNING)]
        assert "Permission denied" in told


class TestPartsOfAnotherLog:
    def test_one_of_another_store_is_told_and_removed(self, store):
        foreign, backend = store("foreign", n=20), store()
        add(backend, 100, 140)
        shutil.copytree(index_of(foreign), index_of(backend))
        found, told = findings_of(backend)
        assert found == [("index", Severity.WARNING)]
        assert "is of another log" in told
        assert findings_of(backend, repair=True)[0] == [("index", Severity.WARNING)]
        assert parts_of(backend) == []
        assert_all_is_well(backend)

    @pytest.mark.parametrize(
        "made_of",
        [
            {"last_sequence": 39},
            {"last_sequence": "40"},
            {"digest": "ab"},
            {"generation": 1},
            {"generation": None},
        ],
        ids=str,
    )
    def test_one_that_says_it_was_made_of_something_else_is_told(self, store, made_of):
        backend = store(n=40)
        for file in parts_of(backend):
            save_again(file, **made_of)
        found, told = findings_of(backend)
        assert found == [("index", Severity.WARNING)]
        assert "3 saved parts" in told

    def test_one_from_before_a_removal_is_a_note_and_a_repair_removes_it(self, store):
        backend = store(n=40)
        backend.delete([3])
        found, told = findings_of(backend)
        assert found == [("index", Severity.NOTE)]
        assert "was saved before entries were changed or removed" in told
        assert check(backend, backend.path.parent).is_clean
        repaired = check(backend, backend.path.parent, repair=True)
        assert (repaired.is_clean, repaired.damaged_folder) == (True, None)
        assert parts_of(backend) == []

    def test_a_damaged_part_among_outdated_ones_is_a_warning(self, store):
        backend = store(n=40)
        backend.delete([3])
        flip(parts_of(backend)[1], -1)
        assert findings_of(backend)[0] == [("index", Severity.WARNING)]


class TestOthersAtWork:
    def test_a_part_removed_meanwhile_is_no_fault(self, store, monkeypatch):
        backend = store(n=40)
        verified = snapshot.verified_header

        def purged(file):
            snapshot.remove_all(index_of(backend))
            return verified(file)

        monkeypatch.setattr(snapshot, "verified_header", purged)
        assert_all_is_well(backend)

    def test_entries_removed_meanwhile_make_a_part_outdated_and_not_foreign(self, store, monkeypatch):
        backend = store(n=40)
        verified = snapshot.verified_header

        def purged(file):
            header = verified(file)
            backend.delete([backend.last_sequence()])
            return header

        monkeypatch.setattr(snapshot, "verified_header", purged)
        assert findings_of(backend)[0] == [("index", Severity.NOTE)]

    def test_a_part_replaced_before_it_is_removed_is_made_again(self, store, monkeypatch):
        backend = store(n=40)
        expected = backend.search(SEARCH)
        damaged = parts_of(backend)[0]
        flip(damaged, -1)
        verified = snapshot.verified_header

        def replaced(file):
            try:
                return verified(file)
            finally:
                if file == damaged:
                    backend.save_index()

        monkeypatch.setattr(snapshot, "verified_header", replaced)
        assert findings_of(backend, repair=True)[0] == [("index", Severity.WARNING)]
        monkeypatch.undo()
        assert store().search(SEARCH) == expected

    def test_checks_beside_writers_find_nothing(self, tmp_path):
        path = tmp_path / "lab" / "experiences.sqlite"
        with SqliteBackend(path, index=EXACT) as first:
            add(first, 1, 30)
            first.save_index()
        is_done = threading.Event()

        def write():
            with SqliteBackend(path, index=EXACT) as writer:
                for n in range(30):
                    add(writer, 30 + 10 * n, 40 + 10 * n)
                    writer.save_index()
            is_done.set()

        thread = threading.Thread(target=write)
        thread.start()
        with SqliteBackend(path, read_only=True) as reader:
            while not is_done.is_set():
                assert_all_is_well(reader)
        thread.join()
