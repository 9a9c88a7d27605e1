"""Loading and saving the snapshots of one kind's columns: which match the log, and which are stale."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from embodied_mem.index import part_files as snapshot
from embodied_mem.index.arrays import Arrays
from embodied_mem.index.index_options import IndexOptions
from embodied_mem.index.log_reader import LogReader
from embodied_mem.index.rows import RowTable
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.log import Head
from embodied_mem.text.synonyms import Synonyms


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings shared by all parts of an index.

    Attributes:
        store: The store's name for messages.
        synonyms: Synonyms for text search.
        options: Sizes and limits.
        folder: Folder of the snapshots; None disables snapshots.
    """

    store: str
    synonyms: Synonyms
    options: IndexOptions
    folder: Path | None


class Kept(Protocol):
    """A column that can be saved as a snapshot."""

    def __len__(self) -> int:
        """The number of rows it covers."""
        ...

    @property
    def form(self) -> str:
        """Its form in memory; a snapshot in another form is stale."""
        ...

    def to_arrays(self) -> Arrays:
        """Return the arrays of its snapshot."""
        ...


def is_of_this_log(log: LogReader, made_of: Mapping[str, Any]) -> bool:
    """Whether the log holds a part's last entry, and no entry was changed or removed since it was saved.

    Args:
        log: Reads of the log.
        made_of: The `made_of` of the snapshot's header.
    """
    last = made_of.get("last_sequence")
    return (
        isinstance(last, int)
        and made_of.get("digest") == log.digest_at(last)
        and made_of.get("generation") == log.head().generation
    )


class KeptParts:
    """The snapshots of the columns of one table.

    Args:
        table: The rows.
        settings: Settings shared by all parts of an index.
    """

    def __init__(self, table: RowTable, settings: Settings) -> None:
        self._table = table
        self._options = settings.options
        self._folder = settings.folder

    def names(self, beginning: str) -> list[str]:
        """Return the names of this table's snapshots with a prefix."""
        if self._folder is None:
            return []
        return [
            name.removeprefix(self._full(""))
            for name in snapshot.parts_in(self._folder, self._full(beginning))
        ]

    def load(self, log: LogReader, name: str, of: JsonObject) -> Arrays | None:
        """Return the arrays of a snapshot; None unless it covers the first rows of this log.

        Args:
            log: Reads of the log.
            name: The snapshot's name.
            of: Further values its `made_of` must have, such as the space of its vectors.
        """
        header = self._usable(log, name, of)
        if header is None or self._folder is None:
            return None
        return snapshot.load(self._folder, self._full(name), header["made_of"])

    def save(
        self, log: LogReader, head: Head, name: str, column: Kept, of: JsonObject, *, only_stale: bool
    ) -> None:
        """Save a column if it is up to date.

        Args:
            log: Reads of the log.
            head: The head of the log.
            name: The snapshot's name.
            column: The column.
            of: Further values for its `made_of`; `load` compares them.
            only_stale: Skip snapshots that are new enough by the options.

        Raises:
            OSError: The snapshot cannot be written.
        """
        # With dead rows the column still has words and vectors of removed entries, which must not be saved.
        if self._folder is None or len(self._table.dead) or len(column) != len(self._table):
            return
        if not (only_stale and self._is_new_enough(log, name, column.form, of)):
            log.sync()  # or a power cut could leave a snapshot of entries that the log lost
            made_of = {**self._made_of(log, head), "form": column.form, **of}
            snapshot.save(self._folder, self._full(name), made_of, column.to_arrays())

    def _full(self, name: str) -> str:
        return f"{self._table.kind}\n{name}"

    def _made_of(self, log: LogReader, head: Head) -> JsonObject:
        """Return the `made_of` of a column that covers all rows."""
        last = int(self._table.sequences[-1])
        return {
            "generation": head.generation,
            "n_rows": len(self._table),
            "last_sequence": last,
            "digest": log.digest_at(last),
        }

    def _usable(self, log: LogReader, name: str, of: JsonObject) -> dict[str, Any] | None:
        """Return the header of a snapshot; None if it is absent or does not match."""
        header = None if self._folder is None else snapshot.read_header(self._folder, self._full(name))
        if header is None or not self._is_beginning(log, header["made_of"]):
            return None
        return header if all(header["made_of"].get(key) == value for key, value in of.items()) else None

    def _is_beginning(self, log: LogReader, made_of: Mapping[str, Any]) -> bool:
        """Whether a snapshot covers exactly the first n rows of the table."""
        n_rows = made_of.get("n_rows")
        return (
            isinstance(n_rows, int)
            and 0 < n_rows <= len(self._table)
            and not len(self._table.dead)
            and int(self._table.sequences[n_rows - 1]) == made_of.get("last_sequence")
            and is_of_this_log(log, made_of)
        )

    def _is_new_enough(self, log: LogReader, name: str, form: str, of: JsonObject) -> bool:
        made_of = (self._usable(log, name, of) or {}).get("made_of", {})
        if made_of and made_of.get("form") != form:  # or each process would compress again
            return False
        n_newer = len(self._table) - int(made_of.get("n_rows", 0))
        return n_newer <= max(self._options.snapshot_rows, self._options.snapshot_share * len(self._table))
