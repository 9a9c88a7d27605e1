"""`SqliteBackend`: the log in one SQLite file, with exact search; correct and simple."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from embodied_mem.backends.checkpoint import Checkpointer
from embodied_mem.backends.sqlite_file import connect, store_errors
from embodied_mem.backends.sqlite_rows import EntryRow, Spaces, read, read_spaces, write
from embodied_mem.backends.sqlite_search import SqliteSearch, check_search
from embodied_mem.errors import EmbodiedMemError, ForkedHandle, StoreError
from embodied_mem.log import Appended, Entry, Found, Logged, Search
from embodied_mem.spaces import Space
from embodied_mem.synonyms import Synonyms, default_synonyms

_leaked: list[
    sqlite3.Connection
] = []  # of a parent process; closing one in a child would harm the parent's locks


class SqliteBackend:
    """One append-only log in one file; several processes may read and write it at once.

    Threads may share a handle. A forked child may not, and is told so; a pickled handle opens the path again.

    Args:
        path: The file; it and its folder are made if absent.
        read_only: Refuse to append; the file must be there.
        fsync: Whether each append waits for the disk. Without, an acknowledged entry survives `kill -9` but
            the newest ones may be lost with the power.
        busy_timeout_s: How long to wait for another process that writes, in seconds.
        synonyms: What counts as the same word in text search; the library's own if None.

    Raises:
        StoreError: The file cannot be opened, is damaged, belongs to another program or a newer version.
    """

    _pid: int
    _db: sqlite3.Connection | None
    _is_closed: bool
    _spaces: Spaces
    _search: SqliteSearch
    _checkpointer: Checkpointer

    def __init__(
        self,
        path: Path | str,
        *,
        read_only: bool = False,
        fsync: bool = False,
        busy_timeout_s: float = 5.0,
        synonyms: Synonyms | None = None,
    ) -> None:
        self.path = Path(path).absolute()
        self.read_only = read_only
        self._fsync = fsync
        self._busy_timeout_s = busy_timeout_s
        self._synonyms = default_synonyms() if synonyms is None else synonyms
        self._reset()
        self._connection()

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        """Add entries in order, all or none; they survive `kill -9` once this returns.

        Raises:
            ConflictingId: An id is taken by different content.
            InvalidRecord: An entry holds what JSON cannot carry.
            StoreError: The handle is read-only or closed, or the file cannot be written.
            UnknownSpace: A vector's space differs from the one its field has.
        """
        if self.read_only:
            raise StoreError(f"{self.path} is open for reading only; open it without read_only to write")
        rows = [EntryRow.of(entry) for entry in entries]
        with self._opened() as db:
            spaces = dict(self._spaces)
            with self._transaction("IMMEDIATE"):
                appended = [write(db, row, spaces, str(self.path)) for row in rows]
            self._spaces = spaces  # only now: what was rolled back must not be remembered
            self._checkpointer.appended(db, len(rows))
        return appended

    def get(self, keys: Sequence[str | int]) -> list[Logged | None]:
        """The entries of these ids (text) or sequence numbers (int) in the same order; None where none is."""
        with self._transaction() as db:
            return [self._get(db, key) for key in keys]

    def changes_since(self, sequence: int, *, limit: int | None = None) -> list[Logged]:
        """Entries after this sequence number, oldest first."""
        with self._transaction() as db:
            bounds = (sequence, -1 if limit is None else limit)
            return read(db, "sequence > ? ORDER BY sequence LIMIT ?", bounds, self._spaces)

    def search(self, search: Search) -> Found:
        """The best entries that pass the filter, by exact comparison with every one of them.

        Raises:
            InvalidQuery: The search has no meaning, such as two legs of one name.
            UnknownSpace: A leg's vector lies in another space than its field.
        """
        check_search(search)
        with self._transaction() as db:
            try:
                return self._search.search(db, search)
            except EmbodiedMemError:
                raise
            except BaseException:  # an interrupt may have left the caches half caught up
                self._search = SqliteSearch(str(self.path), self._synonyms)
                raise

    def spaces(self) -> dict[str, Space]:
        """The space of each field that has vectors."""
        with self._transaction() as db:
            return {field: space for field, (_, space) in read_spaces(db).items()}

    def last_sequence(self) -> int:
        """The newest sequence number; 0 while the log is empty."""
        with self._transaction() as db:
            return int(db.execute("SELECT coalesce(max(sequence), 0) FROM entries").fetchone()[0])

    def close(self) -> None:
        """Let go of the file; closing twice is allowed."""
        if self._db is not None and self._pid != os.getpid():
            _leaked.append(self._db)
        elif self._db is not None:
            with self._lock:
                self._db.close()
        self._db = None
        self._is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        names = ("path", "read_only", "_fsync", "_busy_timeout_s", "_synonyms")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._db = None
        self._is_closed = False
        self._spaces = {}
        self._checkpointer = Checkpointer(self.path, busy_timeout_s=self._busy_timeout_s)
        self._search = SqliteSearch(str(self.path), self._synonyms)

    def _connection(self) -> sqlite3.Connection:
        if self._is_closed:
            raise StoreError(f"{self.path} was closed; open it again to use it")
        if self._db is None:
            self._db = connect(
                self.path, read_only=self.read_only, fsync=self._fsync, busy_timeout_s=self._busy_timeout_s
            )
            if not self.read_only:
                self._checkpointer.begin(self._db)
        return self._db

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time; errors of SQLite say what to do."""
        if self._pid != os.getpid():
            raise ForkedHandle(
                f"{self.path} was opened in process {self._pid}; open the path again in this child"
            )
        with self._lock, store_errors(self.path):
            yield self._connection()

    @contextmanager
    def _transaction(self, mode: str = "DEFERRED") -> Iterator[sqlite3.Connection]:
        """One snapshot of the file, and nothing kept if it fails.

        Writing takes mode IMMEDIATE: a read that turns into a write fails where others write.
        """
        with self._opened() as db:
            db.execute(f"BEGIN {mode}")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _get(self, db: sqlite3.Connection, key: str | int) -> Logged | None:
        condition = "sequence = ?" if isinstance(key, int) else "id = ?"
        try:
            return next(iter(read(db, condition, (key,), self._spaces)), None)
        except UnicodeEncodeError:  # a lone surrogate, which no stored id has
            return None
