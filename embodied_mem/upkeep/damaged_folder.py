"""Where a repair keeps the original and what it moved aside: `damaged/001`, `damaged/002`, ..."""

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from embodied_mem.backends.disk import DAMAGED, FILE_NAME, make_folder, sync_folder, sync_tree

ENTRIES_FILE = "entries.jsonl"


class DamagedFolder:
    """Made when something is first put into it; each repair has one of its own.

    Args:
        store: The store's folder.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._path: Path | None = None

    @property
    def path(self) -> Path:
        """The folder, which is made now if it was not."""
        if self._path is None:
            parent = self._store / DAMAGED
            parent.mkdir(exist_ok=True)
            taken = [int(entry.name) for entry in parent.iterdir() if entry.name.isdigit()]
            self._path = parent / f"{max(taken, default=0) + 1:03d}"
            self._path.mkdir()
            for folder in (parent, self._store):
                sync_folder(folder)  # what it gets goes from the log next; a power cut must not take both
        return self._path

    @property
    def used(self) -> Path | None:
        """The folder if something is in it."""
        return self._path

    def keep_entries(self, entries: Iterable[Mapping[str, object]]) -> None:
        """Add what is left of entries, as JSON lines."""
        with (self.path / ENTRIES_FILE).open("a", encoding="utf-8", newline="\n") as file:
            for entry in entries:
                file.write(json.dumps(entry, sort_keys=True, default=repr) + "\n")
        sync_tree(self.path)

    def keep_database(self) -> Path:
        """Copy the files of the log as they are, while nobody has them open; the copy of the main one."""
        for file in sorted(self._store.glob(f"{FILE_NAME}*")):
            if file.name in (FILE_NAME, f"{FILE_NAME}-wal"):
                shutil.copyfile(file, self.path / file.name)
        sync_tree(self.path)
        return self.path / FILE_NAME

    def discard(self) -> None:
        """Remove the folder, because nothing was changed after all."""
        if self._path is not None:
            shutil.rmtree(self._path)
            with suppress(OSError):  # not empty, as earlier repairs have theirs there
                self._path.parent.rmdir()
            self._path = None

    def move(self, file: Path) -> None:
        """Move a file aside, under its path in the store."""
        target = self.path / file.relative_to(self._store)
        make_folder(target.parent)
        file.replace(target)
        for folder in (target.parent, file.parent):
            sync_folder(folder)
