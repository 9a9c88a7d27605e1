"""What others write while a purge works, and what is written after one that was killed."""

import subprocess
import sys

import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.records import Experience
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.log import Entry, EntryKind
from embodied_mem.store.upkeep.attachments import AttachmentStore
from embodied_mem.store.upkeep.purge import finish_purges, purge


def purged(kitchen, selector):
    return purge(kitchen.backend, kitchen.path, selector, at_s=9_000.0)


class Killed(BaseException):
    """Ends the purge where a signal would."""


def at_place(listen, place, act):
    """Do something once, in a handle of another process, when a purge reaches this place."""
    waiting = [act]

    def listener(reached):
        if reached == place and waiting:
            waiting.pop()()

    listen(listener)


@pytest.mark.parametrize(
    "place", ["purge:begun", "purge:attachments-aside", "purge:committed", "compaction:done"]
)
def test_feedback_that_comes_while_it_is_purged_goes_as_well(kitchen, listen, place):
    kitchen.record("cup")
    with SqliteBackend(kitchen.backend.path) as other:
        payload = {"experience_id": "cup", "helped": True, "at_s": 1.0}
        entry = Entry(id="late", kind=EntryKind.FEEDBACK, payload=payload)
        at_place(listen, place, lambda: other.append([entry]))
        report = purged(kitchen, ["cup"])
    assert report.n_entries_about == 1
    assert kitchen.backend.entries_about("cup") == []


@pytest.mark.parametrize(
    "place", ["purge:begun", "purge:attachments-aside", "purge:committed", "compaction:done"]
)
def test_a_file_that_another_process_records_while_it_is_purged_stays(kitchen, listen, place):
    files = AttachmentStore(kitchen.path / "attachments")
    file = files.put(b"shared", role="image", media_type="image/png")
    kitchen.record("cup", attachments=(file,))
    with SqliteBackend(kitchen.backend.path) as other:
        entry = Entry(
            id="mug",
            kind=EntryKind.EXPERIENCE,
            payload=experience_to_document(Experience(id="mug", task="t", attachments=(file,))),
        )
        at_place(listen, place, lambda: other.append([entry]))
        report = purged(kitchen, ["cup"])
    assert report.attachments == ()
    assert files.get(file.digest) == b"shared"


@pytest.mark.parametrize("place", ["purge:attachments-aside", "purge:committed", "purge:compacted"])
def test_an_id_that_is_given_again_after_a_killed_purge_is_not_purged(kitchen, listen, place):
    files = AttachmentStore(kitchen.path / "attachments")
    file = files.put(b"image", role="image", media_type="image/png")
    kitchen.record("cup", state="the old cup", attachments=(file,))

    def kill(reached):
        if reached == place:
            raise Killed(place)

    listen(kill)
    with pytest.raises(Killed):
        purged(kitchen, ["cup"])
    listen(None)
    if place != "purge:attachments-aside":  # otherwise the old one is still there
        kitchen.record("cup", state="a new cup", attachments=(file,))
        kitchen.memory.feedback("cup", helped=True)
    assert finish_purges(kitchen.backend, kitchen.path) == 1
    states = [e.entry.payload["state"] for e in kitchen.backend.get(["cup"]) if e is not None]
    assert states == ([] if place == "purge:attachments-aside" else ["a new cup"])
    assert len(kitchen.backend.entries_about("cup")) == len(states)
    assert list(files) == [file.digest] * len(states)


PURGING = """
import sys
from pathlib import Path
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.store.upkeep.purge import purge
folder = Path(sys.argv[1])
with SqliteBackend(folder / "experiences.sqlite", busy_timeout_s=30.0) as backend:
    for name in sys.argv[2:]:
        purge(backend, folder, [name], at_s=1.0)
"""


def test_processes_may_purge_at_once(kitchen, child_environment):
    files = AttachmentStore(kitchen.path / "attachments")
    shared = files.put(b"shared", role="image", media_type="image/png")
    names = [kitchen.record(f"e{number}", attachments=(shared,)) for number in range(12)]
    kitchen.backend.close()
    children = [
        subprocess.Popen(
            [sys.executable, "-c", PURGING, str(kitchen.path), *names[part::3]], env=child_environment
        )
        for part in range(3)
    ]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    assert [path for path in files.folder.rglob("*") if path.is_file()] == []
    with SqliteBackend(kitchen.path / "experiences.sqlite") as backend:
        payloads = [logged.entry.payload for logged in backend.changes_since(0)]
        assert [payload["stage"] for payload in payloads] == ["begun", "done"] * 12
