"""`StagedVectors`: new vectors that a store does not use yet, in a file beside its log."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Self

from embodied_mem.backends.sqlite.file import store_errors
from embodied_mem.backends.sqlite.reembedding import STAGED_COLUMNS, StagedRow
from embodied_mem.records.spaces import Space

FILE_NAME = "reembedding.sqlite"  # in the store's folder during a re-embedding

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS target (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS vectors ({STAGED_COLUMNS});
"""


class StagedVectors:
    """The vectors computed so far; a kill loses at most the last batch.

    Args:
        folder: The store's folder.
        field: The field that gets the vectors.
        space: Their space; vectors staged for another field or space are dropped.
        generation: Generation of the log when the first vector is staged.
    """

    def __init__(self, folder: Path, field: str, space: Space, *, generation: int) -> None:
        self.path = folder / FILE_NAME
        wanted = json.dumps({"field": field, "space": asdict(space)}, sort_keys=True)
        with store_errors(self.path):
            self._db = sqlite3.connect(self.path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
            found = self._db.execute("SELECT value FROM target WHERE name = 'target'").fetchone()
            if found != (wanted,):
                self._begin(wanted, generation)

    def last(self) -> int:
        """The newest sequence number processed; 0 at first."""
        with store_errors(self.path):
            return int(self._db.execute("SELECT coalesce(max(sequence), 0) FROM vectors").fetchone()[0])

    def count(self) -> int:
        """Number of staged vectors."""
        with store_errors(self.path):
            return int(self._db.execute("SELECT count(data) FROM vectors").fetchone()[0])

    def generation(self) -> int:
        """Generation of the log before the first vector was staged."""
        with store_errors(self.path):
            found = self._db.execute("SELECT value FROM target WHERE name = 'generation'").fetchone()
            return int(found[0])

    def add(self, rows: Sequence[StagedRow]) -> None:
        """Commit a batch."""
        with store_errors(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file, which stays for the next call."""
        self._db.close()

    def remove(self) -> None:
        """Delete the file."""
        self.close()
        remove_staged(self.path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, wanted: str, generation: int) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM vectors")
        rows = [("target", wanted), ("generation", str(generation))]
        self._db.executemany("INSERT OR REPLACE INTO target VALUES (?, ?)", rows)
        self._db.execute("COMMIT")


def staged_files(folder: Path) -> list[Path]:
    """The files of an unfinished re-embedding."""
    return sorted(folder.glob(f"{FILE_NAME}*"))


def remove_staged(folder: Path) -> None:
    """Delete the files of an unfinished re-embedding; the store does not use them yet."""
    for path in staged_files(folder):
        path.unlink(missing_ok=True)
