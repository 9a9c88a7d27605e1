"""Copy a log up to a sequence number."""

import sqlite3
from pathlib import Path

from embodied_mem.backends.sqlite.file import connect, store_errors
from embodied_mem.backends.sqlite.schema import VECTORS_BITS


def copy_until(source: Path, target: Path, last: int) -> None:
    """Copy all entries up to a sequence number into a new file; the source may be written meanwhile.

    The copy holds no byte of later entries; its next entry gets the next sequence number.

    Args:
        source: The file of a log.
        target: The file to create.
        last: The last sequence number to copy.

    Raises:
        StoreError: One of the files cannot be read or written.
    """
    db = connect(target, read_only=False, fsync=False, busy_timeout_s=5.0, now_s=0.0)
    try:
        with store_errors(target):
            db.execute("PRAGMA synchronous = OFF")  # no one reads it before it is complete and synced
            db.execute("ATTACH ? AS source", (f"{source.as_uri()}?mode=ro",))
            _copy(db, last)
            db.execute("DETACH source")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()


def _copy(db: sqlite3.Connection, last: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for table in ("entries", "contents"):
            db.execute(f"INSERT INTO {table} SELECT * FROM source.{table} WHERE sequence <= ?", (last,))
        db.execute(
            "INSERT INTO vectors SELECT * FROM source.vectors WHERE key < ?", ((last + 1) << VECTORS_BITS,)
        )
        used = "SELECT DISTINCT space_id FROM vectors"
        db.execute(f"INSERT INTO spaces SELECT * FROM source.spaces WHERE id IN ({used})")
        generation = "SELECT value + 1 FROM source.meta WHERE name = 'generation'"
        db.execute(f"UPDATE meta SET value = ({generation}) WHERE name = 'generation'")
        db.execute("UPDATE meta SET value = ? WHERE name = 'last_deleted'", (last,))
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
