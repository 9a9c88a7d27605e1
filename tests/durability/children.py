"""What child processes do to a store until they are killed; forked by `zygote.py`, so all is imported."""

import contextlib
import ctypes
import itertools
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from embodied_mem import ExperienceMemory, MemoryStore, Query, failpoints
from embodied_mem.backends.sqlite import checkpoint
from embodied_mem.errors import StoreError
from embodied_mem.records import Receipt
from tests.durability.examples import EMBEDDER, Acknowledged, example, experience_id, is_whole
from tests.durability.operations import OPERATIONS

FOREVER = 10**9
T = TypeVar("T")


def warm_up() -> None:
    """Use everything once, so that a forked child has nothing left to import."""
    with tempfile.TemporaryDirectory() as folder, MemoryStore.open(folder) as store:
        memory = store.memory(embedder=EMBEDDER)
        memory.record(example("warm-0"))
        memory.recall("red ball", k=1)


def write(
    store: str,
    writer: str,
    acknowledged: str,
    first: int = 0,
    count: int = FOREVER,
    seed: int = 0,
    checkpoint_every: int | None = None,
    **options: object,
) -> None:
    """Record experiences one after the other; an id is noted when its experience is acknowledged.

    Args:
        store: The folder.
        writer: Its name, the beginning of its ids.
        acknowledged: The file that gets the ids.
        first: Number of its first experience; those before it were tried by an earlier process.
        count: How many to record.
        seed: Of when it waits for receipts and tries old ones again.
        checkpoint_every: Bring the log into the file after so many entries.
        options: Of `MemoryStore.open`.
    """
    if checkpoint_every is not None:
        checkpoint.ENTRIES_BETWEEN = checkpoint_every
    rng = random.Random(f"{writer} {seed}")
    noted = Acknowledged(acknowledged)
    opened = MemoryStore.open(store, **options)
    memory = opened.memory(embedder=EMBEDDER)
    waiting: list[Receipt] = []
    for number in range(max(0, first - 3), first + count):  # the last ones again: they must not be doubled
        receipt = memory.record(example(experience_id(writer, number)))
        if options.get("commit_every", 1) == 1:
            noted.add(receipt.experience_id)
            continue
        waiting.append(receipt)
        if rng.random() < 0.1:
            noted.add(*_waited_for(waiting))
    noted.add(*_waited_for(waiting))
    opened.close()


def _waited_for(receipts: list[Receipt]) -> list[str]:
    """The ids of these, which are acknowledged now; the list is emptied."""
    for receipt in receipts:
        receipt.wait()
    ids = [receipt.experience_id for receipt in receipts]
    receipts.clear()
    return ids


def read(store: str, problems: str) -> None:
    """Read and search until killed; note every entry that is not whole and every step back in time."""
    while not (Path(store) / "experiences.sqlite").exists():
        time.sleep(0.001)
    noted = Acknowledged(problems)
    opened = MemoryStore.open(store)
    memory = opened.memory("frozen", embedder=EMBEDDER)
    seen = 0
    while True:
        for logged in opened.backend.changes_since(seen, limit=64):
            if not is_whole(logged):
                noted.add(f"torn: {logged.entry.id}")
            if logged.sequence <= seen:
                noted.add(f"back in time: {logged.sequence} after {seen}")
            seen = logged.sequence
        for hit in memory.recall(Query(text="bring the red ball")):
            if hit.experience.task != example(hit.experience.id).task:
                noted.add(f"torn recall: {hit.experience.id}")


def keep_up(store: str, seed: int) -> None:
    """Bring the log into the file and save the index over and over until killed."""
    rng = random.Random(seed)
    checkpoint.ENTRIES_BETWEEN = 1
    with MemoryStore.open(store) as opened:
        memory = opened.memory(embedder=EMBEDDER)
        while True:
            for experience in itertools.islice(opened.experiences(), 1):
                memory.feedback(experience.id, helped=rng.random() < 0.5)  # and so a checkpoint
            opened.backend.save_index()
            time.sleep(rng.uniform(0, 0.01))


def mark(text: str) -> None:
    """Note something in the journal of the layer that this process runs on."""
    ctypes.CDLL(None).file_calls_mark(text.encode())


def operate(
    operation: str,
    folder: str,
    acknowledged: str,
    places: str = "",
    place: str = "",
    nth: int = 0,
    die_at: int = 0,
    options: dict[str, Any] | None = None,
) -> None:
    """Do one of `OPERATIONS`, killed at a place of the code or at a call to the file system.

    Args:
        operation: Its name.
        folder: Where.
        acknowledged: The file that gets what it acknowledges; with none, the layer's journal does.
        places: The file that gets each place that is reached.
        place: Where to kill itself.
        nth: At the n-th time, from 1.
        die_at: At the n-th call to the file system, from 1, where the process runs on the layer.
        options: Of `MemoryStore.open`.
    """
    noted = Acknowledged(acknowledged)
    seen = Acknowledged(places) if places else None
    left = nth

    def listen(reached: str) -> None:
        nonlocal left
        if seen:
            seen.add(reached)
        if reached == place:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    failpoints.listener = listen
    if die_at:
        ctypes.CDLL(None).file_calls_die_at(ctypes.c_int64(die_at))
    say = noted.add if acknowledged else mark
    OPERATIONS[operation].run(Path(folder), say, options or {})


def save_index_of_what_is_not_synced(store: str) -> None:
    """Record without waiting for the disk, save the index, and end without closing."""
    opened = MemoryStore.open(store)
    memory = opened.memory(embedder=EMBEDDER)
    for name in ("lost-0", "again-0"):
        memory.record(example(name))
    memory.recall("red ball")
    opened.backend.save_index()
    os._exit(0)


def run_out_of_space(store: str, acknowledged: str, space_bytes: int, options: dict[str, Any]) -> None:
    """Open a store and record until the disk is full; then there is room again, and it goes on.

    Notes acknowledged ids, and each error as a line that begins with `error`.
    """
    noted = Acknowledged(acknowledged)
    disk = ctypes.CDLL(None)
    disk.file_calls_space(ctypes.c_int64(space_bytes))
    opened = None
    with contextlib.suppress(StoreError):
        opened = _until_error(noted, lambda: MemoryStore.open(store, **options))
    if opened is not None:
        memory = opened.memory(embedder=EMBEDDER)
        with contextlib.suppress(StoreError):
            for number in range(200):
                noted.add(_until_error(noted, partial(_kept, memory, experience_id("full", number))))
    disk.file_calls_space(ctypes.c_int64(-1))
    opened = opened or MemoryStore.open(store, **options)
    memory = opened.memory(embedder=EMBEDDER)
    for number in range(5):
        noted.add(_kept(memory, experience_id("after", number)))
    opened.flush()
    opened.close()


def _kept(memory: ExperienceMemory, identity: str) -> str:
    memory.record(example(identity)).wait()
    return identity


def _until_error(noted: Acknowledged, call: Callable[[], T]) -> T:
    try:
        return call()
    except StoreError as error:
        noted.add(f"error {error}")
        raise


def use_what_cannot_be_written(store: str, said: str, error: int) -> None:
    """Use a store where everything that writes is refused; then it is allowed again, and it goes on."""
    noted = Acknowledged(said)
    disk = ctypes.CDLL(None)
    opened = MemoryStore.open(store)
    memory = opened.memory(embedder=EMBEDDER)
    memory.record(example(experience_id("before", 100)))
    disk.file_calls_refuse(error)
    with contextlib.suppress(StoreError):
        _until_error(noted, lambda: _kept(memory, experience_id("refused", 0)))
    noted.add(f"recalled {len(memory.recall('red ball', k=3))}")
    with contextlib.suppress(StoreError):
        _until_error(noted, lambda: MemoryStore.open(f"{store}-new"))
    disk.file_calls_refuse(0)
    with contextlib.suppress(StoreError):
        _until_error(noted, lambda: _kept(memory, experience_id("after", 0)))
    noted.add(_kept(memory, experience_id("after", 0)))
    opened.close()
