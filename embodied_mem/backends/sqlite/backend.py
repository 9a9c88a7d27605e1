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
from embodied_mem.records.json_values import JsonObject, JsonValue
from embodied_mem.records.log import Appended, Entry, EntryKind, Found, Head, Logged, Search, check_search
from embodied_mem.records.spaces import Space
from embodied_mem.text.synonyms import Synonyms, default_synonyms


class SqliteOptions(TypedDict, total=False):
    """How a log is opened for writing; `SqliteBackend` says what each means."""

    fsync: bool
    commit_every: int
    busy_timeout_s: float
    synonyms: Synonyms | None
    index: IndexOptions
    clock: Callable[[], float]


class SqliteBackend(SqliteHandle):
    """One append-only log in one file; several processes may read and write it at once.

    Threads may share a handle. A forked child may not, and is told so; a pickled handle opens the path again.

    Args:
        path: The file; it and its folder are made if absent.
        read_only: Refuse to append; the file must be there.
        fsync: Whether each commit waits for the disk. Without, an acknowledged entry survives `kill -9` but
            the newest ones may be lost with the power.
        commit_every: How many entries given to `defer` are committed together; 1 commits each at once.
        busy_timeout_s: How long to wait for another process that writes, in seconds.
        synonyms: What counts as the same word in text search; the library's own if None.
        index: How much memory the index may take and when it is saved.
        clock: Seconds since the Unix epoch; says when an entry is recorded.

    Raises:
        StoreError: The file cannot be opened, is damaged, belongs to another program or a newer version.
    """

    _search: SearchEngine
    _reader: SqliteLogReader | None = None  # of the open `reading`, so that its searches share what it read

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
        """How it was opened, for a copy of it; so without `read_only`."""
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
        """Whatever this thread reads inside is of one moment; it may not write meanwhile."""
        with self._transaction() as db:
            self._reader = reader = SqliteLogReader(db)
            try:
                yield reader.head()
            finally:
                self._reader = None

    def get(self, keys: Sequence[str | int]) -> list[Logged | None]:
        """The entries of these ids (text) or sequence numbers (int) in the same order; None where none is."""
        with self._transaction() as db:
            return get(db, keys, self._spaces)

    def changes_since(self, sequence: int, *, limit: int | None = None) -> list[Logged]:
        """Entries after this sequence number, oldest first."""
        with self._transaction() as db:
            bounds = (sequence, -1 if limit is None else limit)
            return read(db, "sequence > ? ORDER BY sequence LIMIT ?", bounds, self._spaces)

    def values_since(
        self, sequence: int, *, kinds: Sequence[str], paths: Sequence[str]
    ) -> list[tuple[int, str, list[JsonValue]]]:
        """Sequence number, kind and values at these paths of the entries of these kinds after one.

        Oldest first; None stands for a path that an entry lacks. No entry is decoded for it.
        """
        with self._transaction() as db:
            return list(sqlite_values.values_since(db, sequence, kinds, paths))

    def sequences_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Sequence numbers of the experiences of these ids; others are left out."""
        with self._transaction() as db:
            return sqlite_values.sequences_of(db, ids)

    def search(self, search: Search) -> Found:
        """The best entries that pass the filter, by exact comparison with every one of them.

        Raises:
            InvalidQuery: The search has no meaning, such as two legs of one name.
            UnknownSpace: A leg's vector lies in another space than its field.
        """
        check_search(search)
        with self._transaction() as db:
            try:
                return self._search.search(self._reader or SqliteLogReader(db), search)
            except EmbodiedMemError:
                raise
            except BaseException:  # an interrupt may have left the caches half caught up
                self._search = self._new_engine()
                raise

    def save_index(self) -> None:
        """Keep what is indexed in memory on disk, so that the next process need not read the whole log.

        Raises:
            StoreError: The handle is read-only or closed, or the disk refuses; the store itself is unharmed.
        """
        self._check_writable()
        with self._own_lock, self._opened() as db:
            with self._transaction():
                try:
                    self._search.save(SqliteLogReader(db))
                except OSError as error:
                    raise StoreError(
                        f"the index beside {self.path} was not saved: {error}; the log is whole"
                    ) from error
            self._search.remove_outdated(SqliteLogReader(db))

    def index_report(self) -> Mapping[str, Any]:
        """What is indexed in memory by kind of entry; see `SearchEngine.report`."""
        with self._own_lock, self._opened():
            return self._search.report()

    def n_without_vector(self, field: str) -> int:
        """At least so many experiences have no vector of a field by which a search has just looked."""
        found = self.index_report().get(EntryKind.EXPERIENCE)
        if found is None:
            return 0
        n_vectors = found["vectors"][field]["n_vectors"] if field in found["vectors"] else 0
        return max(0, int(found["n_rows"] - found["n_dead"] - n_vectors))  # a removed row may have had one

    def spaces(self) -> dict[str, Space]:
        """The space of each field that has vectors."""
        with self._transaction() as db:
            return {field: space for field, (_, space) in read_spaces(db).items()}

    def head(self) -> Head:
        """The newest sequence number, and a generation that goes up with each removal or change."""
        with self._reading() as db:
            return SqliteLogReader(db).head()

    def last_sequence(self) -> int:
        """The newest sequence number; 0 while the log is empty."""
        return self.head().last_sequence

    def sequence_at(self, time_s: float) -> int:
        """The newest sequence number recorded at or before a time in seconds since the Unix epoch; 0 if none.

        Times in the log never go down: where a clock went back, what was recorded meanwhile counts as
        recorded at the latest time before.
        """
        with self._transaction() as db:
            return sqlite_admin.sequence_at(db, time_s)

    def recorded_at(self, sequence: int) -> float | None:
        """When an entry was recorded, in seconds since the Unix epoch; None where none is."""
        with self._reading() as db:
            query = "SELECT recorded_at_s FROM entries WHERE sequence = ?"
            found = db.execute(query, (sequence,)).fetchone()
        return None if found is None else float(found[0])

    def times_since(self, sequence: int, *, limit: int) -> dict[int, float]:
        """When each entry after a sequence number was recorded, by its own; at most `limit` of them."""
        with self._reading() as db:
            query = "SELECT sequence, recorded_at_s FROM entries WHERE sequence > ? ORDER BY sequence LIMIT ?"
            return dict(db.execute(query, (sequence, limit)).fetchall())

    def append_recorded(self, entries: Sequence[Entry], times_s: Sequence[float | None]) -> list[Appended]:
        """Like `append`, for entries that another store had recorded and whose times are to stay.

        Args:
            entries: What to add, in order.
            times_s: When each was recorded, in seconds since the Unix epoch; None takes the clock's time. As
                times in the log never go down, one before the newest entry's becomes that one's.

        Raises:
            ConflictingId: An id is taken by different content.
            InvalidRecord: An entry holds what JSON cannot carry.
            StoreError: The handle is read-only or closed, or the file cannot be written.
            UnknownSpace: A vector's space differs from the one its field has.
        """
        self._check_writable()
        rows = list(map(EntryRow.of, entries))
        with self._own_lock, self._opened() as db:
            self._commit_pending(db)
            return self._commit(db, partial(write_recorded, times_s=times_s), rows)

    def entries_about(self, experience_id: str) -> list[Logged]:
        """Feedback, archive and restore entries of an experience, oldest first; found by an index."""
        with self._transaction() as db:
            return read(db, "subject = ? ORDER BY sequence", (experience_id,), self._spaces)

    def generation(self) -> int:
        """A number that goes up whenever something already written changes; caches made before are void."""
        return self.head().generation

    def delete(self, sequences: Iterable[int]) -> None:
        """Remove entries and their vectors, all or none; `compact` removes them from the disk as well.

        Raises:
            StoreError: The handle is read-only or closed, or the file cannot be written.
        """
        with self._writing() as db:
            sqlite_admin.delete(db, list(sequences))
            failpoints.reach("purge:rows-deleted")
        failpoints.reach("purge:committed")

    def compact(self) -> None:
        """Write the file anew, so that no byte of what was deleted is left in it or in the log beside it.

        Raises:
            StoreError: Another process uses the store for too long, or the file cannot be written.
        """
        self._check_writable()
        with self._own_lock, self._opened() as db:
            self._commit_pending(db)
            self._checkpointer.compact(db)

    def verify(self) -> list[int]:
        """Sequence numbers of entries whose content does not give the hash that was kept with it."""
        with self._transaction() as db:
            return examining.damaged_entries(db)

    def copy_to(self, path: Path | str) -> None:
        """Copy the log as it is now into a new file, which is whole and on disk once it has its name.

        Raises:
            StoreError: The path is taken or cannot be written.
        """
        with self._own_lock, self._opened() as db:
            self._commit_pending(db)
            sqlite_admin.copy_to(db, Path(path).absolute())

    def settings(self) -> JsonObject:
        """How the file is used: SQLite's version and the settings that durability rests on."""
        with self._own_lock, self._opened() as db:
            return sqlite_admin.settings(db)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_search"}

    def _new_engine(self) -> SearchEngine:
        return SearchEngine(str(self.path), self._synonyms, self._index, self.path.parent / INDEX)

    def _before_close(self) -> None:
        """Save the index if that pays."""
        if not self.read_only:
            with suppress(StoreError), self._own_lock, self._opened() as db:
                with self._transaction():
                    self._search.save_if_stale(SqliteLogReader(db))
                self._search.remove_outdated(SqliteLogReader(db))

    def _forget_caches(self) -> None:
        super()._forget_caches()
        self._search = self._new_engine()
