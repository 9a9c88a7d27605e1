"""`SearchEngine`: answers searches over one log from memory; a cache that can be made anew at any time."""

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
from embodied_mem.index.log_reader import LogReader
from embodied_mem.records.log import Found, Head, Search
from embodied_mem.text.synonyms import Synonyms

Scored: TypeAlias = tuple[Found, SomeFloats]  # with what each hit is worth

logger = logging.getLogger(__name__)


class SearchEngine:
    """Searches one store; reads on in the log at each search, so it sees what any process has written.

    Not for several threads at once; whoever owns it holds a lock.

    Args:
        store: The store's name for messages.
        synonyms: What counts as the same word.
        options: Sizes and limits.
        folder: Where snapshots are kept; None keeps none.
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
        self._saved: int | None = None  # the generation that was saved from, until it was looked at again

    def search(self, log: LogReader, search: Search) -> Found:
        """The best entries that pass the filter.

        Args:
            log: What is read of the log, all of one moment.
            search: What to find.

        Raises:
            UnknownSpace: A leg's vector lies in another space than its field.
        """
        self._catch_up(log)
        if search.kind in self._kinds:
            return self._search_kind(log, self._kinds[search.kind], search)[0]
        kinds = self._kinds.values() if search.kind is None else ()
        return _merged([self._search_kind(log, kind, search) for kind in kinds], search)

    def save(self, log: LogReader) -> None:
        """Keep the index on disk, so that the next process need not make it.

        Raises:
            OSError: The folder or the disk refuses.
        """
        self._catch_up(log)
        self._saved = self._head.generation
        for kind in list(self._kinds):
            if len(self._kinds[kind].table.dead):  # the words and vectors of what was removed are not kept
                self._compact(log, kind)
            self._kinds[kind].load_all(log)
            self._kinds[kind].save(log, self._head, only_stale=False)

    def save_if_stale(self, log: LogReader) -> None:
        """The same where the options say that it pays; a disk that refuses is logged, not raised."""
        try:
            if any(index.is_in_use for index in self._kinds.values()):
                self._catch_up(log)
                self._saved = self._head.generation
            for index in self._kinds.values():
                index.save(log, self._head, only_stale=True)
        except OSError as error:
            logger.warning("the index was not saved: %s", error)

    def remove_outdated(self, log: LogReader) -> None:
        """Remove what was just saved if entries were removed meanwhile, whose words must not stay on disk.

        Args:
            log: Reads outside of the transaction that was saved from, so that it sees what came since.

        Raises:
            OSError: The folder or the disk refuses.
        """
        folder, saved = self._settings.folder, self._saved
        self._saved = None
        if folder is not None and saved is not None and log.head().generation != saved:
            logger.info("entries were removed while the index was saved; it is removed too")
            snapshot.remove_all(folder)

    def report(self) -> Mapping[str, Any]:
        """What is held in memory by kind of entry: rows, bytes, and how vectors of each field are kept."""
        return {kind: index.report() for kind, index in self._kinds.items()}

    def _compact(self, log: LogReader, kind: str) -> None:
        """Make what is held of a kind anew, without what was removed."""
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
        if not legs:
            rows = candidates.newest(search.k)
            best = Best(rows, (), np.zeros(len(rows)))
        else:
            best = best_of(legs, candidates, search.k)
        columns: dict[str, tuple[float, ...]] = {}
        for leg, values in zip(search.legs, best.values, strict=True):
            columns[leg.name] = tuple(values.tolist())
        sequences = tuple(index.table.sequences[best.rows].tolist())
        return Found(sequences, columns, candidates.n, is_exact=True), best.totals

    def _catch_up(self, log: LogReader) -> None:
        """Take in what was written since, by this process or another."""
        head = log.head()
        if head == self._head:
            return
        if head.generation != self._head.generation and self._kinds:
            self._reconcile(log)
        for kind, sequences in log.kinds_after(self._head.last_sequence):
            if kind not in self._kinds:
                self._kinds[kind] = KindIndex(kind, self._settings)
            self._kinds[kind].table.append(sequences)
        # A removal may have taken the newest entry; the numbers after it are still to come.
        self._head = Head(max(head.last_sequence, self._head.last_sequence), head.generation)

    def _reconcile(self, log: LogReader) -> None:
        """Something already written has changed, which is rare: find out what is left."""
        alive: dict[str, list[Rows]] = {}
        for kind, sequences in log.kinds_after(0):
            alive.setdefault(kind, []).append(sequences[sequences <= self._head.last_sequence])
        for kind, index in list(self._kinds.items()):
            index.reconcile(log, np.concatenate([np.zeros(0, np.int64), *alive.get(kind, ())]))
            if index.is_mostly_dead:
                self._compact(log, kind)


def _merged(parts: Sequence[Scored], search: Search) -> Found:
    """The best of several kinds."""
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
