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

# Connections of a parent process; closing one in a child would drop the parent's locks.
_leaked: list[sqlite3.Connection] = []


class SqliteHandle:
    """One process's connection to the file; a lock serialises its threads. Base of `SqliteBackend`.

    In a forked child it raises `ForkedHandle`; unpickling it reopens the path.

    Args:
        path: The file; it and its folder are created if absent.
        read_only: Reject writes; the file must exist.
        fsync: Whether each commit waits for the disk.
        commit_every: Number of entries given to `defer` per commit; 1 commits each immediately.
        busy_timeout_s: Seconds to wait for another process that writes.
        clock: Returns seconds since the Unix epoch.
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
        """Append entries in order, all or none; they survive `kill -9` once this returns.

        Queued entries are committed first.

        Raises:
            ConflictingId: An id belongs to different content.
            InvalidRecord: An entry has a value that JSON cannot represent.
            StoreError: The handle is read-only or closed, or the file cannot be written.
            UnknownSpace: A vector's space differs from its field's space.
        """
        self._check_writable()
        rows = list(map(EntryRow.of, entries))
        with self._own_lock, self._opened() as db:
            if self._waiting.rows:
                self._commit_pending(db)
            return self._commit(db, write, rows)

    def defer(self, entry: Entry) -> Deferred:
        """Queue an entry; it is committed once `commit_every` are queued, at a `flush`, or before any read.

        If the disk is full, a read logs a warning and ignores queued entries.

        Raises:
            ConflictingId: The id belongs to different content.
            InvalidRecord: The entry has a value that JSON cannot represent.
            StoreError: The handle is read-only or closed, or the file cannot be read; or a commit was due and
                failed. In each case this entry is not queued, so that a retry cannot store it twice; those
                queued before it stay queued.
            UnknownSpace: A vector's space differs from its field's space.
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
                self._commit_pending(db, deferred)
            return deferred

    @property
    def pid(self) -> int:
        """The id of the process that opened the handle, the only one that may use it."""
        return self._pid

    @property
    def pending(self) -> int:
        """The number of queued entries."""
        return len(self._waiting)

    def flush(self, *, timeout_s: float | None = None) -> None:
        """Commit the queued entries; on return they are as durable as the option `fsync` provides.

        Args:
            timeout_s: Seconds to wait for another process that writes; None: the handle's `busy_timeout_s`.
                Does not limit the wait for other threads that use this handle.

        Raises:
            ConflictingId: Another process took an id meanwhile; all other entries were committed, and the
                receipt of this one raises the same error. If a read committed, the next flush raises it.
            InvalidQuery: `timeout_s` is not a valid number of seconds.
            StoreError: The file cannot be written; all entries stay queued for the next flush.
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
        """Commit the queued entries and close the file; closing twice is allowed.

        Raises:
            StoreError: The queued entries cannot be committed; the handle stays open, so that none is lost.
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
        """Close and reopen the path, for example after the file was replaced; caches are dropped.

        Raises:
            StoreError: The queued entries cannot be committed; the handle is unchanged.
        """
        self.close()
        self._reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        waiting = getattr(self, "_waiting", None)  # missing if __init__ failed
        if waiting and self._pid == os.getpid():
            warnings.warn(
                f"{self.path}: {len(waiting)} entries were not committed yet; call flush() or close()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
            try:
                self.flush()
            except EmbodiedMemError as error:  # no caller can catch it here
                logger.error("%d entries are lost: %s", len(waiting), error)

    def __getstate__(self) -> dict[str, Any]:
        self.flush()  # or the copy would miss entries queued before it
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
        """Hook that runs before the connection closes."""

    def _close_connection(self) -> None:
        if self._db is None:  # dropped after an error
            return
        if not self.read_only:
            self._checkpointer.end(self._db)
        self._db.close()

    def _forget_caches(self) -> None:
        """Drop all caches of the file's content."""
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
        """Write rows in one transaction; using `begun` instead would take a tenth longer."""
        cursor = db.cursor()  # one for all statements; a connection creates one for each
        is_inside = db.in_transaction
        try:
            cursor.execute("BEGIN IMMEDIATE")  # inside `try`: Ctrl-C may be raised just after it
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
        """Change the time to wait for other processes; None changes nothing."""
        if timeout_s is None:
            yield
            return
        set_patience(db, timeout_s)
        try:
            yield
        finally:
            set_patience(db, self._busy_timeout_s)

    def _commit_pending(self, db: sqlite3.Connection, newest: Deferred | None = None) -> None:
        """Commit the queued entries.

        Args:
            db: The connection.
            newest: The entry queued last, if it made the commit due. If the commit fails, it leaves the
                queue; of rejections only its own is raised, and the next flush raises the others.

        Raises:
            ConflictingId: An id belongs to different content; the other entries were committed.
            StoreError: Nothing was committed, and the other entries stay queued.
            UnknownSpace: A vector's space differs from its field's space; the other entries were committed.
        """
        if not self._waiting.rows:
            return
        waiting = list(self._waiting.rows)
        try:
            results = self._commit(db, write_each, [row for row, _ in waiting])
        except Exception as error:  # an interrupt may come after the commit: then everything stays queued
            if newest is not None:
                self._waiting.drop_newest()
            kept = self._waiting.kept_text(is_dropped=newest is not None)
            translated = as_store_error(error, self.path, kept=kept)
            if translated is None:
                raise
            raise translated from error
        errors = []
        for (_, deferred), result in zip(waiting, results, strict=True):
            if isinstance(result, Appended):
                deferred.appended = result
            else:
                deferred.error = result
                errors.append(result)
        self._waiting.clear()
        if newest is not None and newest.error is None:
            self._refused += errors
        elif errors:
            raise errors[0] if newest is None else errors[-1]

    def _commit_if_possible(self, db: sqlite3.Connection) -> sqlite3.Connection:
        """Commit the queued entries before a read; return the connection to read from.

        A failure does not stop the read; it is logged. After an error of the disk, such as a full one, the
        entries stay queued, and the next commit tries again and raises only if it fails, too. An entry that
        is rejected for its id or space leaves the queue, and the next flush raises the error.
        """
        try:
            self._commit_pending(db)
        except StoreError as error:
            logger.warning("reading without some queued entries, which could not be committed: %s", error)
            if isinstance(error, ConflictingId | UnknownSpace):
                self._refused.append(error)
            if is_lost(error):
                self._drop_connection()
                return self._connection()
        return db

    @property
    def _own_lock(self) -> threading.RLock:
        """The lock between threads; raises `ForkedHandle` in a forked child.

        Acquire it only by `with`, which acquires and releases in C, where no signal is handled. Ctrl-C
        between `acquire()` and the following `try` would leave it locked for ever.
        """
        if self._pid != os.getpid():
            raise ForkedHandle(
                f"{self.path} was opened in process {self._pid}; open the path again in this child"
            )
        return self._lock

    def _opened(self) -> "_Opened":
        """Give the connection and translate SQLite's errors; the caller must hold the lock."""
        return _Opened(self)

    def _drop_connection(self) -> None:
        """Drop a connection that cannot recover; the next call reopens the file."""
        db, self._db = self._db, None
        self._forget_caches()
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection after committing queued entries; if that fails, they are not read."""
        with self._own_lock, self._opened() as db:
            if self._waiting.rows and not db.in_transaction:
                db = self._commit_if_possible(db)
            yield db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Give a read transaction that includes this handle's entries; nested calls share the outer one."""
        with self._own_lock, self._opened() as db:  # as in `_reading`, without a second generator
            if db.in_transaction:
                yield db
                return
            if self._waiting.rows:
                db = self._commit_if_possible(db)
            try:
                db.execute("BEGIN DEFERRED")  # inside `try`: Ctrl-C may be raised just after it
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
    """Context manager of a handle's connection; the caller must hold the handle's lock.

    A class, because a generator would add a tenth to the time of an append.

    Args:
        handle: The handle.
    """

    def __init__(self, handle: SqliteHandle) -> None:
        self._handle = handle

    def __enter__(self) -> sqlite3.Connection:
        handle = self._handle
        try:
            return handle._db or handle._connection()
        except BaseException as error:
            self._translate_error(error)
            raise

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if error is not None:
            self._translate_error(error)

    def _translate_error(self, error: BaseException) -> None:
        """Raise a `StoreError` for an error of SQLite or the disk; drop an unusable connection."""
        handle = self._handle
        translated = as_store_error(error, handle.path)
        if is_lost(translated or error):
            handle._drop_connection()
        if translated is not None:
            raise translated from error


def _at_least_one(commit_every: int) -> int:
    if isinstance(commit_every, bool) or not isinstance(commit_every, int) or commit_every < 1:
        raise StoreError(f"commit_every is {commit_every!r}; expected a whole number of at least 1")
    return commit_every
