"""After a purge no byte of what was removed is left in any file of the store's folder."""

import subprocess
import sys

import numpy as np
import pytest

from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records import Origin, Outcome, Scope, SkillCall, Status, Task
from embodied_mem.records.filters import Between, Equals, where
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.store.upkeep.archiving import archive
from embodied_mem.store.upkeep.attachments import AttachmentStore
from embodied_mem.store.upkeep.purge import purge

SECRETS = {
    name: f"zq{name.upper()}xv"
    for name in (
        "id",
        "task",
        "kind",
        "instance",
        "state",
        "after",
        "explanation",
        "argument",
        "metakey",
        "metavalue",
        "fact",
        "agent",
        "world",
        "place",
        "person",
        "run",
        "reason",
        "derived",
        "attachment",
        "role",
        "media",
        "model",
        "planner",
        "version",
        "skill",
        "argumentkey",
        "factkey",
        "cost",
    )
}
TIME_S = 12_345.0
VECTOR = np.frombuffer(b"zqVECTOR", "<f4").repeat(8)  # its bytes are text too


def secret_record(kitchen, file):
    """An experience with another secret word in each of its fields, and all that hangs on it."""
    s = SECRETS
    name = kitchen.record(
        s["id"],
        task=Task(s["task"], kind=s["kind"], instance=s["instance"]),
        state=s["state"],
        state_after=s["after"],
        plan=(SkillCall(s["skill"], {s["argumentkey"]: s["argument"]}),),
        outcome=Outcome(status=Status.FAILURE, explanation=s["explanation"], cost={s["cost"]: 1.0}),
        origin=Origin(model=s["model"], planner=s["planner"], versions={s["version"]: "1"}),
        happened_at_s=TIME_S,
        metadata={s["metakey"]: s["metavalue"]},
        facts={s["factkey"]: s["fact"]},
        scope=Scope(agent=s["agent"], world=s["world"], place=s["place"], person=s["person"], run=s["run"]),
        vectors=(IMAGE,),
        attachments=(file,),
    )
    kitchen.memory.feedback(name, helped=True)
    archive(kitchen.backend, [name], reason=s["reason"], at_s=1.0)
    kitchen.record("lesson", sources=(name,), state=s["derived"], kind="lesson")


def found_in_files(folder):
    """Every secret that is in the bytes of a file, or in its name."""
    found = set()
    for file in folder.rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        text = str(file.relative_to(folder)).encode() + b"\n" + data
        found |= {
            name for name, word in SECRETS.items() if word.encode() in text or word.lower().encode() in text
        }
        found |= {"vector"} if b"zqVECTOR" in data else set()
    return found


IMAGE = FieldVector(field="image", space=Space(name="x", version="1", dimension=16), values=VECTOR)


OTHER_IMAGE = FieldVector(field="image", space=IMAGE.space, values=np.ones(16, np.float32))


def warm_up(backend):
    """Have the index read every text and vector."""
    assert ExperienceMemory(backend, embedder=None).recall(text=SECRETS["state"], vectors=IMAGE)


@pytest.fixture
def secret_kitchen(kitchen):
    files = AttachmentStore(kitchen.path / "attachments")
    file = files.put(
        SECRETS["attachment"].encode(), role=SECRETS["role"], media_type=f"image/{SECRETS['media']}"
    )
    for number in range(40):
        kitchen.record(f"before {number}")
    secret_record(kitchen, file)
    for number in range(40):
        kitchen.record(f"after {number}")
    warm_up(kitchen.backend)
    kitchen.backend.save_index()
    assert any(list((kitchen.path / "index").iterdir()))
    assert found_in_files(kitchen.path) == {*SECRETS, "vector"}
    return kitchen


SELECTORS = {
    "id": [SECRETS["id"]],
    "person": where(scope__person=SECRETS["person"]),
    "place": where(scope__place=SECRETS["place"]),
    "agent": where(scope__agent=SECRETS["agent"]),
    "time": Between("happened_at_s", TIME_S, TIME_S + 1),
    "metadata": Equals(f"metadata.{SECRETS['metakey']}", SECRETS["metavalue"]),
    "facts": Equals(f"facts.{SECRETS['factkey']}", SECRETS["fact"]),
    "cost": Equals(f"outcome.cost.{SECRETS['cost']}", 1.0),
}


@pytest.mark.parametrize("selector", SELECTORS.values(), ids=SELECTORS)
def test_no_byte_of_it_is_left_in_any_file(secret_kitchen, selector):
    purge(secret_kitchen.backend, secret_kitchen.path, selector, at_s=2.0)
    assert found_in_files(secret_kitchen.path) == set()
    assert list((secret_kitchen.path / "index").iterdir()) == []  # words and vectors in a spelling of its own
    assert len(secret_kitchen.ids()) == 80


def test_no_byte_of_it_comes_back_when_the_store_is_used_again(secret_kitchen):
    kitchen = secret_kitchen
    purge(kitchen.backend, kitchen.path, [SECRETS["id"]], at_s=2.0)
    for _ in range(2):
        assert ExperienceMemory(kitchen.backend).recall(text="bring the cup", k=3)
        kitchen.record("later", vectors=(OTHER_IMAGE,))
        kitchen.backend.save_index()
    assert list((kitchen.path / "index").glob("*"))
    kitchen.backend.close()
    assert found_in_files(kitchen.path) == set()


def test_what_a_repair_has_put_aside_is_named_where_bytes_are_left(secret_kitchen):
    kitchen = secret_kitchen
    aside = kitchen.path / "damaged" / "1" / "experiences.sqlite"
    aside.parent.mkdir(parents=True)
    aside.write_bytes(kitchen.backend.path.read_bytes())
    partial = kitchen.path / "attachments" / "00" / ".partial-1"  # of a writer that was killed
    partial.parent.mkdir(exist_ok=True)
    partial.write_bytes(SECRETS["attachment"].encode())
    report = purge(kitchen.backend, kitchen.path, [SECRETS["id"]], at_s=2.0)
    assert report.other_files == (partial, aside)
    for file in report.other_files:
        file.unlink()
    assert found_in_files(kitchen.path) == set()


HOLDING = """
import sys
from pathlib import Path
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory
backend = SqliteBackend(Path(sys.argv[1]) / "experiences.sqlite")
memory = ExperienceMemory(backend)
print(len(memory.recall(sys.argv[2], k=1)[0].parts), flush=True)
sys.stdin.readline()
print(sys.argv[2] in str(memory.recall(sys.argv[2], k=90)), flush=True)
backend.save_index()
"""


def test_no_byte_of_it_is_left_while_another_process_holds_the_store_open(secret_kitchen, child_environment):
    folder = secret_kitchen.path
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(folder), SECRETS["state"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment,
        text=True,
    ) as other:
        assert int(other.stdout.readline()) >= 1
        purge(secret_kitchen.backend, folder, [SECRETS["id"]], at_s=2.0)
        assert found_in_files(folder) == set()
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "False\n"
    assert other.returncode == 0
    assert found_in_files(folder) == set()


def test_what_remains_of_a_purged_id_is_where_others_recalled_it(secret_kitchen):
    secret_kitchen.record("witness", recalled=(SECRETS["id"],))
    report = purge(secret_kitchen.backend, secret_kitchen.path, [SECRETS["id"]], at_s=2.0)
    assert report.mentioned_by == ("witness",)
    assert found_in_files(secret_kitchen.path) == {"id"}


def test_the_bytes_are_there_after_a_mere_deletion(secret_kitchen):
    """What the recipe is for: rows that are gone are still in freed pages and in the write-ahead log."""
    [logged] = secret_kitchen.backend.get([SECRETS["id"]])
    secret_kitchen.backend.delete([logged.sequence])
    assert {"task", "state", "person", "vector"} <= found_in_files(secret_kitchen.path)


KILLED = """
import os, signal, sys
from pathlib import Path
from embodied_mem import failpoints
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.store.upkeep.purge import purge
def listener(place):
    if place == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
failpoints.listener = listener
folder = Path(sys.argv[1])
purge(SqliteBackend(folder / "experiences.sqlite"), folder, [sys.argv[2]], at_s=2.0)
"""


@pytest.mark.parametrize(
    "place",
    [
        "purge:begun",
        "purge:attachments-aside",
        "purge:attachments-removed",
        "purge:rows-deleted",
        "purge:index-removed",
        "compaction:vacuum",
        "purge:compacted",
    ],
)
def test_a_killed_purge_leaves_no_byte_once_it_is_finished(secret_kitchen, run_python, place):
    folder = secret_kitchen.path
    secret_kitchen.backend.close()
    assert run_python("-c", KILLED, str(folder), SECRETS["id"], place).returncode == -9
    again = "from embodied_mem.store.upkeep.purge import finish_purges as finish\n"
    again += "from pathlib import Path; import sys; folder = Path(sys.argv[1])\n"
    again += "from embodied_mem.backends.sqlite import SqliteBackend\n"
    again += "print(finish(SqliteBackend(folder / 'experiences.sqlite'), folder))"
    assert run_python("-c", again, str(folder)).stdout == "1\n"
    assert found_in_files(folder) == set()
