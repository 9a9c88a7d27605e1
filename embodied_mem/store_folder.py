"""The folder of a store: checks of the path given for one, and a folder that is made whole or not at all."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embodied_mem.backends.disk import FILE_NAME, PARTIAL, make_folder, sync_folder, sync_tree
from embodied_mem.errors import InvalidQuery, StoreError


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
