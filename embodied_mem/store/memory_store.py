"""`MemoryStore`: a folder that holds a memory, and its administration."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import ATTACHMENTS
from embodied_mem.backends.sqlite.disk import FILE_NAME as FILE_NAME
from embodied_mem.contracts import Embedder, Forgetting, Memory
from embodied_mem.errors import StoreError
from embodied_mem.index.index_options import DEFAULT_OPTIONS, IndexOptions
from embodied_mem.memory.experience_memory import MemoryOptions
from embodied_mem.memory.modes import with_mode
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.memory.views.view import is_in
from embodied_mem.records.argument_checks import check_type
from embodied_mem.records.codec import experience_from_document
from embodied_mem.records.experience import Experience
from embodied_mem.records.filters import Where
from embodied_mem.records.log import EntryKind
from embodied_mem.store.folder import check_store, store_folder
from embodied_mem.store.open_options import OpenOptions, check_options
from embodied_mem.store.stats import StoreStats, stats_of
from embodied_mem.store.stored_memory import StoredMemory
from embodied_mem.store.transfer.entries import visible_entries
from embodied_mem.text.synonyms import Synonyms

if TYPE_CHECKING:  # most programs only record and recall; administration is imported on first use
    from embodied_mem.store.transfer.manifest import Manifest
    from embodied_mem.store.transfer.merge import MergeReport
    from embodied_mem.store.transfer.snapshot import Snapshot
    from embodied_mem.store.upkeep.attachments import AttachmentStore
    from embodied_mem.store.upkeep.check_report import CheckReport
    from embodied_mem.store.upkeep.forget import ForgetOptions
    from embodied_mem.store.upkeep.history import Change
    from embodied_mem.store.upkeep.purge import PurgeReport
    from embodied_mem.store.upkeep.reembed import ReembedReport
    from embodied_mem.store.upkeep.retention import Retention, RetentionOptions, RetentionReport

Progress = Callable[[int, int], None]  # (done, total)


class MemoryStore:
    """A folder with the log, the index and the attachments of a memory; open it with `MemoryStore.open`.

    Unpickled in another process, for example a spawned worker, it opens the folder again.

    Args:
        path: The folder.
        backend: The log in the folder; `open` makes it.
        quota_bytes: Maximum total size of the attachments; None sets no limit.
        clock: Returns seconds since the Unix epoch: times of recording, archiving, purging and copying.

    Raises:
        StoreError: There is no back end, as in `MemoryStore("memories/lab")`.
    """

    def __init__(
        self,
        path: Path,
        backend: SqliteBackend | None = None,
        *,
        quota_bytes: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(backend, SqliteBackend):
            given = repr(str(path))
            raise StoreError(
                f"MemoryStore({given}) opens nothing; use MemoryStore.open({given}), which creates the store "
                "if it does not exist"
            )
        self.path = path
        self._quota_bytes = quota_bytes
        self.backend = backend
        self._clock = clock
        self._reset()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        read_only: bool = False,
        fsync: bool = False,
        commit_every: int = 1,
        busy_timeout_s: float = 5.0,
        synonyms: Synonyms | None = None,
        index: IndexOptions = DEFAULT_OPTIONS,
        quota_bytes: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open the store in a folder; create it if absent.

        Args:
            path: The folder; a leading `~` is the home folder.
            read_only: Reject every write; the store must exist.
            fsync: Whether each commit waits for the disk, to survive a power cut and not only `kill -9`.
            commit_every: How many records are committed together; above 1, `Receipt.wait` returns once a
                record is committed, and `flush` commits pending records.
            busy_timeout_s: How long to wait for the write of another process, in seconds, up to a day.
            synonyms: Words that count as equal in text search; None takes those of the library.
            index: How much memory the index may take and when it is saved.
            quota_bytes: Maximum total size of the attachments; None sets no limit.
            clock: Returns seconds since the Unix epoch: times of recording and archiving, and the ages that
                `memory` ranks by.

        Raises:
            InvalidQuery: The value of an option is invalid.
            StoreError: The path is a file; or the folder or its file cannot be opened, or does not hold a
                store of this version.
        """
        check_options(
            {
                "read_only": read_only,
                "fsync": fsync,
                "commit_every": commit_every,
                "busy_timeout_s": busy_timeout_s,
                "synonyms": synonyms,
                "index": index,
                "quota_bytes": quota_bytes,
                "clock": clock,
            }
        )
        folder = store_folder(path)
        backend = SqliteBackend(
            folder / FILE_NAME,
            read_only=read_only,
            fsync=fsync,
            commit_every=commit_every,
            busy_timeout_s=busy_timeout_s,
            synonyms=synonyms,
            index=index,
            clock=clock,
        )
        return cls(folder, backend, quota_bytes=quota_bytes, clock=clock)

    @overload
    def memory(self, mode: Literal["learn"] = "learn", **options: Unpack[MemoryOptions]) -> StoredMemory: ...

    @overload
    def memory(self, mode: str, **options: Unpack[MemoryOptions]) -> Memory: ...

    def memory(self, mode: str = "learn", **options: Unpack[MemoryOptions]) -> Memory:
        """The memory in this store; in mode `learn` an `ExperienceMemory` that can `keep_image` as well.

        Args:
            mode: `learn`; `frozen` rejects writes; `off` also recalls nothing.
            options: Keyword arguments of `ExperienceMemory`: embedder, scope, weights, clock; the default
                clock is that of the store.

        Raises:
            InvalidQuery: An option has the wrong type.
            UnknownName: The mode is unknown.
        """
        options.setdefault("clock", self._clock)
        return with_mode(StoredMemory(self, **options), mode)

    def experiences(self) -> Iterator[Experience]:
        """Every experience that is not withdrawn, archived ones included, in the order of writing."""
        for logged in visible_entries(self.backend):
            if logged.entry.kind == EntryKind.EXPERIENCE:
                yield experience_from_document(logged.entry.payload, logged.entry.vectors)

    def get(self, experience_id: str) -> Experience:
        """The experience with this id, archived or not.

        Raises:
            UnknownName: No experience has this id, or it was withdrawn; the message gives the nearest ids.
        """
        from embodied_mem.store.upkeep.archiving import unknown_experience

        with self._lock, self.backend.reading():
            self._views.catch_up()
            [logged] = self.backend.get([experience_id]) if isinstance(experience_id, str) else [None]
            is_seen = logged is not None and is_in(logged.sequence, self._views.visible(None))
        if logged is None or not is_seen or logged.entry.kind != EntryKind.EXPERIENCE:
            raise unknown_experience(self.backend, experience_id)
        return experience_from_document(logged.entry.payload, logged.entry.vectors)

    def stats(self) -> StoreStats:
        """How much the store holds."""
        with self._lock:
            self._views.catch_up()
            spans = self._views.visible(None)
            n_archived = len(self._views.archived(spans))
        return stats_of(self.backend, self.path, spans=spans, n_archived=n_archived)

    def near_duplicates(self) -> dict[str, list[str]]:
        """Ids of near-duplicate experiences, by the id of the first experience of their group.

        Near duplicates share kind, words of the task, plan, status and nine tenths of the words of the state.
        `recall(..., distinct=True)` returns one of each group, with `Recalled.n_alike`. Groups and ids are in
        the order of writing; archived experiences are included, withdrawn ones are not.
        """
        from embodied_mem.memory.views.by_id import near_duplicates

        with self._lock, self.backend.reading():
            self._views.catch_up()
            return near_duplicates(self.backend, self._views)

    def utility(self) -> dict[str, float]:
        """How useful each experience has been, in [0, 1), by id; an experience never used has 0 and no entry.

        It grows with every later experience that lists the id in `recalled` and with every vote that it
        helped, and falls with every vote that it did not help; see `embodied_mem.memory.scoring.utility_of`.
        """
        from embodied_mem.memory.views.by_id import utility

        with self._lock, self.backend.reading():
            self._views.catch_up()
            return utility(self.backend, self._views)

    def flush(self) -> None:
        """Commit the records that `commit_every` still holds back."""
        self.backend.flush()

    def save_index(self) -> None:
        """Save the index to disk, so that the next process that opens the store need not rebuild it."""
        self.backend.save_index()

    def compact(self) -> None:
        """Rewrite the log to free the disk space that `reembed` leaves when new vectors are shorter.

        Needs the size of the log once more while it runs. Not needed after `purge`, which does the same;
        later records reuse the free space in any case.

        Raises:
            StoreError: The store is read-only, another process reads it for too long, or the disk is full.
        """
        self.backend.compact()

    def snapshot(self, sequence: int | None = None) -> "Snapshot[MemoryStore]":
        """A read-only view of the store as it was after an entry; None takes the newest.

        Raises:
            InvalidQuery: The sequence number has not been written yet.
        """
        from embodied_mem.store.transfer.snapshot import Snapshot

        return Snapshot(self.backend, sequence, clock=self._clock, branch=self.branch)

    def branch(
        self, path: str | Path, *, sequence: int | None = None, **options: Unpack[OpenOptions]
    ) -> "MemoryStore":
        """Copy this store, as it was after an entry, into a new folder; see `transfer.branch`.

        The copy is opened with the options of this store except `read_only`.

        Args:
            path: The new folder; it must not exist, or be empty.
            sequence: The last entry to copy; None copies all entries.
            options: Options of `open` to override.

        Raises:
            InvalidQuery: The sequence number has not been written yet, or an option has the wrong type.
            StoreError: The target is not empty, or cannot be written.
        """
        from embodied_mem.store.transfer.branch import branch

        check_options(options)
        folder = branch(self.backend, self.path, path, sequence=sequence, clock=self._clock)
        opened: OpenOptions = {**self.backend.options, "quota_bytes": self._quota_bytes, **options}
        return MemoryStore.open(folder, **opened)

    def merge(self, other: "MemoryStore | str | Path") -> "MergeReport":
        """Add the entries of another store that this one lacks; repeating it adds nothing.

        Raises:
            StoreError: There is no store at that path.
            UnknownSpace: A field of the other store has vectors of another space; nothing was added.
        """
        from embodied_mem.store.transfer.merge import merge

        if isinstance(other, MemoryStore):
            return merge(self.backend, self.path, other.backend, other.path)
        check_store(other)
        with MemoryStore.open(other, read_only=True) as opened:
            return merge(self.backend, self.path, opened.backend, opened.path)

    def export(self, folder: str | Path, *, progress: Progress | None = None) -> "Manifest":
        """Write all entries that are not withdrawn into a folder of plain files; see `transfer.portable`."""
        from embodied_mem.store.transfer.export_folder import export

        return export(self.backend, self.path, folder, clock=self._clock, progress=progress)

    @classmethod
    def import_folder(
        cls,
        folder: str | Path,
        path: str | Path,
        *,
        embedder: Embedder[str] | None = None,
        progress: Progress | None = None,
        **options: Unpack[OpenOptions],
    ) -> Self:
        """Create a store from an exported folder, re-embedded if needed; see `transfer.import_folder`.

        Args:
            folder: A folder made by `export`.
            path: The folder of the new store; it must not exist, or be empty.
            embedder: The embedder that the new store will be used with; None keeps the vectors.
            progress: Called with the number of entries read and their total.
            options: Options of `open` for the new store.

        Raises:
            InvalidQuery: The embedder or an option has the wrong type.
            StoreError: A file is missing or damaged, or the new folder cannot be made; nothing was imported.
        """
        from embodied_mem.store.transfer.import_folder import import_folder

        check_options(options)
        return cls.open(import_folder(folder, path, embedder=embedder, progress=progress), **options)

    def history(self, experience_id: str) -> "list[Change]":
        """Everything that happened to an experience, in the order of the log."""
        from embodied_mem.store.upkeep.history import history

        return history(self.backend, experience_id)

    def archive(self, ids: Iterable[str], *, reason: str = "") -> list[str]:
        """Hide experiences from recall without deleting them; return the ids not archived before."""
        from embodied_mem.store.upkeep.archiving import archive

        return archive(self.backend, ids, reason=reason, at_s=float(self._clock()))

    def restore(self, ids: Iterable[str], *, reason: str = "") -> list[str]:
        """Make archived experiences recallable again; return the ids that were archived before."""
        from embodied_mem.store.upkeep.archiving import restore

        return restore(self.backend, ids, reason=reason, at_s=float(self._clock()))

    def archived(self) -> list[str]:
        """The ids of archived experiences, in the order of archiving."""
        from embodied_mem.store.upkeep.archiving import archived_ids

        return archived_ids(self.backend)

    def forget(
        self, policy: Forgetting | str, *, keep: int | None = None, **options: "Unpack[ForgetOptions]"
    ) -> list[str]:
        """Archive the experiences that a policy retains least; return their ids, the weakest first.

        Args:
            policy: A new policy that has received no event yet, or a registered name such as `lru`; see
                `embodied_mem.memory.forgetting`.
            keep: How many of the matching experiences stay; None sets no number.
            options: `below`, `kind`, `where`, `unit`, `now`, `reason` of `upkeep.forget.forget`.

        Raises:
            InvalidQuery: Neither `keep` nor `below` is given, or an argument is invalid.
            UnknownName: No policy has this name.
        """
        from embodied_mem.store.upkeep.forget import forget

        return forget(self.backend, policy, keep=keep, at_s=float(self._clock()), **options)

    def apply_retention(
        self, rules: "Retention | Iterable[Retention]", **options: "Unpack[RetentionOptions]"
    ) -> "RetentionReport":
        """Archive or purge experiences that exceed the limits of their kind: age, count or size.

        Args:
            rules: One for each kind that has limits; see `embodied_mem.Retention`.
            options: `policy`, `action`, `unit` of `upkeep.retention.apply_retention`.

        Raises:
            InvalidQuery: A rule or an option is invalid, or two rules are for one kind.
        """
        from embodied_mem.store.upkeep.retention import apply_retention

        return apply_retention(self.backend, self.path, rules, now_s=float(self._clock()), **options)

    def purge(self, selector: Where | Iterable[str], *, dry_run: bool = False) -> "PurgeReport":
        """Remove experiences permanently, with everything derived from them and every byte of their texts.

        Args:
            selector: A filter, or ids.
            dry_run: Whether to only report what would be removed.

        Raises:
            StoreError: The store is read-only, or another process reads it for too long.
            InvalidQuery: The filter has no condition that could exclude an experience, for example an empty
                one, or the selector is neither a filter nor ids; nothing was removed.
            UnknownName: No experience has one of the ids; nothing was removed.
        """
        from embodied_mem.store.upkeep.purge import preview, purge

        if dry_run:
            return preview(self.backend, self.path, selector)
        return purge(self.backend, self.path, selector, at_s=float(self._clock()))

    @cached_property  # a new one would measure all files again at each put under a quota
    def attachments(self) -> "AttachmentStore":
        """The attachment files (images, depth maps, sounds), by content hash."""
        from embodied_mem.store.upkeep.attachments import AttachmentStore

        return AttachmentStore(
            self.path / ATTACHMENTS,
            quota_bytes=self._quota_bytes,
            read_only=self.backend.read_only,
            pid=self.backend.pid,
        )

    def remove_unreferenced(self, *, older_than_s: float = 86_400.0) -> list[str]:
        """Delete attachments that no experience names; return their digests.

        Args:
            older_than_s: Only files last put at least this many seconds ago, >= 0: a process may take this
                long from putting a file to recording the experience that names it.

        Raises:
            InvalidQuery: `older_than_s` is not a number of at least 0.
            StoreError: The store is read-only, or its folder cannot be written.
        """
        from embodied_mem.store.upkeep.unreferenced import remove_unreferenced

        return remove_unreferenced(self.backend, self.path, older_than_s=older_than_s)

    def check(self, *, repair: bool = False) -> "CheckReport":
        """Compare everything in the store with its checksums; see `upkeep.check`.

        Args:
            repair: Whether to rebuild what can be rebuilt and move aside what cannot.

        Raises:
            InvalidQuery: `repair` is not a bool; any text, also 'no', would count as True.
            StoreError: A repair was requested and the store is read-only, in use, or cannot be written.
        """
        check_type("repair", repair, bool, "True or False")
        from embodied_mem.store.upkeep.check import check

        # By the system time and not the store's clock: leftover files of killed processes carry it.
        return check(self.backend, self.path, repair=repair)

    def reembed(
        self, embedder: Embedder[str], *, field: str = "text", progress: Progress | None = None
    ) -> "ReembedReport":
        """Replace the vectors of a field by those of another embedder; see `upkeep.reembed`.

        After an interruption, the next call continues where it stopped.
        """
        from embodied_mem.store.upkeep.reembed import reembed

        return reembed(self.backend, embedder, field=field, progress=progress)

    def close(self) -> None:
        """Close the files; closing twice is allowed. Memories of this store cannot be used afterwards."""
        self.backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_views", "_lock")}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        self._reset()

    def _reset(self) -> None:
        self._views = LogViews(self.backend)
        self._lock = threading.Lock()
