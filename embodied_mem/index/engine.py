"""`SearchEngine`: answers searches over one log from memory; a cache that can be rebuilt at any time."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from embodied_mem import failpoints
from embodied_mem.index import part_files as snapshot
from embodied_mem.index.arrays import Rows, SomeFloats
from embodied_mem.index.exact_ranking import Best, best_of
from embodied_mem.index.index_options import DEFAULT_OPTIONS, IndexOptions
from embodied_mem.index.kept_parts import Settings
from embodied_mem.index.kind_index import KindIndex
from embodied_mem.index.legs import SimilarVectors
from embodied_mem.index.log_reader import LogReader
from embodied_mem.index.many import BestOfMany, best_of_many
from embodied_mem.records.log import Found, Head, Search, VectorLeg
from embodied_mem.records.spaces import Vectors, unknown_space
from embodied_mem.text.synonyms import Synonyms

Scored: TypeAlias = tuple[Found, SomeFloats]  # with the total of each hit

logger = logging.getLogger(__name__)


class SearchEngine:
    """Searches one store; each search first reads new log entries, so it sees those of all processes.

    Not thread-safe: the caller must hold a lock.

    Args:
        store: The store's name for messages.
        synonyms: Synonyms for text search.
        options: Sizes and limits.
        folder: Folder of the snapshots; None disables snapshots.
    """

    def __init__(
        self,
        store: str,
        synonyms: Synonyms,
        options: IndexOptions = DEFAULT_OPTIONS,
        folder: Path | None = None,
    ) -> None:
        self._settings = Settings(store, synonyms, options, folder)
        self._kinds: dict[str, KindIndex] = {}
        self._head = Head(0, 0)
        self._saved: int | None = None  # generation of the last save, until `remove_outdated`

    def search(self, log: LogReader, search: Search) -> Found:
        """Return the best entries that pass the filter.

        Args:
            log: Reads of one state of the log.
            search: The search.

        Raises:
            UnknownSpace: The space of a leg's vector differs from its field's space.
        """
        self._catch_up(log)
        if search.kind in self._kinds:
            return self._search_kind(log, self._kinds[search.kind], search)[0]
        if search.kind is not None:
            self._check_spaces(log, search)
        kinds = self._kinds.values() if search.kind is None else ()
        return _merged([self._search_kind(log, kind, search) for kind in kinds], search)

    def search_many(self, log: LogReader, search: Search, vectors: Vectors) -> BestOfMany:
        """Return what `search` finds for many vectors, each in place of that of the first leg.

        Args:
            log: Reads of one state of the log.
            search: A search for one kind; its first leg has a vector, its others are priors.
            vectors: (n, d) vectors of the space of the first leg.

        Returns:
            (n, m) sequence numbers and (n, m) totals, best first.

        Raises:
            UnknownSpace: The space of the vectors differs from their field's space.
        """
        self._catch_up(log)
        if search.kind not in self._kinds:
            self._check_spaces(log, search)
            return np.zeros((len(vectors), 0), np.int64), np.zeros((len(vectors), 0))
        index = self._kinds[search.kind]
        candidates = index.selection.candidates(log, search)
        first, *priors = [index.leg(log, leg, candidates.visible) for leg in search.legs]
        assert isinstance(first, SimilarVectors)
        k = len(index.table.sequences) if search.k is None else search.k
        rows, totals = best_of_many(first, priors, candidates, vectors, k)
        return index.table.sequences[rows], totals

    def _check_spaces(self, log: LogReader, search: Search) -> None:
        """Reject a vector of a foreign space, which the index of a kind does if there is one."""
        held = log.spaces()
        for leg in search.legs:
            if isinstance(leg, VectorLeg):
                field, given = leg.vector.field, leg.vector.space
                if field in held and held[field][1] != given:
                    raise unknown_space(self._settings.store, field, held=held[field][1], given=given)

    def save(self, log: LogReader) -> None:
        """Save the index to disk, so that the next process need not rebuild it.

        Raises:
            OSError: The snapshot cannot be written.
        """
        self._catch_up(log)
        self._saved = self._head.generation
        for kind in list(self._kinds):
            if len(self._kinds[kind].table.dead):  # never save words and vectors of removed entries
                self._compact(log, kind)
            self._kinds[kind].load_all(log)
            self._kinds[kind].save(log, self._head, only_stale=False)

    def save_if_stale(self, log: LogReader) -> None:
        """Save the parts whose snapshots are stale by the options; an `OSError` is logged, not raised."""
        try:
            if any(index.is_in_use for index in self._kinds.values()):
                self._catch_up(log)
                self._saved = self._head.generation
            for index in self._kinds.values():
                index.save(log, self._head, only_stale=True)
        except OSError as error:
            logger.warning("the index was not saved: %s", error)

    def remove_outdated(self, log: LogReader) -> None:
        """Delete the saved index if entries were removed meanwhile: their words must not stay on disk.

        Args:
            log: Reads outside the transaction of the save, so that it sees later changes.

        Raises:
            OSError: A file cannot be deleted.
        """
        folder, saved = self._settings.folder, self._saved
        self._saved = None
        if folder is not None and saved is not None and log.head().generation != saved:
            logger.info("entries were removed while the index was saved; the saved index is deleted")
            snapshot.remove_all(folder)

    def report(self) -> Mapping[str, Any]:
        """Return rows, bytes and the form of each field's vectors in memory, by kind of entry."""
        return {kind: index.report() for kind, index in self._kinds.items()}

    def _compact(self, log: LogReader, kind: str) -> None:
        """Replace the index of a kind by a new one without removed entries."""
        failpoints.reach("compaction:before")
        old = self._kinds[kind]
        fresh = self._kinds[kind] = KindIndex(kind, self._settings)
        fresh.table.append(np.delete(old.table.sequences, old.table.dead))
        failpoints.reach("compaction:after")
        logger.info(
            "compacted the index of %s: %d of %d rows were dead", kind, len(old.table.dead), len(old.table)
        )

    def _search_kind(self, log: LogReader, index: KindIndex, search: Search) -> Scored:
        candidates = index.selection.candidates(log, search)
        legs = [index.leg(log, leg, candidates.visible) for leg in search.legs]
        k = len(candidates) if search.k is None else search.k
        if not legs:
            rows = candidates.newest(k)
            best = Best(rows, (), np.zeros(len(rows)))
        else:
            best = best_of(legs, candidates, k)
        columns: dict[str, tuple[float, ...]] = {}
        for leg, values in zip(search.legs, best.values, strict=True):
            columns[leg.name] = tuple(values.tolist())
        sequences = tuple(index.table.sequences[best.rows].tolist())
        return Found(sequences, columns, candidates.n, is_exact=True), best.totals

    def _catch_up(self, log: LogReader) -> None:
        """Add the entries that any process has written since the last search."""
        head = log.head()
        if head == self._head:
            return
        if head.generation != self._head.generation and self._kinds:
            self._reconcile(log)
        for kind, sequences in log.kinds_after(self._head.last_sequence):
            if kind not in self._kinds:
                self._kinds[kind] = KindIndex(kind, self._settings)
            self._kinds[kind].table.append(sequences)
        # If the newest entry was removed, its number is still not reused.
        self._head = Head(max(head.last_sequence, self._head.last_sequence), head.generation)

    def _reconcile(self, log: LogReader) -> None:
        """Update after a removal or rewrite of stored entries, which is rare."""
        alive: dict[str, list[Rows]] = {}
        for kind, sequences in log.kinds_after(0):
            alive.setdefault(kind, []).append(sequences[sequences <= self._head.last_sequence])
        for kind, index in list(self._kinds.items()):
            index.reconcile(log, np.concatenate([np.zeros(0, np.int64), *alive.get(kind, ())]))
            if index.is_mostly_dead:
                self._compact(log, kind)


def _merged(parts: Sequence[Scored], search: Search) -> Found:
    """Merge the best entries of several kinds."""
    if not parts:
        return Found((), {leg.name: () for leg in search.legs}, 0, is_exact=True)
    sequences = np.concatenate([np.array(found.sequences, np.int64) for found, _ in parts])
    totals = np.concatenate([totals for _, totals in parts])
    order = np.lexsort((-sequences, -totals))[: search.k]
    columns = {
        leg.name: tuple(np.concatenate([found.similarities[leg.name] for found, _ in parts])[order].tolist())
        for leg in search.legs
    }
    return Found(
        tuple(sequences[order].tolist()),
        columns,
        sum(found.n_candidates for found, _ in parts),
        is_exact=True,
    )
