"""A full disk: the error names it; afterwards nothing acknowledged is lost and everything goes on."""

import contextlib
import itertools

import pytest

from embodied_mem import MemoryStore
from embodied_mem.backends.sqlite.disk import FILE_NAME
from embodied_mem.errors import StoreError
from tests.durability.examples import EMBEDDER, Acknowledged, example, experience_id
from tests.durability.verify import verdict

IDS = [experience_id("before", n) for n in range(40)]


@pytest.mark.parametrize("commit_every", [1, 6])
def test_a_full_disk_is_named_and_what_was_acknowledged_is_there(small_disk, commit_every):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    kept, waiting = [], []
    with MemoryStore.open(small_disk / "store", commit_every=commit_every) as store:
        memory = store.memory(embedder=EMBEDDER)
        with pytest.raises(StoreError, match=rf"{FILE_NAME}.*disk is full; free some space and write"):
            record_until_full(memory, commit_every, kept, waiting)
        if commit_every == 1:  # otherwise reading first commits what waits
            assert memory.recall("red ball", k=1)
        ballast.unlink()
        kept += waited_for(waiting)  # what was taken before the disk was full
        memory.record(example("after-0")).wait()
        kept.append("after-0")
    assert len(kept) > 20
    found = verdict(small_disk / "store", kept)
    assert found.is_good, found


@pytest.mark.parametrize("space_bytes", [0, 9_000, 40_000, 120_000])
@pytest.mark.parametrize("options", [{}, {"fsync": True}, {"commit_every": 4}], ids=str)
def test_a_disk_that_is_full_after_any_number_of_bytes_loses_nothing(layered, space_bytes, options):
    zygote, folder = layered
    store = folder / f"full-{space_bytes}-{options}"
    noted = Acknowledged(folder.parent / f"{store.name}.ids")
    status = zygote.run(
        "run_out_of_space",
        store=str(store),
        acknowledged=str(noted.path),
        space_bytes=space_bytes,
        options=options,
    )
    assert status == 0, zygote.output()[-3000:]
    errors = [line for line in noted.lines() if line.startswith("error")]
    assert errors, "the disk was never full"
    assert all(FILE_NAME in line or store.name in line for line in errors)
    assert all("full" in line.lower() or "No space left" in line for line in errors), errors
    found = verdict(store, set(noted.lines()) - set(errors))
    assert found.is_good, found


def test_an_attachment_that_does_not_fit_leaves_nothing_behind(small_disk):
    with MemoryStore.open(small_disk / "store") as store:
        with pytest.raises(StoreError, match="No space left"):
            store.attachments.put(bytes(3_000_000), role="image", media_type="image/png")
        files = [path for path in (store.path / "attachments").rglob("*") if path.is_file()]
        assert not files
        small = store.attachments.put(b"small", role="image", media_type="image/png")
        assert store.attachments.get(small.digest) == b"small"


def test_an_index_that_cannot_be_saved_says_so_and_the_log_is_whole(small_disk):
    with MemoryStore.open(small_disk / "store") as store:
        memory = store.memory(embedder=EMBEDDER)
        for identity in IDS:
            memory.record(example(identity))
        memory.recall("red ball")
        with contextlib.suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(bytes(4_096)) == 4_096:
                pass
        with pytest.raises(StoreError, match=r"index.*No space left.*log is intact"):
            store.backend.save_index()
        expected = [hit.experience.id for hit in memory.recall("red ball")]
        (small_disk / "ballast").unlink()
        store.backend.save_index()
    with MemoryStore.open(small_disk / "store") as store:
        assert [hit.experience.id for hit in store.memory(embedder=EMBEDDER).recall("red ball")] == expected


def test_a_branch_that_does_not_fit_is_not_there(small_disk):
    with MemoryStore.open(small_disk / "store") as store:
        memory = store.memory(embedder=EMBEDDER)
        memory.record(example(IDS[0]).replace(state="wall " * 130_000))
        with pytest.raises(StoreError, match=r"full|No space"):
            store.branch(small_disk / "branch")
        left = sorted(path.name for path in small_disk.iterdir())
        assert left == ["store"]
        memory.record(example(IDS[1]))


def record_until_full(memory, commit_every, kept, waiting) -> None:
    """Record without end; ids go to `kept` once they are acknowledged, receipts before that to `waiting`."""
    for number in itertools.count():
        waiting.append(memory.record(example(experience_id("full", number))))
        if number % commit_every == commit_every - 1:
            kept += waited_for(waiting)


def waited_for(receipts) -> list[str]:
    for receipt in receipts:
        receipt.wait()
    ids = [receipt.experience_id for receipt in receipts]
    receipts.clear()
    return ids
