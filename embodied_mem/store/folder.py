"""The folder of a store: checks of its path, and creating a folder completely or not at all."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embodied_mem.backends.sqlite.disk import FILE_NAME, PARTIAL, make_folder, sync_folder, sync_tree
from embodied_mem.errors import InvalidQuery, StoreError


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A temporary folder to fill, renamed to `target` at the end; after an error there is no `target`.

    Raises:
        StoreError: The target is not empty, or its parent cannot be written.
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
        shutil.rmtree(partial, ignore_errors=True)  # already renamed if all went well


def absolute_path(path: str | Path) -> Path:
    """The absolute path, with `~` expanded.

    Raises:
        InvalidQuery: The path is not a str or path, is blank, contains a NUL, or names the home of an unknown
            user.
    """
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise InvalidQuery(f"{path!r} is not a valid path; give the folder as a str or a pathlib.Path")
    if not str(path).strip():  # would be the current folder
        raise InvalidQuery(
            f"the path is {path!r}; give the name of a folder, such as 'memories/lab', or '.' for this folder"
        )
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise InvalidQuery(f"cannot expand '~' in {path!r}: unknown user; give an absolute path") from error


def store_folder(path: str | Path) -> Path:
    """The absolute path of a store's folder, which need not exist.

    Raises:
        InvalidQuery: The path is invalid.
        StoreError: The path is a file.
    """
    folder = absolute_path(path)
    if folder.name == FILE_NAME and folder.is_file():
        raise StoreError(f"{path} is the database in the folder of a store; give the folder: {folder.parent}")
    if folder.is_file():
        raise StoreError(f"{path} is a file; give the folder of a store, or a new path to create one there")
    return folder


def check_store(folder: str | Path) -> None:
    """Reject a folder that holds no store.

    Raises:
        InvalidQuery: The path is invalid.
        StoreError: The path is a file, or the folder holds no log.
    """
    if not (store_folder(folder) / FILE_NAME).is_file():
        raise StoreError(
            f"{folder} holds no {FILE_NAME}; give the folder of a store, such as memories/lab or "
            "lifetimes/memory/00/memory of a run"
        )


def check_absent(target: Path) -> None:
    """Reject a target that exists, unless it is an empty folder.

    Raises:
        StoreError: The target is a file, or a folder that is not empty.
    """
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists():
        raise StoreError(f"{target} already exists; give a path that does not exist or an empty folder")


def check_outside(target: Path, store: Path) -> None:
    """Reject a target in the store's own folder: copying would never end, and no purge would reach the copy.

    Raises:
        StoreError: The target lies in the folder of the store.
    """
    if target.resolve().is_relative_to(store.resolve()):
        raise StoreError(f"{target} lies in the store {store} itself; give a path outside it")
