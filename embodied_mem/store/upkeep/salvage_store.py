"""Replace an unusable database by a fresh one with every entry that can still be read."""

import shutil
import sqlite3
from pathlib import Path

from embodied_mem.backends.sqlite.disk import FILE_NAME, INDEX, sync_folder
from embodied_mem.backends.sqlite.salvaging import Salvaged, salvage
from embodied_mem.errors import StoreError
from embodied_mem.store.upkeep.check_report import Finding, Severity
from embodied_mem.store.upkeep.damaged_folder import DamagedFolder

SALVAGED = f"{FILE_NAME}-salvaged"  # complete, and about to replace the damaged file
_FRESH = f"{FILE_NAME}-salvaging"


def salvage_store(folder: Path, aside: DamagedFolder, *, fault: str) -> Finding:
    """Keep a copy of the damaged files, and replace them by a fresh file with the readable entries.

    Args:
        folder: The store's folder; no handle of this process may be open on its database.
        aside: Receives the copy, and what is left of unusable entries.
        fault: What is wrong with the file, in words.

    Raises:
        StoreError: Another process has it open, or nothing can be read.
    """
    try:
        original = aside.keep_database()  # first: the last process to close a database writes its WAL into it
        _check_unused(folder / FILE_NAME)
        found = _fresh_one(folder, original)
    except BaseException:
        aside.discard()
        raise
    if found.broken:
        aside.keep_entries(found.broken)
    finish_salvage(folder)
    again = f"; to compute lost vectors again, run: embodied-mem memory reembed {folder} --embedder NAME"
    n_kept = found.n_whole + len(found.without_vectors)
    return Finding(
        name="file",
        severity=Severity.DAMAGE,
        what=fault,
        done=f"saved {n_kept:,} entries into a fresh file"
        + (f", {len(found.without_vectors):,} of them without their vectors" if found.without_vectors else "")
        + (f"; {len(found.broken):,} more are incomplete and were moved aside" if found.broken else ""),
        next_step="unreadable entries are lost here: merge a copy of the store if there is one"
        + (again if found.without_vectors else ""),
    )


def finish_salvage(folder: Path) -> None:
    """Move a complete fresh file into place; safe to repeat after a kill."""
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
    """Build the file that `finish_salvage` moves into place."""
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
