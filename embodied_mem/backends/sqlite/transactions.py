"""A transaction that leaves nothing behind if it fails, wherever Ctrl-C comes."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def begun(db: sqlite3.Connection, begin: str) -> Iterator[None]:
    """A transaction, of which nothing is kept if it fails.

    Writing takes mode IMMEDIATE: a read that turns into a write fails where others write.
    """
    is_inside = db.in_transaction
    try:
        db.execute(begin)  # within, as Ctrl-C may be noticed once it has begun
        yield
        db.execute("COMMIT")
    except BaseException:
        if not is_inside:
            roll_back(db)
        raise


def roll_back(db: sqlite3.Connection) -> None:
    """Undo what is not committed, where anything is."""
    with suppress(sqlite3.ProgrammingError):  # closed, as it was lost in a reading inside this one
        if db.in_transaction:
            db.execute("ROLLBACK")
