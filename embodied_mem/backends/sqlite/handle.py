"""A handle of the SQLite log: its connection, its transactions, and the writing of entries."""

import logging
import os
import sqlite3
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from embodied_mem import failpoints
from embodied_mem.backends.sqlite.checkpoint import Checkpointer
from embodied_mem.backends.sqlite.file import as_store_error, connect, is_lost, set_patience
from embodied_mem.backends.sqlite.network_disk import refuse_network_disk
from embodied_mem.backends.sqlite.pending import Pending
from embodied_mem.backends.sqlite.rows import (
    EntryRow,
    Spaces,
    check_spaces,
    kept_already,
    write,
    write_each,
)
from embodied_mem.backends.sqlite.transactions import begun, roll_back
from embodied_mem.errors import ConflictingId, EmbodiedMemError, ForkedHandle, StoreError, UnknownSpace
from embodied_mem.records.argument_checks import check_timeout
from embodied_mem.records.log import Appended, Deferred, Entry

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Of a parent process; closing one in a child would harm the parent's locks.
_leaked: list[sqlite3.Connection] = []


class SqliteHandle:
    """One process's access to the file, for one thread at a time; base of `SqliteBackend`.

    A forked child may not use it, and is told so; pickled, it opens the path again where it arrives.

    Args:
        path: The file; it and its folder are made if absent.
        read_only: Refuse to write; the file must be there.
        fsync: Whether each commit waits for the disk.
        commit_every: How many entries given to `defer` are committed together; 1 commits each at once.
        busy_timeout_s: How long to wait for another process that writes, in seconds.
        clock: Seconds since the Unix epoch.
    """

    _pid: int
    _lock: threading.RLock
    _db: sqlite3.Connection | None
    _is_closed: bool
    _spaces: Spaces
    _waiting: Pending
    _refused: list[StoreError]
    _checkpointer: Checkpointer

    def __init__(
        self,
        path: Path | str,
        *,
        read_only: bool,
        fsync: bool,
        commit_every: int,
        busy_timeout_s: float,
        clock: Callable[[], float],
    ) -> None:
        self.path = Path(path).absolute()
        self._name = str(self.path)
        self.read_only = read_only
        self.commit_every = _at_least_one(commit_every)
        self._fsync = fsync
        self._busy_timeout_s = busy_timeout_s
        self._clock = clock
        self._reset()
        self._connection()

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        """Add entries in order, all or none; they survive `kill -9` once this returns.

        Entries that wait are committed before them.

        Raises:
            ConflictingId: An id is taken by different content.
            InvalidRecord: An entry holds what JSON cannot carry.
            StoreError: The handle is read-only or closed, or the file cannot be written.
            UnknownSpace: A vector's space differs from the one its field has.
        """
        self._check_writable()
        rows = list(map(EntryRow.of, entries))
        with self._own_lock, self._opened() as db:
            if self._waiting.rows:
                self._commit_pending(db)
            return self._commit(db, write, rows)

    def defer(self, entry: Entry) -> Deferred:
        """Take an entry that is committed when `commit_every` of them wait, at a `flush`, or before any read.

        A read that finds the disk full logs a warning and goes on without what waits.

        Raises:
            ConflictingId: The id is taken by different content.
            InvalidRecord: The entry holds what JSON cannot carry.
            StoreError: The handle is read-only or closed, or the file cannot be read; or it was time to
                commit and that failed, and then the entry waits all the same.
            UnknownSpace: A vector's space differs from the one its field has.
        """
        self._check_writable()
        row = EntryRow.of(entry)
        with self._own_lock, self._opened() as db:
            kept = kept_already(db, row, str(self.path))
            if kept is not None:
                return Deferred(kept)
            check_spaces(db, row.vectors, self._spaces, str(self.path))
            deferred = self._waiting.add(row)
            if len(self._waiting) >= self.commit_every:
                self._commit_pending(db)
            return deferred

    @property
    def pid(self) -> int:
        """The process that opened it, the only one that may use it."""
        return self._pid

    @property
    def pending(self) -> int:
        """How many entries wait to be committed."""
        return len(self._waiting)

    def flush(self, *, timeout_s: float | None = None) -> None:
        """Commit what waits, and return once it is as durable as `fsync` says.

        Args:
            timeout_s: How long to wait for another process that writes, in seconds; None waits as long as the
                handle was opened to wait. Other threads with this handle are waited for in any case.

        Raises:
            ConflictingId: Another process took an id meanwhile; all other entries were committed, and the
                receipt of this one raises the same. Where a read had to commit, it comes with the next flush.
            InvalidQuery: `timeout_s` is no number of seconds.
            StoreError: The file cannot be written; everything keeps waiting and is tried again at the next
                flush.
        """
        if timeout_s is not None:
            check_timeout("timeout_s", timeout_s)
        if self._waiting.rows:
            with self._own_lock, self._opened() as db, self._patience(db, timeout_s):
                self._commit_pending(db)
        refused, self._refused = self._refused, []
        if refused:
            raise refused[0]

    def close(self) -> None:
        """Commit what waits and let go of the file; closing twice is allowed.

        Raises:
            StoreError: What waits cannot be committed; the handle stays open, so that nothing is lost.
        """
        if self._pid == os.getpid():
            self.flush()
        if self._db is not None and self._pid != os.getpid():
            _leaked.append(self._db)
        elif self._db is not None:
            with self._lock:
                self._before_close()
                self._close_connection()
        self._db = None
        self._is_closed = True

    def reopen(self) -> None:
        """Open the path again, as where the file there was exchanged; what was read of it is forgotten.

        Raises:
            StoreError: What waits cannot be committed; the handle stays as it is.
        """
        self.close()
        self._reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        waiting = getattr(self, "_waiting", None)  # a handle that could not be made has none
        if waiting and self._pid == os.getpid():
            warnings.warn(
                f"{self.path}: {len(waiting)} entries still waited to be committed; call flush() or close()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
            try:
                self.flush()
            except EmbodiedMemError as error:  # nobody can catch it here
                logger.error("%d entries are lost: %s", len(waiting), error)

    def __getstate__(self) -> dict[str, Any]:
        self.flush()  # or the copy would not see what was written before it
        made_here = (
            "_pid",
            "_lock",
            "_db",
            "_is_closed",
            "_spaces",
            "_waiting",
            "_refused",
            "_checkpointer",
        )
        return {name: value for name, value in vars(self).items() if name not in made_here}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        self._reset()

    def _before_close(self) -> None:
        """What is left to do while the file is still open."""

    def _close_connection(self) -> None:
        if self._db is None:  # it was lost a moment ago
            return
        if not self.read_only:
            self._checkpointer.end(self._db)
        self._db.close()

    def _forget_caches(self) -> None:
        """Let go of whatever was made from the file as it was."""
        self._spaces = Spaces()

    def _check_writable(self) -> None:
        if self.read_only:
            raise StoreError(f"{self.path} is open for reading only; open it without read_only to write")

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._db = None
        self._is_closed = False
        self._waiting = Pending(str(self.path))
        self._refused = []
        self._checkpointer = Checkpointer(self.path, busy_timeout_s=self._busy_timeout_s)
        self._forget_caches()

    def _connection(self) -> sqlite3.Connection:
        if self._is_closed:
            raise StoreError(f"{self.path} was closed; open it again to use it")
        if self._db is None:
            refuse_network_disk(self.path)
            self._db = connect(
                self.path,
                read_only=self.read_only,
                fsync=self._fsync,
                busy_timeout_s=self._busy_timeout_s,
                now_s=float(self._clock()),
            )
            if not self.read_only:
                self._checkpointer.begin()
        return self._db

    def _commit(
        self, db: sqlite3.Connection, write_rows: Callable[..., list[Result]], rows: Sequence[EntryRow]
    ) -> list[Result]:
        """Write rows in one transaction; calling `begun` instead would take a tenth longer."""
        cursor = db.cursor()  # one for all that follows; a connection makes one a statement
        is_inside = db.in_transaction
        try:
            cursor.execute("BEGIN IMMEDIATE")  # within, as Ctrl-C may be noticed once it has begun
            now_s = float(self._clock())
            results = write_rows(cursor, rows, self._spaces, store=self._name, now_s=now_s)
            failpoints.reach("commit:before")
            cursor.execute("COMMIT")
        except BaseException:
            self._spaces.forget()
            if not is_inside:
                roll_back(db)
            raise
        failpoints.reach("commit:after")
        self._checkpointer.appended(db, len(rows))
        return results

    @contextmanager
    def _patience(self, db: sqlite3.Connection, timeout_s: float | None) -> Iterator[None]:
        """Another time to wait for other processes; None changes nothing."""
        if timeout_s is None:
            yield
            return
        set_patience(db, timeout_s)
        try:
            yield
        finally:
            set_patience(db, self._busy_timeout_s)

    def _commit_pending(self, db: sqlite3.Connection) -> None:
        if not self._waiting.rows:
            return
        waiting = list(self._waiting.rows)
        results = self._commit(db, write_each, [row for row, _ in waiting])
        errors = []
        for (_, deferred), result in zip(waiting, results, strict=True):
            if isinstance(result, Appended):
                deferred.appended = result
            else:
                deferred.error = result
                errors.append(result)
        self._waiting.clear()
        if errors:
            raise errors[0]

    def _commit_if_possible(self, db: sqlite3.Connection) -> sqlite3.Connection:
        """Commit what waits before something is read; the connection to read from.

        A full disk is no reason not to recall: it is logged, and raised by the next flush.
        """
        try:
            self._commit_pending(db)
        except (sqlite3.Error, StoreError) as error:
            told = as_store_error(error, self.path) or error
            logger.warning("read without what waits to be committed, or without some of it: %s", told)
            if isinstance(told, ConflictingId | UnknownSpace):
                self._refused.append(told)
            if is_lost(told):
                self._let_go()
                return self._connection()
        return db

    @property
    def _own_lock(self) -> threading.RLock:
        """What keeps other threads out; nothing for a forked child.

        Hold it by `with` alone: that takes it and lets it go in C, where no signal is noticed. Ctrl-C between
        a call that takes a lock and the `try` after it would leave it taken for ever.
        """
        if self._pid != os.getpid():
            raise ForkedHandle(
                f"{self.path} was opened in process {self._pid}; open the path again in this child"
            )
        return self._lock

    def _opened(self) -> "_Opened":
        """The connection, for who holds the lock; errors of SQLite say what to do."""
        return _Opened(self)

    def _let_go(self) -> None:
        """Forget a connection that cannot recover; the next call opens the file as it is then."""
        db, self._db = self._db, None
        self._forget_caches()
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, once what waits was committed; where that fails, what was committed is read."""
        with self._own_lock, self._opened() as db:
            if self._waiting.rows and not db.in_transaction:
                db = self._commit_if_possible(db)
            yield db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One snapshot of the file to read, with what this handle wrote; inside another, that one."""
        with self._own_lock, self._opened() as db:  # as in `_reading`, without a second generator
            if db.in_transaction:
                yield db
                return
            if self._waiting.rows:
                db = self._commit_if_possible(db)
            try:
                db.execute("BEGIN DEFERRED")  # within, as Ctrl-C may be noticed once it has begun
                yield db
                db.execute("COMMIT")
            except BaseException:
                roll_back(db)
                raise

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self._check_writable()
        with self._own_lock, self._opened() as db:
            self._commit_pending(db)
            self._spaces.forget()
            with begun(db, "BEGIN IMMEDIATE"):
                yield db
            self._checkpointer.appended(db, 1)


class _Opened:
    """A handle's connection, for who holds its lock; a class, as a generator costs a tenth of an append.

    Args:
        handle: Whose connection.
    """

    def __init__(self, handle: SqliteHandle) -> None:
        self._handle = handle

    def __enter__(self) -> sqlite3.Connection:
        handle = self._handle
        try:
            return handle._db or handle._connection()
        except BaseException as error:
            self._tell(error)
            raise

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if error is not None:
            self._tell(error)

    def _tell(self, error: BaseException) -> None:
        """Raise in its place what says more, and let go of a connection that is lost."""
        handle = self._handle
        told = as_store_error(error, handle.path)
        if is_lost(told or error):
            handle._let_go()
        if told is not None:
            raise told from error


def _at_least_one(commit_every: int) -> int:
    if isinstance(commit_every, bool) or not isinstance(commit_every, int) or commit_every < 1:
        raise StoreError(f"commit_every is {commit_every!r}; expected a whole number of at least 1")
    return commit_every
