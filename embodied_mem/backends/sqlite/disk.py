"""What lies where in the folder of a store, and how files and folders are made durable."""

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

FILE_NAME = "experiences.sqlite"  # the log: the only file that cannot be made again
ATTACHMENTS = "attachments"  # files by content hash
INDEX = "index"  # snapshots of searchable columns; a cache
DAMAGED = "damaged"  # what a repair has moved aside
PARTIAL = ".partial-"  # in the name of a folder that is being made


def sync_tree(folder: Path) -> None:
    """Wait until every file below is on the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            sync_file(path)
    for path in (*folder.rglob("*/"), folder):
        sync_folder(path)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are absent; their names are on the disk afterwards.

    A file that is synced is lost all the same if the power fails before the name of its folder is written.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def log_of(database: Path) -> Path:
    """SQLite's write-ahead log of a database; it lies beside the file itself and not beside a link to it."""
    file = database.resolve()
    return file.with_name(f"{file.name}-wal")


def sync_log(database: Path) -> None:
    """Wait until what was committed is on the disk; what has left the write-ahead log is there already.

    By that log alone: closing another handle of the database file itself would drop SQLite's locks
    (https://sqlite.org/howtocorrupt.html, section 2.2).
    """
    log = log_of(database)
    with suppress(FileNotFoundError), log.open("r+b") as file:
        os.fsync(file.fileno())
    sync_folder(log.parent)


def sync_file(path: Path) -> None:
    """Wait until what a file holds is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; without effect where folders cannot be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def touch(path: Path) -> bool:
    """Give a file the time of now, so that nobody takes it for one that was forgotten; False if it is absent.

    That of another user keeps its time where this one may not change it.
    """
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except PermissionError:
        pass
    return True


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for a file that is never changed, or a copy where the disk cannot do that.

    A target that is there already is left as it is.
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
