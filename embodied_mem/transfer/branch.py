"""Copying a store: an experiment arm, a robot or a careful mind gets one of its own."""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

from embodied_mem import failpoints
from embodied_mem.backends.copying import copy_until
from embodied_mem.backends.disk import ATTACHMENTS, FILE_NAME, INDEX, link_or_copy
from embodied_mem.backends.network_disk import refuse_network_disk
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import StoreError
from embodied_mem.store_folder import absolute_path, check_outside, new_folder
from embodied_mem.transfer.entries import checked_sequence

logger = logging.getLogger(__name__)

ORIGIN = "origin.json"  # where a branch comes from


def branch(
    backend: SqliteBackend,
    folder: Path,
    path: str | Path,
    *,
    sequence: int | None = None,
    clock: Callable[[], float] = time.time,
) -> Path:
    """Copy a store, as it was at a sequence number, into a new folder; others may write meanwhile.

    The copy is whole or not there at all, and is independent: nothing written to one is seen by the other.
    Attachments are never changed, so both share them on the disk where it can do that.

    Args:
        backend: The log of the store.
        folder: The store's folder.
        path: The new folder; it must not exist, or be empty.
        sequence: The last entry that the copy holds; None copies all there is.
        clock: Seconds since the Unix epoch, noted in the copy.

    Returns:
        The new folder.

    Raises:
        InvalidQuery: No such sequence number has been written yet.
        StoreError: The target holds something already, cannot be written, or lies in the store or on a
            network disk.
    """
    target = absolute_path(path)
    refuse_network_disk(target)  # here, as the log would say so of a folder that nobody asked for
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
    """Where a branch comes from: `path`, `sequence` and `at_s`; None for a store that is no branch.

    Raises:
        StoreError: The note of it cannot be read.
    """
    try:
        origin = json.loads((folder / ORIGIN).read_text("utf-8"))
        if not isinstance(origin, dict):
            raise ValueError(f"it holds {type(origin).__name__}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder / ORIGIN} cannot be read: {error}; it may be deleted") from error
    return origin


def _copy(backend: SqliteBackend, file: Path, sequence: int | None) -> int:
    """Make the log of the branch; its newest sequence number."""
    if sequence is None:
        backend.copy_to(file)
    else:
        copy_until(backend.path, file, sequence)
    with SqliteBackend(file) as copy:
        return copy.last_sequence()


def _share(source: Path, target: Path) -> None:
    """The files of one folder in another; a file that vanishes meanwhile is left out."""
    if not source.is_dir():
        return
    for file in source.rglob("*"):
        if file.is_file():
            link_or_copy(file, target / file.relative_to(source))
