"""Copy a store into a new folder, for example for an experiment arm or a robot."""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

from embodied_mem import failpoints
from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.copying import copy_until
from embodied_mem.backends.sqlite.disk import ATTACHMENTS, FILE_NAME, INDEX, link_or_copy
from embodied_mem.backends.sqlite.network_disk import refuse_network_disk
from embodied_mem.errors import StoreError
from embodied_mem.store.folder import absolute_path, check_outside, new_folder
from embodied_mem.store.transfer.entries import checked_sequence

logger = logging.getLogger(__name__)

ORIGIN = "origin.json"  # the file that names the copied store


def branch(
    backend: SqliteBackend,
    folder: Path,
    path: str | Path,
    *,
    sequence: int | None = None,
    clock: Callable[[], float] = time.time,
) -> Path:
    """Copy a store, as it was at a sequence number, into a new folder; other processes may write meanwhile.

    The copy is complete or absent, and independent: neither store sees later writes to the other.
    Attachments never change, so both stores share them on disk where the file system allows it.

    Args:
        backend: The log of the store.
        folder: The store's folder.
        path: The new folder; it must not exist, or be empty.
        sequence: The last entry to copy; None copies all entries.
        clock: Returns seconds since the Unix epoch, stored in the copy.

    Returns:
        The new folder.

    Raises:
        InvalidQuery: The sequence number has not been written yet.
        StoreError: The target is not empty, cannot be written, or lies in the store or on a network disk.
    """
    target = absolute_path(path)
    refuse_network_disk(target)  # here, as the log would name the temporary folder in its error
    check_outside(target, folder)
    if not backend.read_only:
        backend.flush()
    checked_sequence(backend, sequence)
    with new_folder(target) as partial:
        last = _copy(backend, partial / FILE_NAME, sequence)
        failpoints.reach("snapshot:branch-copied")
        _share(folder / ATTACHMENTS, partial / ATTACHMENTS)
        if sequence is None:
            _share(folder / INDEX, partial / INDEX)
        origin = {"path": str(folder), "sequence": last, "at_s": float(clock())}
        (partial / ORIGIN).write_text(json.dumps(origin, indent=2) + "\n", "utf-8")
        failpoints.reach("snapshot:branch-ready")
    logger.info("branched %s at %d into %s", folder, last, target)
    return target


def origin_of(folder: Path) -> dict[str, object] | None:
    """The origin of a branch: `path`, `sequence` and `at_s`; None for a store that is not a branch.

    Raises:
        StoreError: The file that names it cannot be read.
    """
    try:
        origin = json.loads((folder / ORIGIN).read_text("utf-8"))
        if not isinstance(origin, dict):
            raise ValueError(f"expected an object, found {type(origin).__name__}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{folder / ORIGIN} cannot be read: {error}; delete it if it is not needed"
        ) from error
    return origin


def _copy(backend: SqliteBackend, file: Path, sequence: int | None) -> int:
    """Create the log of the branch; return its newest sequence number."""
    if sequence is None:
        backend.copy_to(file)
    else:
        copy_until(backend.path, file, sequence)
    with SqliteBackend(file) as copy:
        return copy.last_sequence()


def _share(source: Path, target: Path) -> None:
    """Link or copy the files of one folder into another; files that vanish meanwhile are skipped."""
    if not source.is_dir():
        return
    for file in source.rglob("*"):
        if file.is_file():
            link_or_copy(file, target / file.relative_to(source))
