"""Which snapshots of one kind's columns fit the log, and which are old enough to be made again."""

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

    @property
    def form(self) -> str:
        """How it is kept in memory; what is on disk in another form is out of date."""
        ...

    def to_arrays(self) -> Arrays:
        """What is kept of it."""
        ...


def is_of_this_log(log: LogReader, made_of: Mapping[str, Any]) -> bool:
    """Whether the log holds the last entry of a part, and none was changed or removed since it was saved.

    Args:
        log: What is read of the log.
        made_of: What the snapshot of the part says.
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

    def load(self, log: LogReader, name: str, of: JsonObject) -> Arrays | None:
        """What is kept under a name, if it was made of the beginning of this log.

        Args:
            log: What is read of the log.
            name: Under which name.
            of: What else it is to be made of, such as the space of its vectors.
        """
        header = self._usable(log, name, of)
        if header is None or self._folder is None:
            return None
        return snapshot.load(self._folder, self._full(name), header["made_of"])

    def save(
        self, log: LogReader, head: Head, name: str, column: Kept, of: JsonObject, *, only_stale: bool
    ) -> None:
        """Keep a column that is up to date.

        Args:
            log: What is read of the log.
            head: Where the log stands.
            name: Under which name.
            column: What to keep.
            of: What else it is made of; `load` asks for the same.
            only_stale: Leave alone what the options say is new enough.

        Raises:
            OSError: The folder or the disk refuses.
        """
        # Words and vectors of what was removed are still in it; they are not to be found on disk.
        if self._folder is None or len(self._table.dead) or len(column) != len(self._table):
            return
        if not (only_stale and self._is_new_enough(log, name, column.form, of)):
            log.sync()  # or a power cut could leave a snapshot of what the log has lost
            made_of = {**self._made_of(log, head), "form": column.form, **of}
            snapshot.save(self._folder, self._full(name), made_of, column.to_arrays())

    def _full(self, name: str) -> str:
        return f"{self._table.kind}\n{name}"

    def _made_of(self, log: LogReader, head: Head) -> JsonObject:
        """What a column that covers all rows is made of."""
        last = int(self._table.sequences[-1])
        return {
            "generation": head.generation,
            "n_rows": len(self._table),
            "last_sequence": last,
            "digest": log.digest_at(last),
        }

    def _usable(self, log: LogReader, name: str, of: JsonObject) -> dict[str, Any] | None:
        """The header of a snapshot that may be loaded."""
        header = None if self._folder is None else snapshot.read_header(self._folder, self._full(name))
        if header is None or not self._is_beginning(log, header["made_of"]):
            return None
        return header if all(header["made_of"].get(key) == value for key, value in of.items()) else None

    def _is_beginning(self, log: LogReader, made_of: Mapping[str, Any]) -> bool:
        """Whether a snapshot covers just the first rows of the table."""
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
        if made_of and made_of.get("form") != form:  # or each process would compress anew
            return False
        n_newer = len(self._table) - int(made_of.get("n_rows", 0))
        return n_newer <= max(self._options.snapshot_rows, self._options.snapshot_share * len(self._table))
