"""Migrations of an older schema: one step per version, each in one transaction.

A step blocks other writers and is committed whole or not at all: if the process is killed, the old schema
stays, and the next one to open the store migrates it.
"""

import logging
import sqlite3
from collections.abc import Callable
from typing import TypeAlias

from embodied_mem import failpoints
from embodied_mem.backends.sqlite.schema import FILTER_COLUMNS, SCHEMA_VERSION, STATEMENTS, VECTORS_BITS

logger = logging.getLogger(__name__)

Migration: TypeAlias = tuple[int, int, Callable[[sqlite3.Connection, float], None]]


def migrate(db: sqlite3.Connection, *, now_s: float) -> None:
    """Migrate the tables to `SCHEMA_VERSION`; steps that another process has completed are skipped.

    Args:
        db: A writable connection in autocommit mode.
        now_s: Seconds since the Unix epoch; the latest recording time given to old entries.
    """
    for old, new, step in MIGRATIONS:
        db.execute("BEGIN IMMEDIATE")
        try:
            is_old = db.execute("PRAGMA user_version").fetchone()[0] == old
            if is_old:
                failpoints.reach(f"migration:{old}-to-{new}-begun")
                step(db, now_s)
                db.execute(f"PRAGMA user_version = {new}")
                failpoints.reach(f"migration:{old}-to-{new}-before-commit")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        if is_old:
            failpoints.reach(f"migration:{old}-to-{new}-committed")
            logger.info("migrated a store from schema %d to %d", old, new)


def _one_to_two(db: sqlite3.Connection, now_s: float) -> None:
    """Split contents from entries, and give vectors one key; hashes and sequence numbers stay the same."""
    for table in ("entries", "spaces", "vectors"):
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    for statement in STATEMENTS:
        db.execute(statement)
    columns = ", ".join(FILTER_COLUMNS)
    # Schema 1 had no recording time: use the entry's own time, but never before the previous entry's.
    own_time_s = "coalesce(happened_at_s, payload ->> '$.at_s', 0)"
    db.execute(
        f"""INSERT INTO entries (sequence, id, entry_kind, digest, recorded_at_s, subject, {columns})
        SELECT sequence, id, entry_kind, digest, max(min({own_time_s}, ?)) OVER (ORDER BY sequence),
            CASE json_type(payload, '$.experience_id') WHEN 'text' THEN payload ->> '$.experience_id' END,
            {columns} FROM old_entries ORDER BY sequence""",
        (now_s,),
    )
    db.execute("INSERT INTO contents SELECT sequence, payload, texts FROM old_entries ORDER BY sequence")
    db.execute("INSERT INTO spaces SELECT * FROM old_spaces")
    db.execute(
        f"""INSERT INTO vectors SELECT (sequence << {VECTORS_BITS})
            + row_number() OVER (PARTITION BY sequence ORDER BY rowid) - 1, space_id, data
        FROM old_vectors ORDER BY sequence, rowid"""
    )
    given = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence"
    db.execute(f"UPDATE meta SET value = ({given}) WHERE name = 'last_deleted'")
    for table in ("vectors", "entries", "spaces"):
        db.execute(f"DROP TABLE old_{table}")


MIGRATIONS: tuple[Migration, ...] = ((1, 2, _one_to_two),)

assert MIGRATIONS[-1][1] == SCHEMA_VERSION
