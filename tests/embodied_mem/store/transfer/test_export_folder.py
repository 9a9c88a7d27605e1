"""One folder of plain files, and back."""

import json
import sqlite3
import time

import numpy as np
import pytest

from embodied_mem.backends.sqlite import network_disk
from embodied_mem.backends.sqlite.rows import digest_of
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import InvalidQuery, StoreError, UnknownSpace
from embodied_mem.records import Experience, Outcome
from embodied_mem.records.json_values import canonical
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.store import FILE_NAME, MemoryStore
from embodied_mem.store.transfer.manifest import ENTRIES_FILE, MANIFEST_FILE, sha256_of

EMBEDDER = HashedEmbedder(16)
IMAGE = Space(name="camera", version="1", dimension=3)


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "lab", clock=lambda: 7.0) as store:
        memory = store.memory(embedder=EMBEDDER, clock=lambda: 1.0)
        image = FieldVector(field="im/age", space=IMAGE, values=np.array([1, 2, 3]))
        attachment = store.attachments.put(b"pixels", role="image", media_type="image/png")
        memory.record(Experience(task="fetch the ball", state="späte Sonne", id="one", vectors=(image,)))
        memory.record(Experience(task="look", id="two", attachments=(attachment,)))
        memory.record(Experience(task="", id="no text at all"))
        memory.feedback("one", helped=True)
        store.archive(["two"], reason="old")
        yield store


def contents(store):
    """Id and hash of every entry, in the order of the log."""
    from embodied_mem.backends.sqlite.rows import EntryRow

    return [(e.entry.id, EntryRow.of(e.entry).digest) for e in store.backend.changes_since(0)]


def manifest_of(folder):
    return json.loads((folder / MANIFEST_FILE).read_text())


def change_manifest(folder, **changes):
    (folder / MANIFEST_FILE).write_text(json.dumps({**manifest_of(folder), **changes}))


def test_export_and_import_give_the_same_ids_content_and_order(store, tmp_path):
    store.export(tmp_path / "out")
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy", embedder=EMBEDDER) as copy:
        assert contents(copy) == contents(store)
        assert list(copy.experiences()) == list(store.experiences())
        assert copy.stats().n_archived == 1
        assert copy.attachments.get(next(iter(store.attachments))) == b"pixels"
        assert copy.check().is_clean


def test_an_experience_nested_as_deeply_as_one_may_be_travels(store, tmp_path):
    deepest = json.loads(64 * '{"x":' + "0" + 64 * "}")
    store.memory(embedder=EMBEDDER).record(Experience(task="look", id="deep", metadata=deepest))
    store.export(tmp_path / "out")
    with (
        MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy") as copy,
        MemoryStore.open(tmp_path / "merged") as merged,
    ):
        merged.merge(copy)
        assert list(merged.experiences()) == list(copy.experiences()) == list(store.experiences())


def test_an_import_is_opened_as_asked_and_tells_how_far_it_is(store, tmp_path):
    store.export(tmp_path / "out")
    told = []
    with MemoryStore.import_folder(
        tmp_path / "out",
        tmp_path / "copy",
        progress=lambda done, total: told.append((done, total)),
        fsync=True,
        quota_bytes=5,
    ) as copy:
        assert copy.backend.settings()["synchronous"] == 2
        assert copy.attachments.quota_bytes == 5
        n_entries = copy.stats().last_sequence
    assert told[-1] == (n_entries, n_entries)


def test_an_option_that_there_is_not_is_refused_before_anything_is_imported(store, tmp_path):
    store.export(tmp_path / "out")
    with pytest.raises(InvalidQuery, match="fsnyc"):
        MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy", **{"fsnyc": True})
    assert not (tmp_path / "copy").exists()


def test_exporting_an_import_gives_the_same_files(store, tmp_path):
    first = store.export(tmp_path / "out")
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy") as copy:
        assert copy.export(tmp_path / "again").files == first.files


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def timed(tmp_path):
    """A store whose entries were recorded at 1000, 2000 (archived and restored) and 3000."""
    clock = Clock()
    with MemoryStore.open(tmp_path / "timed", clock=clock) as timed:
        memory = timed.memory(clock=clock)
        memory.record(Experience(task="fetch the ball", id="a"))
        clock.now_s = 2000.0
        timed.archive(["a"], reason="put away")
        clock.now_s = 2500.0
        timed.restore(["a"])
        clock.now_s = 3000.0
        memory.record(Experience(task="fetch the cup", id="b"))
        yield timed


def seen_at(store, time_s):
    return [hit.experience.id for hit in store.memory().recall("fetch", as_of_s=time_s)]


def change_lines(folder, change):
    """Rewrite each line of an exported folder, and its checksum."""
    path = folder / ENTRIES_FILE
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(change(number, line)) + "\n" for number, line in enumerate(lines)))
    change_manifest(folder, files={**manifest_of(folder)["files"], ENTRIES_FILE: sha256_of(path)})


@pytest.mark.parametrize("embedder", [None, HashedEmbedder(8)])
def test_an_import_answers_as_of_a_time_like_the_original(timed, tmp_path, embedder):
    timed.export(tmp_path / "out")
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy", embedder=embedder) as copy:
        for time_s in (500.0, 1000.0, 1500.0, 2000.0, 2499.0, 2500.0, 2999.0, 3000.0):
            assert seen_at(copy, time_s) == seen_at(timed, time_s)
        assert seen_at(copy, 1500.0) == ["a"]
        assert copy.history("a") == timed.history("a")
        assert copy.check().is_clean


def test_what_is_recorded_after_an_import_is_later_than_what_was_imported(timed, tmp_path):
    timed.export(tmp_path / "out")
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy") as copy:
        copy.memory().record(Experience(task="fetch the bowl", id="c"))
        assert seen_at(copy, 3000.0) == seen_at(timed, 3000.0)
        assert [copy.backend.recorded_at(n) for n in (1, 2, 3, 4)] == [1000.0, 2000.0, 2500.0, 3000.0]
        assert copy.backend.recorded_at(5) > 1e9


def test_a_folder_without_times_counts_as_recorded_when_it_is_imported(timed, tmp_path):
    timed.export(tmp_path / "out")
    change_lines(tmp_path / "out", lambda _, line: {k: v for k, v in line.items() if k != "recorded_at_s"})
    before_s = time.time()
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy") as copy:
        assert seen_at(copy, 1500.0) == []
        assert before_s <= copy.backend.recorded_at(1) <= copy.backend.recorded_at(4) <= time.time()
        assert len(list(copy.experiences())) == 2


def test_times_that_go_down_stand_still_instead(timed, tmp_path):
    timed.export(tmp_path / "out")
    change_lines(tmp_path / "out", lambda number, line: {**line, "recorded_at_s": 100 - number})
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy") as copy:
        assert [copy.backend.recorded_at(n) for n in (1, 2, 3, 4)] == [100.0] * 4


@pytest.mark.parametrize(
    "time_s", ["1000", True, float("nan"), float("inf"), 10**400, [1000.0]], ids=lambda value: str(value)[:5]
)
def test_a_line_whose_time_is_none_is_refused(timed, tmp_path, time_s):
    timed.export(tmp_path / "out")
    change_lines(tmp_path / "out", lambda number, line: {**line, "recorded_at_s": time_s} if number else line)
    with pytest.raises(StoreError, match=r"line 2: recorded_at_s is .*expected seconds"):
        MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_an_import_to_a_network_disk_names_the_target_and_leaves_nothing(store, tmp_path, monkeypatch):
    store.export(tmp_path / "out")
    mounts = tmp_path / "mounts"
    mounts.write_text(f"20 1 0:20 / {tmp_path / 'far'} rw - nfs4 server:/export rw\n")
    monkeypatch.setattr(network_disk, "MOUNTS", mounts)
    monkeypatch.setattr(network_disk.sys, "platform", "linux")
    target = tmp_path / "far" / "new" / "store"
    with pytest.raises(StoreError, match=f"{target} is on a disk of type nfs4"):
        MemoryStore.import_folder(tmp_path / "out", target)
    assert not (tmp_path / "far").exists()


def test_the_manifest_says_what_there_is(store, tmp_path):
    manifest = store.export(tmp_path / "out")
    assert manifest.counts == {"experience": 3, "feedback": 1, "archive": 1}
    assert {(item.field, item.space, item.count) for item in manifest.vectors} == {
        ("im/age", IMAGE, 1),
        ("text", EMBEDDER.space, 2),
    }
    assert manifest.created_at_s == 7.0
    assert manifest_of(tmp_path / "out")["format_version"] == 1


def test_numpy_reads_the_vectors_without_pickle(store, tmp_path):
    manifest = store.export(tmp_path / "out")
    [text] = [item for item in manifest.vectors if item.field == "text"]
    rows = np.load(tmp_path / "out" / text.file, allow_pickle=False)
    assert (rows.dtype, rows.shape) == (np.float32, (2, 16))
    np.testing.assert_array_equal(rows[0], EMBEDDER.embed(["fetch the ball späte Sonne"])[0])


def test_what_is_withdrawn_stays_behind(store, tmp_path):
    memory = store.memory()
    horizon = memory.horizon()
    memory.record(Experience(task="a mistake", id="withdrawn"))
    memory.withdraw(after=horizon)
    assert store.export(tmp_path / "out").counts["experience"] == 3
    assert "a mistake" not in (tmp_path / "out" / "experiences.jsonl").read_text()


def test_an_unfinished_purge_of_the_store_means_nothing_to_an_import(store, tmp_path):
    store.purge(["two"])
    store.export(tmp_path / "out")
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy") as copy:
        assert [experience.id for experience in copy.experiences()] == ["one", "no text at all"]
        assert copy.check().is_clean


def test_an_empty_store_makes_the_journey_too(tmp_path):
    with MemoryStore.open(tmp_path / "empty") as empty:
        empty.export(tmp_path / "out")
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy") as copy:
        assert copy.stats().last_sequence == 0


@pytest.mark.parametrize("name", ["experiences.jsonl", "vectors/0.npy", "vectors/1.npy", "attachments"])
def test_a_damaged_file_is_named_and_nothing_imported(store, tmp_path, name):
    store.export(tmp_path / "out")
    path = tmp_path / "out" / name
    path = next(path.iterdir()) if path.is_dir() else path
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match=f"{path.name} is damaged"):
        MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_missing_file_is_named(store, tmp_path):
    store.export(tmp_path / "out")
    (tmp_path / "out" / "vectors" / "1.npy").unlink()
    with pytest.raises(StoreError, match=r"1\.npy is missing"):
        MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy")


def test_a_damaged_manifest_is_named(store, tmp_path):
    store.export(tmp_path / "out")
    (tmp_path / "out" / MANIFEST_FILE).write_text('{"format": "embodied-mem-ex')
    with pytest.raises(StoreError, match=r"manifest\.json is damaged"):
        MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy")


@pytest.mark.parametrize("changes", [{"format_version": 2}, {"schema": 99}])
def test_a_newer_version_is_refused_with_the_way_out(store, tmp_path, changes):
    store.export(tmp_path / "out")
    change_manifest(tmp_path / "out", **changes)
    with pytest.raises(StoreError, match="Upgrade embodied-mem"):
        MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy")


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/../../b", "c:\\x"])
def test_a_manifest_cannot_lead_out_of_its_folder(store, tmp_path, name):
    store.export(tmp_path / "out")
    change_manifest(tmp_path / "out", files={name: "0" * 64})
    with pytest.raises(StoreError, match="not a file within the folder"):
        MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy")


def test_a_line_that_was_changed_together_with_its_checksum_is_found_by_its_digest(store, tmp_path):
    from embodied_mem.store.transfer.manifest import sha256_of

    store.export(tmp_path / "out")
    path = tmp_path / "out" / "experiences.jsonl"
    path.write_text(path.read_text().replace("fetch the ball", "fetch the bowl"))
    files = {**manifest_of(tmp_path / "out")["files"], "experiences.jsonl": sha256_of(path)}
    change_manifest(tmp_path / "out", files=files)
    with pytest.raises(StoreError, match=r"line 1: the content of 'one' does not match its digest"):
        MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("payload", [{"id": "two"}, {"id": "another", "task": {"text": "look"}}])
def test_a_line_that_is_no_experience_is_refused_even_with_a_digest_of_its_own(store, tmp_path, payload):
    store.export(tmp_path / "out")
    path = tmp_path / "out" / ENTRIES_FILE
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    written = canonical(payload), canonical(lines[2]["texts"])
    lines[2] |= {"payload": payload, "vectors": [], "digest": digest_of("experience", *written, ()).hex()}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    change_manifest(
        tmp_path / "out", files={**manifest_of(tmp_path / "out")["files"], ENTRIES_FILE: sha256_of(path)}
    )
    with pytest.raises(StoreError, match="line 3"):
        MemoryStore.import_folder(tmp_path / "out", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_another_embedder_embeds_the_texts_anew_and_leaves_other_vectors(store, tmp_path):
    other = HashedEmbedder(32)
    store.export(tmp_path / "out")
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy", embedder=other) as copy:
        assert copy.stats().spaces == {"text": other.space, "im/age": IMAGE}
        [hit] = copy.memory(embedder=other).recall("fetch the ball", k=1)
        assert hit.experience.id == "one"
        assert copy.check().is_clean


def test_without_an_embedder_the_vectors_stay_and_another_embedder_is_refused_later(store, tmp_path):
    store.export(tmp_path / "out")
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "copy") as copy:
        assert copy.stats().spaces["text"] == EMBEDDER.space
        with pytest.raises(UnknownSpace, match=r"16-d.*32-d"):
            copy.memory(embedder=HashedEmbedder(32)).record(Experience(task="look"))


def test_a_missing_attachment_is_said_in_the_manifest(store, tmp_path):
    digest = next(iter(store.attachments))
    store.attachments.remove([digest])
    assert store.export(tmp_path / "out").missing_attachments == (digest,)


def test_a_target_that_holds_something_is_left_as_it_is(store, tmp_path):
    with pytest.raises(StoreError, match="lies in the store"):
        store.export(store.path)
    store.export(tmp_path / "out")
    with pytest.raises(StoreError, match="already exists"):
        MemoryStore.import_folder(tmp_path / "out", store.path)
    assert len(list(store.experiences())) == 3


def test_a_damaged_store_is_not_exported_because_its_content_would_get_new_hashes(store, tmp_path):
    with sqlite3.connect(store.path / FILE_NAME) as db:
        db.execute("UPDATE contents SET payload = replace(payload, 'fetch the ball', 'break the ball')")
    db.close()
    with pytest.raises(StoreError, match="memory check --repair"):
        store.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["inside", "attachments/copy"])
def test_a_store_is_not_copied_into_itself(store, place):
    for copy in (store.export, store.branch):
        with pytest.raises(StoreError, match="outside"):
            copy(store.path / place)
    assert store.check().is_clean


def test_a_failed_export_leaves_nothing(store, tmp_path, monkeypatch):
    from embodied_mem.store.transfer import export_folder

    def fail(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_folder, "sha256_of", fail)
    with pytest.raises(StoreError, match="No space left"):
        store.export(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lab"]


def test_the_outcome_survives_the_journey(tmp_path):
    outcome = Outcome(status="failure", reward=0.1 + 0.2, explanation="zu hoch", cost={"usd": 1e-9})
    with MemoryStore.open(tmp_path / "a") as store:
        store.memory().record(Experience(task="look", outcome=outcome))
        store.export(tmp_path / "out")
    with MemoryStore.import_folder(tmp_path / "out", tmp_path / "b") as copy:
        [experience] = copy.experiences()
    assert experience.outcome == outcome
