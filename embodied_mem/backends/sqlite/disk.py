"""File names in a store's folder, and functions that make files and folders durable."""

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

FILE_NAME = "experiences.sqlite"  # the log: the only file that cannot be rebuilt
ATTACHMENTS = "attachments"  # files by content hash
INDEX = "index"  # snapshots of searchable columns; a cache
DAMAGED = "damaged"  # damaged files moved aside by a repair
PARTIAL = ".partial-"  # in the name of a file or folder under construction


def sync_tree(folder: Path) -> None:
    """Sync all files and folders below a folder to disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            sync_file(path)
    for path in (*folder.rglob("*/"), folder):
        sync_folder(path)


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, and sync their names to disk.

    Otherwise a power cut could lose the folder's name and with it synced files inside.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def log_of(database: Path) -> Path:
    """Return the path of a database's write-ahead log: beside the real file, not beside a link to it."""
    file = database.resolve()
    return file.with_name(f"{file.name}-wal")


def sync_log(database: Path) -> None:
    """Sync all commits to disk by syncing the write-ahead log; checkpointed commits are synced already.

    The database file is not opened: closing a second handle of it would drop SQLite's locks
    (https://sqlite.org/howtocorrupt.html, section 2.2).
    """
    log = log_of(database)
    with suppress(FileNotFoundError), log.open("r+b") as file:
        os.fsync(file.fileno())
    sync_folder(log.parent)


def sync_file(path: Path) -> None:
    """Sync a file's content to disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to disk; no effect on Windows, where folders cannot be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def touch(path: Path) -> bool:
    """Set a file's modification time to now, so that it does not look abandoned; False if it is absent.

    Without permission to change it, for example for another user's file, the time stays.
    """
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except PermissionError:
        pass
    return True


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link a file that never changes, or copy it if the disk has no hard links.

    An existing target is left unchanged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:
        half = target.with_name(f".{target.name}{PARTIAL}{uuid.uuid4().hex[:12]}")
        shutil.copyfile(source, half)
        half.replace(target)
