"""The in-memory index of one kind of entry; each column is loaded when a leg first needs it."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from embodied_mem.errors import StoreError
from embodied_mem.index.arrays import Mask, Rows
from embodied_mem.index.kept_parts import KeptParts, Settings
from embodied_mem.index.legs import PriorValues, ReadyLeg, SimilarTexts, SimilarVectors
from embodied_mem.index.log_reader import LogReader
from embodied_mem.index.rows import RowTable, Sequences
from embodied_mem.index.selection import Selection
from embodied_mem.index.vector_column import SAMPLE, VectorColumn
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.log import Head, Leg, PriorLeg, VectorLeg
from embodied_mem.records.spaces import Space, Vectors, unknown_space
from embodied_mem.text.lexical import LexicalIndex, made_by

logger = logging.getLogger(__name__)

TEXTS, VECTORS, UNCOMPRESSED = "texts\n", "vectors\n", "uncompressed vectors\n"  # prefixes of snapshot names

MAX_DEAD = 0.2  # share of removed rows above which the index is rebuilt
LOGGED_EVERY = 20_000  # rows between log messages; indexing their texts takes a second

_UNUSABLE = (
    StoreError,
    KeyError,
    ValueError,
    IndexError,
    TypeError,
    RuntimeError,
)  # arrays of another version


class KindIndex:
    """The rows of one kind with their filter columns, texts and vectors.

    Args:
        kind: Which entries.
        settings: Settings shared by all parts of an index.
    """

    def __init__(self, kind: str, settings: Settings) -> None:
        self.table = RowTable(kind)
        self.selection = Selection(self.table)
        self.vectors: dict[str, VectorColumn] = {}
        self.texts: dict[str, LexicalIndex] = {}
        self._text_rows = 0  # number of rows that the texts cover
        self._space_ids: dict[str, int] = {}
        self._settings = settings
        self._parts = KeptParts(self.table, settings)

    @property
    def is_mostly_dead(self) -> bool:
        """Whether the share of dead rows is above `MAX_DEAD`, so that a rebuild is cheaper."""
        return len(self.table.dead) > MAX_DEAD * len(self.table)

    def reconcile(self, log: LogReader, alive: Sequences) -> None:
        """Update after stored entries changed: entries removed, or filter columns or vectors rewritten.

        Args:
            log: Reads of the log.
            alive: Sequence numbers of the indexed entries that still exist.
        """
        self.table.keep_only(alive)
        self.selection = Selection(self.table)
        spaces = log.spaces()
        for field in list(self.vectors):
            if field not in spaces or spaces[field][0] != self._space_ids[field]:
                del self.vectors[field]

    def leg(self, log: LogReader, leg: Leg, visible: Mask | None) -> ReadyLeg:
        """Prepare a leg for the rows of this kind.

        Args:
            log: Reads of the log.
            leg: The leg.
            visible: (n,) which rows exist for this search; None if all do.

        Raises:
            UnknownSpace: The space of its vector differs from its field's space.
        """
        if isinstance(leg, PriorLeg):
            return PriorValues(leg, self.table.sequences)
        if isinstance(leg, VectorLeg):
            field = leg.vector.field

            def read(rows: Rows) -> Vectors:
                sequences = self.table.sequences[rows]
                return log.vectors_at(field, leg.vector.space.dimension, sequences)

            column = self._column_of(log, field, leg.vector.space)
            return SimilarVectors(column, leg.vector.values, leg.weight, read, leg.minimum, leg.floor)
        self._catch_up_texts(log)
        return SimilarTexts(leg, self.texts, visible)

    @property
    def is_in_use(self) -> bool:
        """Whether any column is loaded."""
        return bool(self.vectors or self.texts)

    def load_all(self, log: LogReader) -> None:
        """Load the texts and vectors of every field."""
        self._catch_up_texts(log)
        for field, (_, space) in log.spaces().items():
            self._column_of(log, field, space)

    def save(self, log: LogReader, head: Head, *, only_stale: bool) -> None:
        """Save the loaded columns to disk.

        Args:
            log: Reads of the log.
            head: The head of the log.
            only_stale: Skip snapshots that are new enough by the options.
        """
        for field, column in self.vectors.items():
            if column.n_vectors:
                name, of = self._vectors_name(field), _of_space(column.space)
                self._parts.save(log, head, name, column, of, only_stale=only_stale)
        of = self._of_texts(self.texts)
        for field, texts in self.texts.items():
            self._parts.save(log, head, f"{TEXTS}{field}", texts, of, only_stale=only_stale)

    def report(self) -> dict[str, Any]:
        """Return rows, bytes and the form of each field's vectors."""
        return {
            "n_rows": len(self.table),
            "n_dead": len(self.table.dead),
            "rows_bytes": self.table.nbytes + self.selection.nbytes,
            "vectors": {field: column.report() for field, column in self.vectors.items()},
        }

    def _column_of(self, log: LogReader, field: str, space: Space) -> VectorColumn | None:
        """Return the up-to-date vectors of a field; None if no entry ever had one."""
        if field not in self.vectors:
            held = log.spaces().get(field)
            if held is None:
                return None
            self._space_ids[field], held_space = held
            self.vectors[field] = self._load_vectors(
                log, field, VectorColumn(held_space, self._settings.options)
            )
        column = self.vectors[field]
        if column.space != space:
            raise unknown_space(self._settings.store, field, held=column.space, given=space)
        self._catch_up_vectors(log, field, column)
        if column.needs_requantizing:
            logger.info("newer vectors of %s differ too much from the sample; compressing all again", field)
            column = self.vectors[field] = VectorColumn(space, self._settings.options)
            self._catch_up_vectors(log, field, column)
            column.accept_current_loss()
        return column

    def _catch_up_vectors(self, log: LogReader, field: str, column: VectorColumn) -> None:
        first, n = len(column), len(self.table)
        if first == n:
            return
        sequences = self.table.sequences
        if n - first > SAMPLE and column.wants_sample(column.n_vectors + n - first):
            sample = sequences[:: max(1, n // SAMPLE)]
            vectors = log.vectors_at(field, column.space.dimension, sample)
            if len(vectors):
                column.compress(vectors)
        batches = log.vector_batches(
            field, column.space.dimension, int(sequences[first]) - 1, int(sequences[-1])
        )
        for numbers, vectors in batches:
            rows = np.searchsorted(sequences, numbers)
            is_ours = sequences[np.minimum(rows, n - 1)] == numbers  # skip vectors of other kinds
            if not is_ours.all():
                rows, vectors = rows[is_ours], vectors[is_ours]
            if len(rows):
                column.extend(rows, vectors, int(rows[-1]) + 1)
        column.extend(np.zeros(0, np.int64), np.zeros((0, column.space.dimension), np.float32), n)

    def _catch_up_texts(self, log: LogReader) -> None:
        n, sequences = len(self.table), self.table.sequences
        if self._text_rows == n:
            return
        if not self._text_rows:
            self._load_texts(log)
        if self._text_rows == n:
            return
        after = int(sequences[self._text_rows]) - 1
        for numbers, texts in log.texts_of(self.table.kind, after, int(sequences[-1])):
            last = int(np.searchsorted(sequences, numbers[-1])) + 1
            rows = self.table.rows_at(np.array(numbers, np.int64))
            self._extend_texts(texts, (rows - self._text_rows).tolist(), last - self._text_rows)
            if rows[-1] // LOGGED_EVERY != rows[0] // LOGGED_EVERY:
                logger.info("indexed the texts of %d of %d entries", self._text_rows, n)
        self._extend_texts([], [], n - self._text_rows)

    def _extend_texts(self, texts: Sequence[dict[str, str]], rows: Sequence[int], n: int) -> None:
        """Append n rows; `texts` are those of the rows at `rows`, counted from the first new one."""
        for field in {field for each in texts for field in each} - self.texts.keys():
            self.texts[field] = LexicalIndex(self._settings.synonyms)
            self.texts[field].extend([None] * self._text_rows)
        for field, column in self.texts.items():
            values: list[str | None] = [None] * n
            for row, each in zip(rows, texts, strict=True):
                values[row] = each.get(field)
            column.extend(values)
        self._text_rows += n

    def _load_vectors(self, log: LogReader, field: str, empty: VectorColumn) -> VectorColumn:
        """Return the column of a snapshot that matches the log, or the empty one."""
        arrays = self._parts.load(log, self._vectors_name(field), _of_space(empty.space))
        if arrays is None:
            return empty
        try:
            return VectorColumn.from_arrays(arrays, empty.space, self._settings.options)
        except _UNUSABLE as error:
            logger.warning("the snapshot of the vectors of %s is unusable; rebuilding it: %s", field, error)
            return empty

    def _vectors_name(self, field: str) -> str:
        """Return the snapshot name of a field; `compression="never"` has a separate snapshot."""
        is_plain = self._settings.options.compression == "never"
        return f"{UNCOMPRESSED if is_plain else VECTORS}{field}"

    def _load_texts(self, log: LogReader) -> None:
        """Load the snapshots of all text fields, if all match the log and cover the same rows."""
        names = {name.removeprefix(TEXTS): name for name in self._parts.names(TEXTS)}
        found: dict[str, LexicalIndex] = {}
        for field, name in names.items():
            arrays = self._parts.load(log, name, self._of_texts(names))
            if arrays is not None:
                try:
                    found[field] = LexicalIndex.from_arrays(arrays, self._settings.synonyms)
                except _UNUSABLE as error:
                    logger.warning(
                        "the snapshot of the texts of %s is unusable; rebuilding it: %s", field, error
                    )
        n_rows = {len(column) for column in found.values()}
        if len(found) == len(names) and len(n_rows) == 1:  # saved together, or a field may be missing
            self.texts, self._text_rows = found, n_rows.pop()

    def _of_texts(self, fields: Iterable[str]) -> JsonObject:
        """Return the `made_of` of text snapshots; each lists all fields, so that a missing one is noticed."""
        return {"texts": made_by(self._settings.synonyms), "fields": [*sorted(fields)]}


def _of_space(space: Space) -> JsonObject:
    """Return the `made_of` of a vector snapshot."""
    return {"space": repr(space)}
