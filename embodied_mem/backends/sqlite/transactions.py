"""Transactions that roll back on every error, including Ctrl-C at any point."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def begun(db: sqlite3.Connection, begin: str) -> Iterator[None]:
    """Open a transaction; commit at the end, or roll back on an error.

    Use IMMEDIATE for writing: a read transaction that becomes a write fails if another process writes.
    """
    is_inside = db.in_transaction
    try:
        db.execute(begin)  # inside `try`: Ctrl-C may be raised just after it
        yield
        db.execute("COMMIT")
    except BaseException:
        if not is_inside:
            roll_back(db)
        raise


def roll_back(db: sqlite3.Connection) -> None:
    """Roll back the open transaction, if any."""
    with suppress(sqlite3.ProgrammingError):  # closed by an error in a nested read
        if db.in_transaction:
            db.execute("ROLLBACK")
