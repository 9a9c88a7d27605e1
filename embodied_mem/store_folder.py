"""What lies where in the folder of a store, and how a folder is made whole or not at all."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from embodied_mem.errors import InvalidQuery, StoreError

FILE_NAME = "experiences.sqlite"  # the log: the only file that cannot be made again
ATTACHMENTS = "attachments"  # files by content hash
INDEX = "index"  # snapshots of searchable columns; a cache
DAMAGED = "damaged"  # what a repair has moved aside
PARTIAL = ".partial-"  # in the name of a folder that is being made


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `target` at the end; if that is not reached, there is no `target`.

    Raises:
        StoreError: The target holds something already, or its parent cannot be written.
    """
    check_absent(target)
    partial = target.with_name(f".{target.name}{PARTIAL}{uuid.uuid4().hex[:12]}")
    try:
        make_folder(partial)
        yield partial
        sync_tree(partial)
        if target.exists():
            target.rmdir()  # it is empty, and not every system renames over an empty folder
        partial.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise StoreError(f"cannot make {target}: {error.strerror or error}; give another path") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # not there any more if all went well


def absolute_path(path: str | Path) -> Path:
    """The path with `~` and the working folder written out.

    Raises:
        InvalidQuery: It is neither text nor a path, or one that no folder can have.
    """
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise InvalidQuery(f"{path!r} is no path; give the folder as text or as a pathlib.Path")
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise InvalidQuery(f"{path!r} is in the home of nobody known here; write the folder out") from error


def check_store(folder: str | Path) -> None:
    """Refuse a folder in which no store was made.

    Raises:
        InvalidQuery: It is no path.
        StoreError: There is no log in it.
    """
    if not (absolute_path(folder) / FILE_NAME).is_file():
        raise StoreError(
            f"{folder} holds no {FILE_NAME}; give the folder of a store, such as memories/lab or "
            "lifetimes/memory/00/memory of a run"
        )


def check_absent(target: Path) -> None:
    """Refuse a target that holds something.

    Raises:
        StoreError: It is a file, or a folder that is not empty.
    """
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists():
        raise StoreError(f"{target} is there already; give a path that does not exist or an empty folder")


def check_outside(target: Path, store: Path) -> None:
    """Refuse to copy a store into its own folder, where copying would never end and no purge would reach it.

    Raises:
        StoreError: The target lies in the folder of the store.
    """
    if target.resolve().is_relative_to(store.resolve()):
        raise StoreError(f"{target} lies in the store {store} itself; give a path outside it")


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
