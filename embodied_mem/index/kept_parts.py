"""Which snapshots of one kind's columns fit the log, and which are old enough to be made again."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from embodied_mem.index import log_reader, snapshot
from embodied_mem.index.column import Arrays
from embodied_mem.index.log_reader import Head
from embodied_mem.index.options import IndexOptions
from embodied_mem.index.rows import RowTable
from embodied_mem.json_values import JsonObject
from embodied_mem.synonyms import Synonyms


@dataclass(frozen=True, slots=True)
class Settings:
    """What all parts of an index share.

    Attributes:
        store: The store's name for messages.
        synonyms: What counts as the same word.
        options: Sizes and limits.
        folder: Where snapshots are kept; None keeps none.
    """

    store: str
    synonyms: Synonyms
    options: IndexOptions
    folder: Path | None


class Kept(Protocol):
    """A column that can be kept."""

    def __len__(self) -> int:
        """How many rows it covers."""
        ...

    def to_arrays(self) -> Arrays:
        """What is kept of it."""
        ...


class KeptParts:
    """The snapshots of the columns of one table.

    Args:
        table: The rows.
        settings: What all parts of an index share.
    """

    def __init__(self, table: RowTable, settings: Settings) -> None:
        self._table = table
        self._options = settings.options
        self._folder = settings.folder

    def names(self, beginning: str) -> list[str]:
        """Names of what is kept of this table that begin so."""
        if self._folder is None:
            return []
        return [
            name.removeprefix(self._full(""))
            for name in snapshot.parts_in(self._folder, self._full(beginning))
        ]

    def load(self, db: sqlite3.Connection, name: str, space: str) -> Arrays | None:
        """What is kept under a name, if it was made of the beginning of this log and in this space."""
        header = None if self._folder is None else snapshot.read_header(self._folder, self._full(name))
        if self._folder is None or header is None or not self._fits(db, header["made_of"]):
            return None
        return snapshot.load(self._folder, self._full(name), {**header["made_of"], "space": space})

    def save(
        self, db: sqlite3.Connection, head: Head, name: str, column: Kept, space: str, *, only_stale: bool
    ) -> None:
        """Keep a column that is up to date.

        Args:
            db: A connection inside a transaction.
            head: Where the log stands.
            name: Under which name.
            column: What to keep.
            space: The space of its vectors; empty for texts.
            only_stale: Leave alone what the options say is new enough.

        Raises:
            OSError: The folder or the disk refuses.
        """
        # Words and vectors of what was removed are still in it; they are not to be found on disk.
        if self._folder is None or len(self._table.dead) or len(column) != len(self._table):
            return
        if not (only_stale and self._is_new_enough(name)):
            log_reader.sync(db)  # or a power cut could leave a snapshot of what the log has lost
            snapshot.save(self._folder, self._full(name), self._made_of(db, head, space), column.to_arrays())

    def _full(self, name: str) -> str:
        return f"{self._table.kind}\n{name}"

    def _made_of(self, db: sqlite3.Connection, head: Head, space: str) -> JsonObject:
        """What a column that covers all rows is made of."""
        last = int(self._table.sequences[-1])
        return {
            "generation": head.generation,
            "n_rows": len(self._table),
            "last_sequence": last,
            "digest": log_reader.digest_at(db, last),
            "space": space,
        }

    def _is_new_enough(self, name: str) -> bool:
        assert self._folder is not None
        header = snapshot.read_header(self._folder, self._full(name))
        n_newer = len(self._table) - (0 if header is None else int(header["made_of"].get("n_rows", 0)))
        return n_newer <= max(self._options.snapshot_rows, self._options.snapshot_share * len(self._table))

    def _fits(self, db: sqlite3.Connection, made_of: dict[str, Any]) -> bool:
        """Whether the log begins with just what a column was made of."""
        n_rows, last = made_of.get("n_rows"), made_of.get("last_sequence")
        if not isinstance(n_rows, int) or not isinstance(last, int) or not 0 < n_rows <= len(self._table):
            return False
        return (
            not len(self._table.dead)
            and int(self._table.sequences[n_rows - 1]) == last
            and made_of.get("generation") == log_reader.head(db).generation
            and made_of.get("digest") == log_reader.digest_at(db, last)
        )
