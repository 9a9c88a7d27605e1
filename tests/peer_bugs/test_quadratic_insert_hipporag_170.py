"""HippoRAG #170: each insert costs more the more there is, so that building a memory is quadratic.

By counting, which no other program on the machine disturbs: calls of Python and C functions and steps of
SQLite's machine. The nightly test measures processor time instead, which counts also what one call does.
"""

import sys
import time

import pytest

from embodied_mem import Experience, MemoryStore
from embodied_mem.records import texts_of
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.log import Entry, EntryKind

N_COUNTED = 20


def experience(n: int) -> Experience:
    return Experience(
        id=f"e-{n:06d}", task=f"go to room {n % 50}", state=f"box {n % 97}", happened_at_s=float(n)
    )


def grow_to(store, n: int) -> None:
    """Fill up without embedding, many entries a commit."""
    entries = [
        Entry(id=e.id, kind=EntryKind.EXPERIENCE, payload=experience_to_document(e), texts=texts_of(e))
        for e in map(experience, range(store.backend.last_sequence(), n))
    ]
    for start in range(0, len(entries), 500):
        store.backend.append(entries[start : start + 500])


class LooksAtAll:
    """The planted bug: every insert compares with everything there is."""

    def __init__(self, store) -> None:
        self._store, self._memory = store, store.memory()

    def record(self, experience: Experience) -> None:
        assert all(other.id != experience.id for other in self._store.experiences())
        self._memory.record(experience)


def count_operations(store, memory, first: int) -> int:
    """Steps that a few inserts take."""
    count = 0

    def note(*_: object) -> int:
        nonlocal count
        count += 1
        return 0

    db = store.backend._connection()
    db.set_progress_handler(note, 10)  # a tenth of SQLite's steps
    sys.setprofile(note)
    try:
        for n in range(first, first + N_COUNTED):
            memory.record(experience(n))
    finally:
        sys.setprofile(None)
        db.set_progress_handler(None, 0)
    return count


def check_an_insert_costs_the_same_at_any_size(store, make_memory, small=100, large=3_000) -> None:
    memory = make_memory(store)
    grow_to(store, small)
    few = count_operations(store, memory, first=1_000_000)
    grow_to(store, large)
    many = count_operations(store, memory, first=2_000_000)
    assert many <= 1.5 * few, f"{few} operations at {small}, {many} at {large}"


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        yield store


def test_quadratic_insert_hipporag_170(store):
    check_an_insert_costs_the_same_at_any_size(store, MemoryStore.memory)


def test_the_planted_bug_is_caught(store):
    with pytest.raises(AssertionError, match="operations at"):
        check_an_insert_costs_the_same_at_any_size(store, LooksAtAll, large=400)


@pytest.mark.nightly
def test_an_insert_at_ten_thousand_takes_at_most_twice_the_processor_time_of_one_at_a_thousand(store):
    memory = store.memory()

    def cpu_s() -> float:
        """The best of ten batches, so that a disturbed one does not count."""
        batches = []
        for _ in range(10):
            start = store.backend.last_sequence() + 1_000_000
            begun_s = time.process_time()
            for n in range(start, start + 50):
                memory.record(experience(n))
            batches.append(time.process_time() - begun_s)
        return min(batches)

    grow_to(store, 1_000)
    at_1k = cpu_s()
    grow_to(store, 10_000)
    at_10k = cpu_s()
    assert at_10k <= 2 * at_1k
