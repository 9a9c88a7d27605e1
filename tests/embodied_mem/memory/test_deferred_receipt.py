import copy
import pickle
import sqlite3
import time

import numpy as np
import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import ConflictingId, InvalidQuery, StoreError
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records import Experience, Outcome, Receipt, Status, Task


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.sqlite"


@pytest.fixture
def backend(path):
    with SqliteBackend(path, commit_every=10) as backend:
        yield backend


@pytest.fixture
def memory(backend):
    return ExperienceMemory(backend)


def tried(task, **fields):
    return Experience(task=Task(task), outcome=Outcome(status=Status.SUCCESS), **fields)


def test_a_receipt_has_no_number_until_its_experience_is_committed(memory):
    receipt = memory.record(tried("open the door"))
    assert (receipt.sequence, receipt.is_duplicate) == (None, False)
    memory.flush()
    assert receipt.sequence == 1


def test_waiting_commits_and_gives_the_number(memory, path):
    receipt = memory.record(tried("open the door", id="a"))
    assert receipt.wait() == 1
    with SqliteBackend(path, read_only=True) as other:
        assert other.get(["a"])[0].sequence == 1


def test_waiting_again_changes_nothing(memory, backend):
    receipt = memory.record(tried("open the door"))
    assert receipt.wait() == receipt.wait() == 1
    assert backend.last_sequence() == 1


def test_waiting_commits_everything_that_was_recorded_before(memory):
    first = memory.record(tried("open the door"))
    assert memory.record(tried("close the door")).wait() == 2
    assert first.sequence == 1


def test_waiting_takes_no_longer_than_asked(memory, path, backend):
    receipt = memory.record(tried("open the door"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun_s = time.monotonic()
    with pytest.raises(StoreError, match="database is locked"):
        receipt.wait(timeout_s=0.05)
    assert time.monotonic() - begun_s < 2.0
    assert receipt.sequence is None
    other.execute("ROLLBACK")
    other.close()
    assert receipt.wait(timeout_s=0.05) == 1
    assert backend._connection().execute("PRAGMA busy_timeout").fetchone() == (5_000,)


@pytest.mark.parametrize("timeout_s", [-1.0, "soon", True])
def test_a_time_to_wait_that_is_none_is_refused(memory, timeout_s):
    receipt = memory.record(tried("open the door"))
    with pytest.raises(InvalidQuery, match="timeout_s is"):
        receipt.wait(timeout_s)
    assert receipt.wait() == 1


def test_a_receipt_stays_what_it_is_when_its_experience_is_committed(memory):
    receipt = memory.record(tried("open the door", id="a"))
    kept = {receipt}
    receipt.wait()
    assert receipt in kept
    assert isinstance(receipt, Receipt)
    assert "experience_id='a', sequence=1" in repr(receipt)


def test_what_was_recorded_is_recalled_before_it_was_waited_for(memory):
    memory.record(tried("open the door", id="a"))
    assert [hit.experience.id for hit in memory.recall("door")] == ["a"]


def test_feedback_on_what_still_waits_counts(memory):
    memory.record(tried("open the door", id="a"))
    memory.feedback("a", helped=True)
    assert memory.recall("door")[0].parts["trust"] > 0


def test_the_horizon_counts_what_still_waits(memory):
    memory.record(tried("open the door"))
    assert memory.horizon() == 1


def test_a_retry_while_it_waits_is_the_same_experience(backend):
    now_s = iter([10.0, 11.0, 12.0, 13.0])
    memory = ExperienceMemory(backend, clock=lambda: next(now_s))
    memory.record(tried("open the door", id="a"))
    again = memory.record(tried("open the door", id="a"))
    assert (again.wait(), again.is_duplicate) == (1, True)


def test_other_content_under_the_same_id_is_refused_while_it_waits(memory):
    memory.record(tried("open the door", id="a"))
    with pytest.raises(ConflictingId, match="'a'"):
        memory.record(tried("close the door", id="a"))


def test_an_id_that_was_withdrawn_is_not_acknowledged_again(memory):
    memory.record(tried("open the door", id="a", happened_at_s=1.0)).wait()
    memory.withdraw(0)
    with pytest.raises(ConflictingId, match="was withdrawn"):
        memory.record(tried("open the door", id="a", happened_at_s=1.0))


def test_an_id_that_another_process_took_is_told_to_who_waits(memory, path):
    receipt = memory.record(tried("open the door", id="a"))
    with SqliteBackend(path) as other:
        ExperienceMemory(other).record(tried("close the door", id="a"))
    for _ in range(2):
        with pytest.raises(ConflictingId, match="'a'"):
            receipt.wait()
    assert receipt.sequence is None


def test_a_store_that_cannot_be_written_keeps_it_waiting(memory, backend):
    receipt = memory.record(tried("open the door " * 5000))
    db = backend._connection()
    db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StoreError, match="the disk is full"):
        receipt.wait()
    db.execute("PRAGMA max_page_count = 1000000")
    assert receipt.wait() == 1


def test_a_record_that_a_full_disk_refused_can_be_made_again_without_doubling_it(path):
    with SqliteBackend(path, commit_every=16) as backend:
        memory = ExperienceMemory(backend)
        for number in range(15):
            memory.record(tried("open the door " * 500, id=str(number)))
        db = backend._connection()
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
        with pytest.raises(StoreError, match=r"full.*this entry was not kept; 15 recorded before stay"):
            memory.record(tried("close the door"))
        db.execute("PRAGMA max_page_count = 1000000")
        memory.record(tried("close the door"))
        tasks = [hit.experience.task.text for hit in memory.recall(k=50)]
        assert (len(tasks), tasks.count("close the door")) == (16, 1)


def test_a_batch_does_not_wait(memory, backend):
    memory.record(tried("open the door", id="a"))
    assert [receipt.sequence for receipt in memory.record_all([tried("b"), tried("c")])] == [2, 3]
    assert backend.pending == 0


def test_a_store_that_commits_each_at_once_gives_the_number_at_once(path):
    with SqliteBackend(path) as backend:
        memory = ExperienceMemory(backend)
        assert memory.record(tried("open the door")).sequence == 1
        memory.flush()  # nothing waits


def test_a_value_changed_after_it_was_validated_is_still_refused_or_converted(memory, backend):
    """Records are trusted to be what they were when made; what no store can keep is found all the same."""
    experience = tried("open the door", id="a", metadata={"n": 1})
    experience.metadata["n"] = np.float32(0.5)
    memory.record(experience).wait()
    assert backend.get(["a"])[0].entry.payload["metadata"] == {"n": 0.5}


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda receipt: pickle.loads(pickle.dumps(receipt))])
def test_a_copy_says_what_is_known_when_it_is_made(memory, copied):
    receipt = memory.record(tried("open the door", id="a"))
    assert copied(receipt) == Receipt("a")
    memory.flush()
    assert copied(receipt) == Receipt("a", sequence=1)
