"""`SqliteBackend`: the log in one SQLite file, durable and shared by processes, with search over it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from embodied_mem import failpoints
from embodied_mem.backends.sqlite import admin as sqlite_admin
from embodied_mem.backends.sqlite import examining
from embodied_mem.backends.sqlite import values as sqlite_values
from embodied_mem.backends.sqlite.disk import INDEX
from embodied_mem.backends.sqlite.handle import SqliteHandle
from embodied_mem.backends.sqlite.log_reader import SqliteLogReader
from embodied_mem.backends.sqlite.read import get, read
from embodied_mem.backends.sqlite.rows import EntryRow, read_spaces, write_recorded
from embodied_mem.errors import EmbodiedMemError, StoreError
from embodied_mem.index.engine import SearchEngine
from embodied_mem.index.index_options import DEFAULT_OPTIONS, IndexOptions
from embodied_mem.index.many import BestOfMany
from embodied_mem.records.json_values import JsonObject, JsonValue
from embodied_mem.records.log import Appended, Entry, EntryKind, Found, Head, Logged, Search, check_search
from embodied_mem.records.spaces import Space, Vectors
from embodied_mem.text.synonyms import Synonyms, default_synonyms


class SqliteOptions(TypedDict, total=False):
    """Options for opening a log for writing; documented in `SqliteBackend`."""

    fsync: bool
    commit_every: int
    busy_timeout_s: float
    synonyms: Synonyms | None
    index: IndexOptions
    clock: Callable[[], float]


class SqliteBackend(SqliteHandle):
    """One append-only log in one file; several processes may read and write it at once.

    Threads may share a handle. In a forked child it raises `ForkedHandle`; a pickled handle reopens the path.

    Args:
        path: The file; it and its folder are created if absent.
        read_only: Reject writes; the file must exist.
        fsync: Whether each commit waits for the disk. Without it, an acknowledged entry survives `kill -9`,
            but a power cut may lose the newest entries.
        commit_every: Number of entries given to `defer` per commit; 1 commits each immediately.
        busy_timeout_s: Seconds to wait for another process that writes.
        synonyms: Synonyms for text search; None: the built-in ones.
        index: Memory limits of the index, and when it is saved.
        clock: Returns seconds since the Unix epoch, the recording time of entries.

    Raises:
        StoreError: The file cannot be opened, is damaged, belongs to another program or a newer version.
    """

    _search: SearchEngine
    _reader: SqliteLogReader | None = None  # of the open `reading`, shared by its searches

    def __init__(
        self,
        path: Path | str,
        *,
        read_only: bool = False,
        fsync: bool = False,
        commit_every: int = 1,
        busy_timeout_s: float = 5.0,
        synonyms: Synonyms | None = None,
        index: IndexOptions = DEFAULT_OPTIONS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._synonyms = default_synonyms() if synonyms is None else synonyms
        self._index = index
        super().__init__(
            path,
            read_only=read_only,
            fsync=fsync,
            commit_every=commit_every,
            busy_timeout_s=busy_timeout_s,
            clock=clock,
        )

    @property
    def options(self) -> SqliteOptions:
        """Options to open a copy with; without `read_only`."""
        return {
            "fsync": self._fsync,
            "commit_every": self.commit_every,
            "busy_timeout_s": self._busy_timeout_s,
            "synonyms": self._synonyms,
            "index": self._index,
            "clock": self._clock,
        }

    @contextmanager
    def reading(self) -> Iterator[Head]:
        """Open a read transaction: all reads of this thread inside see one state; it must not write."""
        with self._transaction() as db:
            self._reader = reader = SqliteLogReader(db)
            try:
                yield reader.head()
            finally:
                self._reader = None

    def get(self, keys: Sequence[str | int]) -> list[Logged | None]:
        """Return the entries of these ids (str) or sequence numbers (int), in order; None if not found."""
        with self._transaction() as db:
            return get(db, keys, self._spaces)

    def changes_since(self, sequence: int, *, limit: int | None = None) -> list[Logged]:
        """Return the entries after a sequence number, oldest first."""
        with self._transaction() as db:
            bounds = (sequence, -1 if limit is None else limit)
            return read(db, "sequence > ? ORDER BY sequence LIMIT ?", bounds, self._spaces)

    def values_since(
        self, sequence: int, *, kinds: Sequence[str], paths: Sequence[str]
    ) -> list[tuple[int, str, list[JsonValue]]]:
        """Return (sequence number, kind, values at the payload paths) of entries after a sequence number.

        Oldest first, of these kinds only; None for a missing path. Whole entries are not decoded.
        """
        with self._transaction() as db:
            return list(sqlite_values.values_since(db, sequence, kinds, paths))

    def sequences_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the sequence numbers of experiences by id; unknown ids are omitted."""
        with self._transaction() as db:
            return sqlite_values.sequences_of(db, ids)

    def search(self, search: Search) -> Found:
        """Return the best entries that pass the filter; every one is compared exactly.

        Raises:
            InvalidQuery: The search is inconsistent, for example two legs have the same name.
            UnknownSpace: The space of a leg's vector differs from its field's space.
        """
        check_search(search)
        with self._own_lock:
            if self._reader is not None:  # this thread is inside `reading`
                return self._found(self._reader, search)
        with self._transaction() as db:
            return self._found(SqliteLogReader(db), search)

    def _found(self, reader: SqliteLogReader, search: Search) -> Found:
        try:
            return self._search.search(reader, search)
        except EmbodiedMemError:
            raise
        except BaseException:  # an interrupt may have left the caches partly updated
            self._search = self._new_engine()
            raise

    def search_many(self, search: Search, vectors: Vectors) -> BestOfMany:
        """Return what a search finds for many vectors; see `CanSearchMany`.

        Raises:
            InvalidQuery: The search is inconsistent.
            UnknownSpace: The space of the vectors differs from their field's space.
        """
        check_search(search)
        with self._transaction() as db:
            try:
                return self._search.search_many(self._reader or SqliteLogReader(db), search, vectors)
            except EmbodiedMemError:
                raise
            except BaseException:  # as in `search`
                self._search = self._new_engine()
                raise

    def save_index(self) -> None:
        """Save the index to disk, so that the next process need not read the whole log.

        Raises:
            StoreError: The handle is read-only or closed, or writing failed; the log itself is intact.
        """
        self._check_writable()
        with self._own_lock, self._opened() as db:
            with self._transaction():
                try:
                    self._search.save(SqliteLogReader(db))
                except OSError as error:
                    raise StoreError(
                        f"the index beside {self.path} was not saved: {error}; the log is intact"
                    ) from error
            self._search.remove_outdated(SqliteLogReader(db))

    def index_report(self) -> Mapping[str, Any]:
        """Return what the index holds in memory by kind of entry; see `SearchEngine.report`."""
        with self._own_lock, self._opened():
            return self._search.report()

    def n_without_vector(self, field: str) -> int:
        """Return a lower bound of the experiences without a vector of a field that was just searched."""
        found = self.index_report().get(EntryKind.EXPERIENCE)
        if found is None:
            return 0
        n_vectors = found["vectors"][field]["n_vectors"] if field in found["vectors"] else 0
        return max(0, int(found["n_rows"] - found["n_dead"] - n_vectors))  # a removed row may have had one

    def spaces(self) -> dict[str, Space]:
        """Return the space of each field that has vectors."""
        with self._transaction() as db:
            return {field: space for field, (_, space) in read_spaces(db).items()}

    def head(self) -> Head:
        """Return the newest sequence number, and a generation that each deletion or rewrite increments."""
        with self._reading() as db:
            return SqliteLogReader(db).head()

    def last_sequence(self) -> int:
        """Return the newest sequence number; 0 if the log is empty."""
        return self.head().last_sequence

    def sequence_at(self, time_s: float) -> int:
        """Return the newest sequence number recorded by a time in seconds since the Unix epoch; 0 if none.

        Times in the log never decrease: after a clock is set back, entries get the latest time recorded
        before, until the clock has passed it.
        """
        with self._transaction() as db:
            return sqlite_admin.sequence_at(db, time_s)

    def recorded_at(self, sequence: int) -> float | None:
        """Return when an entry was recorded, in seconds since the Unix epoch; None if there is no entry."""
        with self._reading() as db:
            query = "SELECT recorded_at_s FROM entries WHERE sequence = ?"
            found = db.execute(query, (sequence,)).fetchone()
        return None if found is None else float(found[0])

    def times_since(self, sequence: int, *, limit: int) -> dict[int, float]:
        """Return {sequence number: recording time} of the next `limit` entries after a sequence number."""
        with self._reading() as db:
            query = "SELECT sequence, recorded_at_s FROM entries WHERE sequence > ? ORDER BY sequence LIMIT ?"
            return dict(db.execute(query, (sequence, limit)).fetchall())

    def append_recorded(self, entries: Sequence[Entry], times_s: Sequence[float | None]) -> list[Appended]:
        """Append entries of another store with their original recording times.

        Args:
            entries: The entries, in order.
            times_s: Recording time of each, in seconds since the Unix epoch; None: the clock's time. Times
                in the log never decrease: a time before the newest entry's is raised to it.

        Raises:
            ConflictingId: An id belongs to different content.
            InvalidRecord: An entry has a value that JSON cannot represent.
            StoreError: The handle is read-only or closed, or the file cannot be written.
            UnknownSpace: A vector's space differs from its field's space.
        """
        self._check_writable()
        rows = list(map(EntryRow.of, entries))
        with self._own_lock, self._opened() as db:
            self._commit_pending(db)
            return self._commit(db, partial(write_recorded, times_s=times_s), rows)

    def entries_about(self, experience_id: str) -> list[Logged]:
        """Return the feedback, archive and restore entries of an experience, oldest first."""
        with self._transaction() as db:
            return read(db, "subject = ? ORDER BY sequence", (experience_id,), self._spaces)

    def generation(self) -> int:
        """Return the generation, which increases whenever stored entries change; older caches are invalid."""
        return self.head().generation

    def delete(self, sequences: Iterable[int]) -> None:
        """Delete entries and their vectors, all or none; `compact` erases their bytes from the disk.

        Raises:
            StoreError: The handle is read-only or closed, or the file cannot be written.
        """
        with self._writing() as db:
            sqlite_admin.delete(db, list(sequences))
            failpoints.reach("purge:rows-deleted")
        failpoints.reach("purge:committed")

    def compact(self) -> None:
        """Rewrite the file, so that neither it nor its write-ahead log holds a byte of deleted entries.

        Raises:
            StoreError: Another process blocked it beyond the timeout, or the file cannot be written.
        """
        self._check_writable()
        with self._own_lock, self._opened() as db:
            self._commit_pending(db)
            self._checkpointer.compact(db)

    def verify(self) -> list[int]:
        """Return the sequence numbers of entries whose content does not match the stored hash."""
        with self._transaction() as db:
            return examining.damaged_entries(db)

    def copy_to(self, path: Path | str) -> None:
        """Copy the log into a new file, which gets its name once it is complete and synced to disk.

        Raises:
            StoreError: The path exists or cannot be written.
        """
        with self._own_lock, self._opened() as db:
            self._commit_pending(db)
            sqlite_admin.copy_to(db, Path(path).absolute())

    def settings(self) -> JsonObject:
        """Return SQLite's version, the schema versions and the settings that durability depends on."""
        with self._own_lock, self._opened() as db:
            return sqlite_admin.settings(db)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_search"}

    def _new_engine(self) -> SearchEngine:
        return SearchEngine(str(self.path), self._synonyms, self._index, self.path.parent / INDEX)

    def _before_close(self) -> None:
        """Save the index if the snapshot on disk is stale (`IndexOptions.snapshot_rows`)."""
        if not self.read_only:
            with suppress(StoreError), self._own_lock, self._opened() as db:
                with self._transaction():
                    self._search.save_if_stale(SqliteLogReader(db))
                self._search.remove_outdated(SqliteLogReader(db))

    def _forget_caches(self) -> None:
        super()._forget_caches()
        self._search = self._new_engine()
