"""Checking a store, and what a repair can and cannot put right."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import StoreError
from embodied_mem.records import Experience, Scope
from embodied_mem.records.filters import where
from embodied_mem.store import FILE_NAME, MemoryStore
from embodied_mem.store.upkeep.check import check_folder
from embodied_mem.store.upkeep.check_report import Severity
from embodied_mem.store.upkeep.salvage_store import SALVAGED

N = 12


@pytest.fixture
def folder(tmp_path):
    with MemoryStore.open(tmp_path / "lab") as store:
        memory = store.memory(embedder=HashedEmbedder(16), scope=Scope(place="kitchen"), clock=lambda: 1.0)
        for n in range(N):
            memory.record(Experience(task=f"fetch ball {n}", id=str(n)))
        memory.feedback("3", helped=True)
    return tmp_path / "lab"


def change(folder, *statements):
    with sqlite3.connect(folder / FILE_NAME) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def ids(folder):
    with MemoryStore.open(folder) as store:
        return [experience.id for experience in store.experiences()]


def found(report):
    return [(finding.name, finding.severity) for finding in report.findings]


def damaged_entries(report):
    lines = (report.damaged_folder / "entries.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_sound_store_has_no_findings(folder):
    report = check_folder(folder)
    assert (report.findings, report.is_clean, report.n_entries) == ((), True, N + 1)
    assert str(report) == f"{folder}: 13 entries, all is well"


def test_an_empty_store_is_sound(tmp_path):
    with MemoryStore.open(tmp_path / "empty") as store:
        assert store.check().is_clean


def test_a_check_changes_nothing(folder):
    change(folder, "UPDATE contents SET payload = '{}' WHERE sequence = 5")
    before = (folder / FILE_NAME).read_bytes()
    check_folder(folder)
    assert (folder / FILE_NAME).read_bytes() == before
    assert not (folder / "damaged").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contents SET payload = replace(payload, 'ball 4', 'bell 4') WHERE sequence = 5",
        "UPDATE contents SET texts = '{}' WHERE sequence = 5",
        "DELETE FROM contents WHERE sequence = 5",
        "UPDATE contents SET payload = CAST(x'ff' || payload AS TEXT) WHERE sequence = 5",
        "UPDATE vectors SET data = zeroblob(64) WHERE key >> 15 = 5",
        "UPDATE vectors SET data = x'00' WHERE key >> 15 = 5",
        "UPDATE vectors SET space_id = 99 WHERE key >> 15 = 5",
        "DELETE FROM vectors WHERE key >> 15 = 5",
    ],
)
def test_a_damaged_entry_is_named_and_moved_aside_with_a_copy_of_the_original(folder, statement):
    change(folder, statement)
    report = check_folder(folder)
    assert found(report) == [("entries", Severity.DAMAGE)]
    assert not report.is_clean
    assert "stored hash: 5" in str(report)
    repaired = check_folder(folder, repair=True)
    assert repaired.is_clean
    assert [entry["id"] for entry in damaged_entries(repaired)] == ["4"]
    with sqlite3.connect(repaired.damaged_folder / FILE_NAME) as original:
        assert original.execute("SELECT count(*) FROM entries").fetchone() == (N + 1,)
    original.close()
    assert ids(folder) == [str(n) for n in range(N) if n != 4]
    assert check_folder(folder).findings == ()


def test_feedback_on_what_was_moved_aside_goes_with_it(folder):
    change(folder, "UPDATE contents SET texts = '{}' WHERE sequence = 4")
    report = check_folder(folder, repair=True)
    assert [entry.get("experience_id") for entry in damaged_entries(report)] == [None, "3"]
    assert check_folder(folder).findings == ()


def test_filter_columns_are_filled_again_from_the_content(folder):
    change(folder, "UPDATE entries SET scope_place = 'garden', happened_at_s = NULL WHERE sequence = 5")
    report = check_folder(folder, repair=True)
    assert found(report) == [("columns", Severity.DAMAGE)]
    assert report.is_clean
    for where_it_lies, expected in ((folder, ("kitchen", 1.0)), (report.damaged_folder, ("garden", None))):
        with sqlite3.connect(where_it_lies / FILE_NAME) as db:
            row = db.execute("SELECT scope_place, happened_at_s FROM entries WHERE sequence = 5").fetchone()
        db.close()
        assert row == expected
    assert len(ids(folder)) == N


def test_rows_that_belong_to_no_entry_are_removed(folder):
    change(
        folder, "INSERT INTO contents VALUES (999, '{}', '{}')", "INSERT INTO vectors VALUES (1, 1, x'00')"
    )
    assert found(check_folder(folder)) == [("orphans", Severity.WARNING)]
    assert check_folder(folder, repair=True).is_clean
    assert check_folder(folder).findings == ()


def test_a_store_cut_in_half_gives_back_what_can_be_read(tmp_path):
    folder = tmp_path / "lab"
    with MemoryStore.open(folder) as store:
        memory = store.memory(embedder=HashedEmbedder(64))
        for n in range(1_500):
            memory.record(Experience(task=f"fetch ball {n}", state="s" * 200, id=f"e{n}"))
        memory.feedback("e2", helped=True)
        before = {experience.id: experience for experience in store.experiences()}
    size = (folder / FILE_NAME).stat().st_size
    os.truncate(folder / FILE_NAME, size // 2)
    with pytest.raises(StoreError, match="damaged"):
        MemoryStore.open(folder)
    assert found(check_folder(folder)) == [("file", Severity.DAMAGE)]
    report = check_folder(folder, repair=True)
    assert report.is_clean
    assert (report.damaged_folder / FILE_NAME).stat().st_size == size // 2
    with MemoryStore.open(folder) as store:
        after = {experience.id: experience for experience in store.experiences()}
        assert store.memory(embedder=HashedEmbedder(64)).record(Experience(task="look")).sequence > len(after)
    assert len(after) > 500
    assert all(before[name].replace(vectors=()) == found.replace(vectors=()) for name, found in after.items())
    without = [name for name, found in after.items() if not found.vectors]
    assert bool(without) == ("without their vectors" in str(report))
    assert check_folder(folder).is_clean
    with MemoryStore.open(folder) as store:
        store.reembed(HashedEmbedder(64))
        assert {found.id: found for found in store.experiences() if found.id in before} == {
            name: before[name] for name in after
        }


def overwrite_leaves(file, table):
    """Write garbage over every page that a table points at, as a disk does that loses a stretch."""
    with sqlite3.connect(file) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    data = bytearray(file.read_bytes())
    start = (root - 1) * page_bytes
    assert data[start] == 5, "the table is so small that its root holds the rows"
    n_cells = int.from_bytes(data[start + 3 : start + 5], "big")
    cells = [start + 12 + 2 * n for n in range(n_cells)]
    pointers = [start + 8, *(start + int.from_bytes(data[at : at + 2], "big") for at in cells)]
    for page in [int.from_bytes(data[at : at + 4], "big") for at in pointers]:
        data[(page - 1) * page_bytes : page * page_bytes] = b"\x07" * page_bytes
    file.write_bytes(data)


def test_experiences_whose_rows_are_lost_are_made_again_from_their_payloads(tmp_path):
    folder = tmp_path / "lab"
    with MemoryStore.open(folder) as store:
        memory = store.memory(embedder=HashedEmbedder(16), scope=Scope(place="kitchen"))
        for n in range(200):
            memory.record(Experience(task=f"fetch ball {n}", id=str(n)))
        memory.feedback("3", helped=True)
        before = [experience.replace(vectors=()) for experience in store.experiences()]
    overwrite_leaves(folder / FILE_NAME, "entries")
    report = check_folder(folder, repair=True)
    assert report.is_clean
    assert "200 of them without their vectors" in str(report)
    assert "reembed" in str(report)
    assert [left["payload"] is None for left in damaged_entries(report)] == [
        False
    ]  # of what kind, none can say
    with MemoryStore.open(folder) as store:
        assert list(store.experiences()) == before
        hits = store.memory().recall("ball", where=where(scope__place="kitchen"), k=3)
        assert len(hits) == 3
    assert check_folder(folder).findings == ()


def test_garbage_in_the_middle_of_an_open_store_is_repaired_and_the_handle_goes_on(folder):
    with MemoryStore.open(folder) as store:
        for n in range(600):
            store.memory().record(Experience(task=f"more {n}", state="s" * 300))
    data = bytearray((folder / FILE_NAME).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 9_000] = b"\x07" * 9_000
    (folder / FILE_NAME).write_bytes(data)
    with MemoryStore.open(folder) as store:
        assert not store.check().is_clean
        assert store.check(repair=True).is_clean
        assert store.memory().record(Experience(task="look", id="new")).sequence
        n_left = len(list(store.experiences()))
        assert store.check().is_clean
    assert 300 < n_left < 613


def test_a_salvage_that_was_killed_at_the_last_step_is_finished(folder):
    os.rename(folder / FILE_NAME, folder / SALVAGED)
    (folder / FILE_NAME).write_bytes(b"half of what it was")
    assert check_folder(folder).is_clean
    assert len(ids(folder)) == N


def test_a_file_of_which_nothing_can_be_read_is_left_as_it_is(folder):
    (folder / FILE_NAME).write_bytes(b"\x00" * 50_000 + b"no database at all" * 100)
    with pytest.raises(StoreError):
        check_folder(folder, repair=True)
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith("experiences")) == [
        FILE_NAME,
        f"{FILE_NAME}-checkpoint-lock",
    ] or (folder / FILE_NAME).read_bytes().endswith(b"no database at all")


def test_attachments_that_are_missing_damaged_or_unused_are_told_apart(folder):
    with MemoryStore.open(folder) as store:
        kept = [
            store.attachments.put(data, role="image", media_type="image/png")
            for data in (b"missing", b"damaged", b"whole")
        ]
        store.memory().record(Experience(task="look", attachments=tuple(kept)))
        unused = store.attachments.put(b"unused", role="image", media_type="image/png")
        store.attachments.remove([kept[0].digest])
        damaged = store.attachments.path_of(kept[1].digest)
        damaged.write_bytes(b"other bytes")
        report = store.check()
        assert found(report) == [
            ("attachments", Severity.DAMAGE),
            ("attachments", Severity.WARNING),
            ("attachments", Severity.NOTE),
        ]
        repaired = store.check(repair=True)
        assert (repaired.damaged_folder / damaged.relative_to(folder)).read_bytes() == b"other bytes"
        assert not repaired.is_clean  # nobody can make the missing ones again
        for data in (b"missing", b"damaged"):
            store.attachments.put(data, role="image", media_type="image/png")
        assert store.check().is_clean
        assert unused.digest in store.attachments


def test_an_id_that_leads_nowhere_is_a_note(folder):
    with MemoryStore.open(folder) as store:
        store.memory().record(Experience(task="look", sources=("gone",), recalled=("3", "gone too")))
        report = store.check()
    assert found(report) == [("links", Severity.NOTE)]
    assert "2 experiences that others cite" in str(report)
    assert report.is_clean


def test_a_purge_that_was_killed_is_told_and_carried_out(folder, monkeypatch):
    from embodied_mem import failpoints

    def stop(place):
        if place == "purge:begun":
            raise KeyboardInterrupt

    with MemoryStore.open(folder) as store:
        monkeypatch.setattr(failpoints, "listener", stop)
        with pytest.raises(KeyboardInterrupt):
            store.purge(["4"])
        monkeypatch.setattr(failpoints, "listener", None)
        assert found(store.check()) == [("purges", Severity.WARNING)]
        assert store.check(repair=True).is_clean
        assert "4" not in [experience.id for experience in store.experiences()]


def test_old_temporary_files_are_removed_and_young_ones_left_to_their_owner(folder):
    old, young = folder / f".{FILE_NAME}.1.part", folder / f".{FILE_NAME}.2.part"
    for file in (old, young):
        file.write_bytes(b"half")
    os.utime(old, (0, 0))
    report = check_folder(folder, repair=True)
    assert found(report) == [("leftovers", Severity.WARNING)]
    assert (old.exists(), young.exists()) == (False, True)


def test_leftover_files_are_old_by_the_time_of_the_system_whatever_the_clock_of_the_store_says(folder):
    at_work = folder / f".{FILE_NAME}.1.part"
    at_work.write_bytes(b"half")
    with MemoryStore.open(folder, clock=lambda: 1e12) as store:
        assert store.check(repair=True).findings == ()
    assert at_work.exists()


def test_a_damaged_index_snapshot_is_removed_because_it_is_a_cache(folder):
    (folder / "index").mkdir(exist_ok=True)
    (folder / "index" / "abc.index").write_bytes(b"EMIXgarbage")
    assert found(check_folder(folder)) == [("index", Severity.WARNING)]
    assert check_folder(folder, repair=True).is_clean
    assert check_folder(folder).findings == ()
    assert len(ids(folder)) == N


def test_a_read_only_store_is_checked_and_not_repaired(folder):
    with MemoryStore.open(folder, read_only=True) as store:
        assert store.check().is_clean
        with pytest.raises(StoreError, match="reading only"):
            store.check(repair=True)


def test_a_folder_without_a_store_is_left_as_it_is(tmp_path):
    with pytest.raises(StoreError, match="holds no"):
        check_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_index_of_the_database_that_lacks_a_row_is_made_again(folder):
    change(
        folder,
        "CREATE TABLE aside AS SELECT * FROM sqlite_master WHERE name = 'entries_by_subject'",
        "PRAGMA writable_schema = ON",
        "DELETE FROM sqlite_master WHERE name = 'entries_by_subject'",
    )
    change(
        folder,
        f"UPDATE entries SET subject = 'somebody else' WHERE sequence = {N + 1}",
        "PRAGMA writable_schema = ON",
        "INSERT INTO sqlite_master SELECT * FROM aside",
    )
    change(folder, f"UPDATE entries SET subject = '3' WHERE sequence = {N + 2}", "DROP TABLE aside")
    report = check_folder(folder)
    assert found(report) == [("file", Severity.DAMAGE)]
    assert "entries_by_subject" in str(report)
    repaired = check_folder(folder, repair=True)
    assert repaired.is_clean
    assert "the indexes of the tables were rebuilt" in str(repaired)
    assert check_folder(folder).findings == ()


def test_a_damaged_store_in_use_elsewhere_is_not_replaced_under_its_users(folder):
    with MemoryStore.open(folder) as store:
        for n in range(300):
            store.memory().record(Experience(task=f"more {n}", state="s" * 300))
    data = bytearray((folder / FILE_NAME).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 9_000] = b"\x07" * 9_000
    (folder / FILE_NAME).write_bytes(data)
    code = (
        "import sys, sqlite3\n"
        f"db = sqlite3.connect({str(folder / FILE_NAME)!r})\n"
        "db.execute('SELECT count(*) FROM meta').fetchone()\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreError, match="another process uses it"):
            check_folder(folder, repair=True)
    finally:
        other.communicate()
    assert not list((folder / "damaged").glob("*"))
    assert check_folder(folder, repair=True).is_clean


def test_a_store_that_never_had_vectors_is_not_told_that_it_lost_any(tmp_path):
    folder = tmp_path / "lab"
    with MemoryStore.open(folder) as store:
        memory = store.memory()
        for n in range(200):
            memory.record(Experience(task=f"fetch ball {n}", id=str(n)))
        before = list(store.experiences())
    overwrite_leaves(folder / FILE_NAME, "entries")
    report = check_folder(folder, repair=True)
    assert report.is_clean
    assert "saved 200 entries into a fresh file" in str(report)
    assert "vectors" not in str(report)
    assert "reembed" not in str(report)
    with MemoryStore.open(folder) as store:
        assert list(store.experiences()) == before
    assert check_folder(folder).findings == ()


def test_vectors_whose_spaces_are_lost_are_reported(tmp_path):
    folder = tmp_path / "lab"
    with MemoryStore.open(folder) as store:
        memory = store.memory(embedder=HashedEmbedder(16))
        for n in range(200):
            memory.record(Experience(task=f"fetch ball {n}", id=str(n)))
    overwrite_leaves(folder / FILE_NAME, "entries")
    with sqlite3.connect(folder / FILE_NAME) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'spaces'").fetchone()
    db.close()
    data = bytearray((folder / FILE_NAME).read_bytes())
    data[(page - 1) * 4096 : page * 4096] = b"\x07" * 4096
    (folder / FILE_NAME).write_bytes(data)
    assert "200 of them without their vectors" in str(check_folder(folder, repair=True))
