"""`DamagedFolder`: keeps the original and what a repair moved aside in `damaged/001`, `damaged/002`, ..."""

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from embodied_mem.backends.sqlite.disk import DAMAGED, FILE_NAME, make_folder, sync_folder, sync_tree

ENTRIES_FILE = "entries.jsonl"


class DamagedFolder:
    """One folder for each repair, created when something is first put into it.

    Args:
        store: The store's folder.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._path: Path | None = None

    @property
    def path(self) -> Path:
        """The folder; created on first use."""
        if self._path is None:
            parent = self._store / DAMAGED
            parent.mkdir(exist_ok=True)
            taken = [int(entry.name) for entry in parent.iterdir() if entry.name.isdigit()]
            self._path = parent / f"{max(taken, default=0) + 1:03d}"
            self._path.mkdir()
            for folder in (parent, self._store):
                sync_folder(folder)  # its content leaves the log next; a power cut must not lose both
        return self._path

    @property
    def used(self) -> Path | None:
        """The folder, or None if nothing was put into it."""
        return self._path

    def keep_entries(self, entries: Iterable[Mapping[str, object]]) -> None:
        """Append what is left of damaged entries, as JSON lines."""
        with (self.path / ENTRIES_FILE).open("a", encoding="utf-8", newline="\n") as file:
            for entry in entries:
                file.write(json.dumps(entry, sort_keys=True, default=repr) + "\n")
        sync_tree(self.path)

    def keep_database(self) -> Path:
        """Copy the files of the log, which no process may have open; return the copy of the main file."""
        for file in sorted(self._store.glob(f"{FILE_NAME}*")):
            if file.name in (FILE_NAME, f"{FILE_NAME}-wal"):
                shutil.copyfile(file, self.path / file.name)
        sync_tree(self.path)
        return self.path / FILE_NAME

    def discard(self) -> None:
        """Remove the folder after a repair that changed nothing."""
        if self._path is not None:
            shutil.rmtree(self._path)
            with suppress(OSError):  # not empty if earlier repairs left folders there
                self._path.parent.rmdir()
            self._path = None

    def move(self, file: Path) -> None:
        """Move a file into the folder, keeping its path relative to the store."""
        target = self.path / file.relative_to(self._store)
        make_folder(target.parent)
        file.replace(target)
        for folder in (target.parent, file.parent):
            sync_folder(folder)
