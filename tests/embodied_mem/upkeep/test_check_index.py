"""Checking saved parts of the index against the log: what is wrong is told, and nothing else is."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.index import kind_index, snapshot
from embodied_mem.index.options import IndexOptions
from embodied_mem.index.rows import RowTable
from embodied_mem.log import Search, TextLeg, VectorLeg
from embodied_mem.spaces import FieldVector, Metric, Space
from embodied_mem.store import MemoryStore
from embodied_mem.synonyms import Synonyms, default_synonyms
from embodied_mem.testing.backend import example_entry
from embodied_mem.upkeep import check_index as check_index_module
from embodied_mem.upkeep import check_texts
from embodied_mem.upkeep.check import check, check_folder
from embodied_mem.upkeep.check_report import Severity

D = 16
SPACE = Space(name="s", version="1", dimension=D)
EXACT = IndexOptions(compression="never", snapshot_rows=10)
COMPRESSED = IndexOptions(compression="always", snapshot_rows=10)
WORDS = ["red", "blue", "refrigerator", "fridge", "living", "room", "sofa", "cup", "mug", "Überzug", "door-7"]
SEARCH = Search(legs=(TextLeg("t", fields=("task",), text="red sofa"),), k=10)


def vector(seed):
    return np.random.default_rng(seed % 40).normal(size=D).astype(np.float32)  # some come again


def entry(number, *, space=SPACE, words=WORDS):
    chosen = np.random.default_rng(number).choice(words, 5)
    texts = {"task": " ".join(chosen[:3]), "state": " ".join(chosen[2:])}
    return example_entry(
        number,
        texts={} if number % 9 == 0 else {"task": texts["task"]} if number % 4 else texts,
        vectors=(FieldVector(field="v", space=space, values=vector(number)),) if number % 5 else (),
    )


def add(backend, first, last, **changes):
    backend.append([entry(number, **changes) for number in range(first, last)])


@pytest.fixture
def store(tmp_path):
    """Opens the store of a name, with as many entries as asked for."""
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


def findings_of(backend, **arguments):
    report = check(backend, backend.path.parent, **arguments)
    return [(finding.name, finding.severity) for finding in report.findings], str(report)


def assert_all_is_well(backend):
    assert findings_of(backend)[0] == [], findings_of(backend)[1]


def index_of(backend):
    return backend.path.parent / "index"


def change(backend, beginning, alter, **made_of):
    """Write a part again with other arrays and a right checksum; the file."""
    folder = index_of(backend)
    [part] = [name for name in snapshot.parts_in(folder, "") if name.split("\n", 1)[1].startswith(beginning)]
    header = snapshot.read_header(folder, part)
    arrays = {name: np.array(array) for name, array in snapshot.load(folder, part, {}).items()}
    alter(arrays)
    snapshot.save(folder, part, {**header["made_of"], **made_of}, arrays)
    return snapshot.file_of(folder, part)


def nothing(arrays):
    pass


class TestSoundParts:
    @pytest.mark.parametrize("options", [EXACT, COMPRESSED], ids=["exact", "compressed"])
    def test_a_fresh_index_is_sound(self, store, options):
        assert_all_is_well(store(options=options, n=700))

    @pytest.mark.parametrize("options", [EXACT, COMPRESSED], ids=["exact", "compressed"])
    def test_one_that_is_older_than_the_log_is_sound(self, store, options):
        backend = store(options=options, n=400)
        before = [file.read_bytes() for file in sorted(index_of(backend).iterdir())]
        add(backend, 401, 420)
        assert_all_is_well(backend)
        assert [file.read_bytes() for file in sorted(index_of(backend).iterdir())] == before

    @pytest.mark.parametrize("options", [EXACT, COMPRESSED], ids=["exact", "compressed"])
    def test_one_that_grew_in_steps_over_several_processes_is_sound(self, store, options, monkeypatch):
        monkeypatch.setattr(kind_index, "TextColumn", small_column())
        first = 1
        for n in (30, 1, 300, 7, 90, 64, 5):
            with store(options=options) as backend:
                add(backend, first, first + n)
                backend.search(SEARCH)
                backend.save_index()
                assert_all_is_well(backend)
            first += n
        names = [name for name in snapshot.parts_in(index_of(backend), "") if "task" in name]
        assert len(names) == 1
        assert "2.codes" in snapshot.load(index_of(backend), names[0], {})

    def test_one_made_after_archiving_withdrawing_and_purging_is_sound(self, tmp_path):
        from embodied_mem.embedders.hashed import HashedEmbedder
        from embodied_mem.records import Experience

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

    def test_vectors_of_another_metric_are_sound(self, store):
        space = Space(name="s", version="1", dimension=D, metric=Metric.EUCLIDEAN)
        backend = store()
        for number in range(1, 300):
            backend.append([entry(number, space=space)])
        backend.save_index()
        assert_all_is_well(backend)

    def test_texts_that_are_empty_everywhere_are_sound(self, store):
        backend = store()
        backend.append([example_entry(n, texts={"task": "" if n % 2 else "…"}) for n in range(1, 30)])
        backend.save_index()
        assert_all_is_well(backend)

    @given(st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), min_size=1, max_size=40))
    @settings(max_examples=60, deadline=None)
    def test_any_texts_with_phrases_in_any_steps_give_the_same_column(self, texts):
        synonyms = default_synonyms()
        column = small_column(tail_rows=8, segment_rows=16)(synonyms)
        for start in range(0, len(texts), 3):
            column.extend(texts[start : start + 3])
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(
                check_texts.log_reader,
                "texts_of",
                lambda db, kind, after, last: [
                    ([*range(after + 1, last + 1)], [{"task": text} for text in texts[after:last]])
                ],
            )
            fault = check_texts.fault_of_texts(
                None, rows_of(len(texts)), "task", FakePart(column.to_arrays(), len(texts)), synonyms
            )
        assert fault == ""


class TestPartsOfAnotherLog:
    def test_one_of_another_store_with_fewer_entries_is_told_and_moved_aside(self, store):
        foreign, backend = store("foreign", n=20), store(n=0)
        add(backend, 100, 140)
        shutil.copytree(index_of(foreign), index_of(backend))
        names = {file.name for file in index_of(backend).iterdir()}
        found, told = findings_of(backend)
        assert found == [("index", Severity.WARNING)]
        assert "another log" in told
        repaired = check(backend, backend.path.parent, repair=True)
        assert repaired.is_clean
        assert {file.name for file in (repaired.damaged_folder / "index").iterdir()} == names
        assert_all_is_well(backend)

    @pytest.mark.parametrize(
        "made_of",
        [
            {"n_rows": 41},
            {"n_rows": 39},
            {"n_rows": 0},
            {"n_rows": "40"},
            {"last_sequence": 39},
            {"digest": "ab"},
            {"generation": 1},
            {"generation": None},
            {"space": "another"},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("beginning", ["texts\ntask", "uncompressed vectors"])
    def test_one_that_says_it_was_made_of_something_else_is_told(self, store, beginning, made_of):
        backend = store(n=40)
        change(backend, beginning, nothing, **made_of)
        assert findings_of(backend)[0] == [("index", Severity.WARNING)]

    def test_one_from_before_a_removal_is_no_fault_and_a_repair_removes_it(self, store):
        backend = store(n=40)
        backend.delete([3])
        found, told = findings_of(backend)
        assert found == [("index", Severity.NOTE)]
        assert "before entries were changed or removed" in told
        repaired = check(backend, backend.path.parent, repair=True)
        assert (repaired.is_clean, repaired.damaged_folder) == (True, None)
        assert list(index_of(backend).iterdir()) == []

    def test_one_made_with_other_synonyms_is_no_fault_and_stays(self, store, tmp_path):
        backend = store(synonyms=Synonyms([["red", "crimson"]]), n=40)
        assert_all_is_well(backend)
        report = check_folder(tmp_path / "lab", repair=True)
        assert [finding.severity for finding in report.findings] == [Severity.NOTE]
        assert "other synonyms" in str(report)
        assert_all_is_well(backend)


class TestWrongContent:
    def told(self, backend):
        found, told = findings_of(backend)
        assert found == [("index", Severity.DAMAGE)]
        return told

    def test_texts_of_something_else_are_told_and_made_again_even_by_who_has_read_them(self, store):
        backend = store(n=40)
        sound = backend.search(SEARCH)

        def swap(arrays):
            column = small_column(4096, 4096)(default_synonyms())
            column.extend([f"nonsense {n}" for n in range(40)])
            arrays.update(column.to_arrays())

        file = change(backend, "texts\ntask", swap)
        wrong = file.read_bytes()
        with store() as reader:
            assert reader.search(SEARCH) != sound
            assert "terms of the last 40 rows" in self.told(reader)
            repaired = check(reader, reader.path.parent, repair=True)
            assert repaired.is_clean
            assert (repaired.damaged_folder / "index" / file.name).read_bytes() == wrong
            assert reader.search(SEARCH) == sound
            reader.save_index()
            assert_all_is_well(reader)

    @pytest.mark.parametrize(
        ("name", "at", "value"),
        [
            ("0.place_counts", 3, 9),
            ("0.place_rows", 5, 63),
            ("0.lengths", 7, 4),
            ("0.codes", 0, 1),
            ("0.dense_counts", (0, 3), 7),
            ("0.dense_frequencies", 0, 3),
            ("tail.terms", 2, 0),
            ("tail.counts", 2, 5),
            ("tail.lengths", 1, 9),
            ("tail.starts", 3, 1),
            ("tail.words", 0, ord("q")),
            ("absent", 0, 1),
            ("spellings", 0, ord("q")),
        ],
    )
    def test_one_number_of_a_text_part_is_told(self, store, monkeypatch, name, at, value):
        monkeypatch.setattr(kind_index, "TextColumn", small_column())
        backend = store(n=100)

        def alter(arrays):
            assert arrays[name][at] != value
            arrays[name][at] = value

        change(backend, "texts\ntask", alter)
        self.told(backend)

    def test_texts_that_say_nothing_of_another_field_are_told(self, store):
        backend = store(n=40)
        change(backend, "texts\ntask", nothing, fields=["task"])
        assert "no texts of state" in self.told(backend)

    def test_texts_of_more_or_fewer_rows_are_told(self, store, monkeypatch):
        monkeypatch.setattr(kind_index, "TextColumn", small_column())
        backend = store(n=100)
        change(backend, "texts\ntask", lambda arrays: arrays.update({"0.lengths": arrays["0.lengths"][:-1]}))
        self.told(backend)

    @pytest.mark.parametrize("options", [EXACT, COMPRESSED], ids=["exact", "compressed"])
    @pytest.mark.parametrize("what", ["others", "a place", "rows", "fewer", "more", "width", "n_rows"])
    def test_vectors_of_something_else_are_told(self, store, options, what):
        backend = store(options=options, n=400)
        self.alter_vectors(backend, what)
        self.told(backend)
        assert check(backend, backend.path.parent, repair=True).is_clean
        backend.search(Search(legs=(VectorLeg("v", entry(1).vectors[0]),), k=3))
        backend.save_index()
        assert_all_is_well(backend)

    def alter_vectors(self, backend, what):
        def alter(arrays):
            [name] = [name for name in arrays if name.startswith(("exact.", "compressed.codes."))]
            held = arrays[name]
            match what:
                case "others":
                    arrays[name] = held[::-1].copy()
                case "a place":
                    held[7, 3] += 4 if held.dtype == np.uint8 else 0.001
                case "rows":
                    arrays["rows"][5] += 1
                case "fewer":
                    arrays[name] = held[:-1]
                case "more":
                    arrays[name] = np.concatenate([held, held[:1]])
                case "width":
                    arrays[name] = held[:, :-1]
                case _:
                    arrays["n_rows"][0] -= 1

        change(backend, ("vectors", "uncompressed"), alter)

    @pytest.mark.parametrize(
        ("name", "factor"),
        [("losses", 0.5), ("losses", 2.0), ("losses", np.nan), ("step", -1), ("low", np.inf)],
    )
    def test_bounds_and_ranges_that_do_not_hold_are_told(self, store, name, factor):
        backend = store(options=COMPRESSED, n=400)

        def alter(arrays):
            arrays[f"compressed.{name}"] *= np.float32(factor)

        change(backend, "vectors", alter)
        self.told(backend)

    def test_vectors_that_are_taken_for_equal_and_are_not_are_told(self, store):
        backend = store(options=COMPRESSED, n=400)

        def alter(arrays):
            arrays["compressed.fingerprints"][1] = arrays["compressed.fingerprints"][0]

        change(backend, "vectors", alter)
        assert "equal" in self.told(backend)

    @pytest.mark.parametrize("options", [EXACT, COMPRESSED], ids=["exact", "compressed"])
    def test_the_last_bit_of_a_number_may_be_that_of_another_processor(self, store, options):
        backend = store(options=options, n=400)

        def alter(arrays):
            for name in arrays:
                if name.startswith("exact."):
                    arrays[name][::7] = np.nextafter(arrays[name][::7], np.float32(2))
                elif name == "compressed.fingerprints":
                    arrays[name] += np.uint64(1)
                elif name == "compressed.losses":
                    arrays[name] = np.nextafter(arrays[name], np.float32(1))

        change(backend, ("vectors", "uncompressed"), alter)
        assert_all_is_well(backend)


class TestOthersAtWork:
    def test_a_part_replaced_meanwhile_is_looked_at_again(self, store, monkeypatch):
        backend = store(n=40)
        file = change(backend, "texts\ntask", nothing, digest="of another log")
        looked_at, verdict_of = [], check_index_module._verdict

        def replaced(db, each, synonyms):
            verdict = verdict_of(db, each, synonyms)
            if each == file:
                looked_at.append(verdict)
                if len(looked_at) == 1:
                    backend.save_index()
            return verdict

        monkeypatch.setattr(check_index_module, "_verdict", replaced)
        backend.search(SEARCH)
        assert_all_is_well(backend)
        assert looked_at[0] is not None
        assert looked_at[1:] == [None]

    def test_a_part_removed_meanwhile_is_no_fault(self, store, monkeypatch):
        backend = store(n=40)
        verdict_of = check_index_module._verdict

        def purged(db, each, synonyms):
            backend.delete([3])
            verdict = verdict_of(db, each, synonyms)
            snapshot.remove_all(index_of(backend))
            return verdict

        monkeypatch.setattr(check_index_module, "_verdict", purged)
        assert_all_is_well(backend)

    def test_a_check_can_be_interrupted_and_leaves_all_as_it_was(self, store, monkeypatch):
        backend = store(n=40)

        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(check_index_module, "fault_of_vectors", interrupt)
        with pytest.raises(KeyboardInterrupt):
            check(backend, backend.path.parent)
        monkeypatch.undo()
        assert_all_is_well(backend)

    def test_checks_beside_writers_find_nothing(self, tmp_path):
        import threading

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


class FakePart:
    """A part that was never on disk."""

    def __init__(self, arrays, n_rows):
        self.arrays, self.made_of = arrays, {"n_rows": n_rows}


def rows_of(n):
    """A table of n rows."""
    table = RowTable("experience")
    table.append(range(1, n + 1))
    return table


def small_column(tail_rows=64, segment_rows=128):
    """A text column that seals soon."""
    from embodied_mem.index.text import TextColumn

    class Small(TextColumn):
        def __init__(self, synonyms, **options):
            super().__init__(synonyms, **{"tail_rows": tail_rows, "segment_rows": segment_rows, **options})

    return Small
