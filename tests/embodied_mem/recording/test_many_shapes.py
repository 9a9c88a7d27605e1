"""Recording costs the same however many observation shapes a store holds; operations are counted."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from embodied_mem import Experience, MemoryStore
from embodied_mem.recording import record_experience
from embodied_mem.records.observation_keys import observation_keys
from tests.embodied_mem.recording.scripted import Scripted, end, run

N_COUNTED = 10


def fill(store: MemoryStore, shapes: range) -> None:
    memory = store.memory()
    for n in shapes:
        memory.record(Experience(task="any", vectors=observation_keys(np.zeros(n)).vectors))


def count_operations(store: MemoryStore, env: Any, sizes: range) -> int:
    """Calls of functions and steps of SQLite's machine while episodes with new shapes are recorded."""
    count = 0

    def note(*_: object) -> int:
        nonlocal count
        count += 1
        return 0

    db = store.backend._connection()
    db.set_progress_handler(note, 10)
    sys.setprofile(note)
    try:
        for size in sizes:
            env.unwrapped.first = np.zeros(size)
            run(env, [0])
    finally:
        sys.setprofile(None)
        db.set_progress_handler(None, 0)
    return count


def test_recording_is_flat_in_the_number_of_shapes(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as store:
        env = record_experience(Scripted([end()]), store.memory())
        fill(store, range(1, 101))
        count_operations(store, env, range(3_000, 3_001))  # imports and caches
        few = count_operations(store, env, range(3_100, 3_100 + N_COUNTED))
        fill(store, range(101, 1_501))
        many = count_operations(store, env, range(3_200, 3_200 + N_COUNTED))
        known = count_operations(store, env, range(1, 1 + N_COUNTED))
        assert many <= 1.2 * few, (few, many)
        assert known <= 1.2 * few, (few, known)
        env.close()


def test_another_process_that_added_a_field_is_seen(tmp_path: Path) -> None:
    with MemoryStore.open(tmp_path) as ours, MemoryStore.open(tmp_path) as theirs:
        for store in (ours, theirs, ours):
            fill(store, range(1, 4))
        assert ours.stats().n_experiences == 9
