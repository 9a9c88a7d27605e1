"""Replacing a database that cannot be used by a fresh one with everything that can still be read."""

import shutil
import sqlite3
from pathlib import Path

from embodied_mem.backends.disk import FILE_NAME, INDEX, sync_folder
from embodied_mem.backends.salvaging import Salvaged, salvage
from embodied_mem.errors import StoreError
from embodied_mem.upkeep.check_report import Finding, Severity
from embodied_mem.upkeep.damaged_folder import DamagedFolder

SALVAGED = f"{FILE_NAME}-salvaged"  # whole, and about to take the place of the damaged file
_FRESH = f"{FILE_NAME}-salvaging"


def salvage_store(folder: Path, aside: DamagedFolder, *, fault: str) -> Finding:
    """Keep a copy of the damaged files, and put a fresh one with what can be read in their place.

    Args:
        folder: The store's folder; no handle of this process may be open on its database.
        aside: Gets the copy, and what is left of entries that cannot be used.
        fault: What is wrong with the file, in words.

    Raises:
        StoreError: Another process has it open, or nothing can be read.
    """
    try:
        original = aside.keep_database()  # first: whoever closes a database last writes its log into it
        _check_unused(folder / FILE_NAME)
        found = _fresh_one(folder, original)
    except BaseException:
        aside.discard()
        raise
    if found.broken:
        aside.keep_entries(found.broken)
    finish_salvage(folder)
    again = f"; to make lost vectors again, run: embodied-mem memory reembed {folder} --embedder NAME"
    n_kept = found.n_whole + len(found.without_vectors)
    return Finding(
        name="file",
        severity=Severity.DAMAGE,
        what=fault,
        done=f"saved {n_kept:,} entries into a fresh file"
        + (f", {len(found.without_vectors):,} of them without their vectors" if found.without_vectors else "")
        + (f"; {len(found.broken):,} more are incomplete and were moved aside" if found.broken else ""),
        next_step="what cannot be read is lost here: merge a copy of the store if there is one"
        + (again if found.without_vectors else ""),
    )


def finish_salvage(folder: Path) -> None:
    """Put a fresh file that is whole into its place; done again if a kill came in between."""
    if not (folder / SALVAGED).is_file():
        return
    for end in (
        "-wal",
        "-shm",
    ):  # they belong to the damaged file, and SQLite would replay them into this one
        (folder / f"{FILE_NAME}{end}").unlink(missing_ok=True)
    shutil.rmtree(folder / INDEX, ignore_errors=True)  # made from the damaged file
    (folder / SALVAGED).replace(folder / FILE_NAME)
    sync_folder(folder)


def _fresh_one(folder: Path, original: Path) -> Salvaged:
    """Make the file that `finish_salvage` puts into place."""
    fresh = folder / _FRESH
    _remove_database(fresh)
    found = salvage(original, fresh)
    if not found.n_whole and not found.without_vectors:
        _remove_database(fresh)
        raise StoreError(
            f"{folder / FILE_NAME} is damaged and no entry can be read; nothing was changed, restore a copy"
        )
    fresh.replace(folder / SALVAGED)
    return found


def _check_unused(path: Path) -> None:
    db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        db.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise StoreError(
                f"{path} is damaged and another process uses it; close it there, then repair again"
            ) from error
    except sqlite3.DatabaseError:
        pass  # too damaged to be locked
    finally:
        db.close()


def _remove_database(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
