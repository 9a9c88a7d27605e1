"""Two stores with one face: ours, and one into which bugs measured in other libraries were planted."""

import ctypes
import json
import os
from pathlib import Path
from typing import Protocol

from embodied_mem import MemoryStore
from tests.durability.examples import Acknowledged, example


class Subject(Protocol):
    """A store as the tests of this folder use it."""

    def record(self, identity: str) -> None: ...
    def ids(self) -> list[str]: ...
    def close(self) -> None: ...


class OurStore:
    """The library's own."""

    def __init__(self, folder: str | Path) -> None:
        self._store = MemoryStore.open(folder)
        self._memory = self._store.memory()

    def record(self, identity: str) -> None:
        self._memory.record(example(identity))

    def ids(self) -> list[str]:
        return [experience.id for experience in self._store.experiences()]

    def close(self) -> None:
        self._store.close()


class SavesOverItself:
    """As FAISS stores of mem0 and LangChain do: all of it in RAM, and all of it written over the old file.

    A file that cannot be read is taken for an empty store.
    """

    def __init__(self, folder: str | Path) -> None:
        self._file = Path(folder) / "everything.json"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._ids = json.loads(self._file.read_text())
        except (OSError, ValueError):
            self._ids = []

    def record(self, identity: str) -> None:
        self._ids.append(identity)
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(file, json.dumps(self._ids).encode())
        os.close(file)

    def ids(self) -> list[str]:
        return list(self._ids)

    def close(self) -> None:
        pass


SUBJECTS: dict[str, type[OurStore] | type[SavesOverItself]] = {
    "ours": OurStore,
    "saves_over_itself": SavesOverItself,
}


def fill(subject: str, folder: str, names: list[str], acknowledged: str, die_at: int = 0) -> None:
    """Record these and note each once it is acknowledged; killed at the n-th call to the file system."""
    opened = SUBJECTS[subject](folder)
    noted = Acknowledged(acknowledged)
    if die_at:
        ctypes.CDLL(None).file_calls_die_at(ctypes.c_int64(die_at))
    for name in names:
        opened.record(name)
        noted.add(name)
    os._exit(0)  # without closing, as a program that forgot to
