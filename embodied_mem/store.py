"""`MemoryStore`: a folder that holds a memory, and its administration."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

from embodied_mem.argument_checks import check_type
from embodied_mem.backends.disk import ATTACHMENTS
from embodied_mem.backends.disk import FILE_NAME as FILE_NAME
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.codec import experience_from_document
from embodied_mem.contracts import Embedder, Forgetting, Memory
from embodied_mem.experience_memory import ExperienceMemory, MemoryOptions
from embodied_mem.filters import Where
from embodied_mem.index.options import DEFAULT_OPTIONS, IndexOptions
from embodied_mem.log import EntryKind
from embodied_mem.modes import with_mode
from embodied_mem.records import Experience
from embodied_mem.store_folder import absolute_path, check_store
from embodied_mem.store_options import OpenOptions, check_options
from embodied_mem.store_stats import StoreStats, stats_of
from embodied_mem.synonyms import Synonyms
from embodied_mem.transfer.entries import visible_entries
from embodied_mem.views.log_views import LogViews
from embodied_mem.views.view import is_in

if TYPE_CHECKING:  # most programs record and recall; what administers is loaded when it is asked for
    from embodied_mem.transfer.manifest import Manifest
    from embodied_mem.transfer.merge import MergeReport
    from embodied_mem.transfer.snapshot import Snapshot
    from embodied_mem.upkeep.attachments import AttachmentStore
    from embodied_mem.upkeep.check_report import CheckReport
    from embodied_mem.upkeep.forget import ForgetOptions
    from embodied_mem.upkeep.history import Change
    from embodied_mem.upkeep.purge import PurgeReport
    from embodied_mem.upkeep.reembed import ReembedReport
    from embodied_mem.upkeep.retention import Retention, RetentionOptions, RetentionReport

Progress = Callable[[int, int], None]  # done, of how many


class MemoryStore:
    """A folder with everything a memory keeps; made with `MemoryStore.open`.

    Pickled, as for a spawned worker, it opens the folder again where it arrives.

    Args:
        path: The folder.
        backend: The log in it.
        quota_bytes: What all attachments may take together; None sets no limit.
        clock: Seconds since the Unix epoch; says when something was recorded, archived, purged or copied.
    """

    def __init__(
        self,
        path: Path,
        backend: SqliteBackend,
        *,
        quota_bytes: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
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
        """The store in this folder, which is made if absent.

        Args:
            path: The folder; a leading `~` is the home folder.
            read_only: Refuse every write; the store must be there.
            fsync: Whether each commit waits for the disk, so that it survives a power cut and not only `kill
                -9`.
            commit_every: How many records are committed together; above 1, `Receipt.wait` says when one is
                safe, and `flush` commits what waits.
            busy_timeout_s: How long to wait for another process that writes, in seconds, up to a day.
            synonyms: What counts as the same word in text search; the library's own if None.
            index: How much memory the index may take and when it is saved.
            quota_bytes: What all attachments may take together; None sets no limit.
            clock: Seconds since the Unix epoch, for everything that says when: recording, archiving, and what
                `memory` records and how old it is.

        Raises:
            InvalidQuery: The value of an option means nothing.
            StoreError: The folder or its file cannot be opened, or what is in it is no store of this version.
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
        folder = absolute_path(path)
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
    def memory(
        self, mode: Literal["learn"] = "learn", **options: Unpack[MemoryOptions]
    ) -> ExperienceMemory: ...

    @overload
    def memory(self, mode: str, **options: Unpack[MemoryOptions]) -> Memory: ...

    def memory(self, mode: str = "learn", **options: Unpack[MemoryOptions]) -> Memory:
        """The memory in this store.

        Args:
            mode: `learn`; `frozen` to refuse writes; `off` to recall nothing as well.
            options: Keyword arguments of `ExperienceMemory`: embedder, scope, weights, clock; with no clock,
                it has that of the store.

        Raises:
            InvalidQuery: An option is of another type.
            UnknownName: No such mode.
        """
        options.setdefault("clock", self._clock)
        return with_mode(ExperienceMemory(self.backend, **options), mode)

    def experiences(self) -> Iterator[Experience]:
        """Every experience that is not withdrawn, in the order of writing; archived ones among them."""
        for logged in visible_entries(self.backend):
            if logged.entry.kind == EntryKind.EXPERIENCE:
                yield experience_from_document(logged.entry.payload, logged.entry.vectors)

    def get(self, experience_id: str) -> Experience:
        """The experience of this id, archived or not.

        Raises:
            UnknownName: None of that id is here, or it was withdrawn; the message gives the nearest ids.
        """
        from embodied_mem.upkeep.archive import unknown_experience

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
        """Ids of experiences that say nothing new, by the id of the first that said it.

        Kind, words of the task, plan and status are the same, and nine tenths of the words of the states. Of
        each such group `recall(..., distinct=True)` gives one, with `Recalled.n_alike`. Both ids and groups
        are in the order of writing; archived experiences are among them, withdrawn ones are not.
        """
        from embodied_mem.views.by_id import near_duplicates

        with self._lock, self.backend.reading():
            self._views.catch_up()
            return near_duplicates(self.backend, self._views)

    def utility(self) -> dict[str, float]:
        """How useful each experience has been, in [0, 1), by id; one that is missing was never used: 0.

        It grows with every later experience that lists it in `recalled` and with every vote that it helped,
        and falls with every vote that it did not; see `embodied_mem.ranking.utility_of`.
        """
        from embodied_mem.views.by_id import utility

        with self._lock, self.backend.reading():
            self._views.catch_up()
            return utility(self.backend, self._views)

    def flush(self) -> None:
        """Commit what was recorded and is still held back by `commit_every`."""
        self.backend.flush()

    def save_index(self) -> None:
        """Keep the index on disk, so that whoever opens the store next need not make it from the log."""
        self.backend.save_index()

    def compact(self) -> None:
        """Give back the disk space that `reembed` leaves where the new vectors are shorter than the old ones.

        The log is written anew, which takes its size once more while it works. Not needed after `purge`,
        which does the same; and what is left is used by later records in any case.

        Raises:
            StoreError: The store is read-only, another process reads it for too long, or the disk is full.
        """
        self.backend.compact()

    def snapshot(self, sequence: int | None = None) -> "Snapshot[MemoryStore]":
        """The store as it was after an entry, to be read; the newest if None.

        Raises:
            InvalidQuery: No such sequence number has been written yet.
        """
        from embodied_mem.transfer.snapshot import Snapshot

        return Snapshot(self.backend, sequence, clock=self._clock, branch=self.branch)

    def branch(
        self, path: str | Path, *, sequence: int | None = None, **options: Unpack[OpenOptions]
    ) -> "MemoryStore":
        """A copy of this store in a folder of its own, as it was after an entry; see `transfer.branch`.

        It has the options of this store, so that it ranks and keeps alike; but it may be written in any case.

        Args:
            path: The new folder; it must not exist, or be empty.
            sequence: The last entry that the copy holds; None copies all there is.
            options: Those of `open` that are to be others.

        Raises:
            InvalidQuery: No such sequence number has been written yet, or an option is of another type.
            StoreError: The target holds something already, or cannot be written.
        """
        from embodied_mem.transfer.branch import branch

        check_options(options)
        folder = branch(self.backend, self.path, path, sequence=sequence, clock=self._clock)
        opened: OpenOptions = {**self.backend.options, "quota_bytes": self._quota_bytes, **options}
        return MemoryStore.open(folder, **opened)

    def merge(self, other: "MemoryStore | str | Path") -> "MergeReport":
        """Add what another store holds and this one lacks; doing it again adds nothing.

        Raises:
            StoreError: There is no store at that path.
            UnknownSpace: A field has vectors of another space there; nothing was added.
        """
        from embodied_mem.transfer.merge import merge

        if isinstance(other, MemoryStore):
            return merge(self.backend, self.path, other.backend, other.path)
        check_store(other)
        with MemoryStore.open(other, read_only=True) as opened:
            return merge(self.backend, self.path, opened.backend, opened.path)

    def export(self, folder: str | Path, *, progress: Progress | None = None) -> "Manifest":
        """Write what is not withdrawn into a folder of plain files; see `transfer.portable`."""
        from embodied_mem.transfer.portable import export

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
        """A new store from an exported folder, embedded anew if need be; see `transfer.import_folder`.

        Args:
            folder: A folder made by `export`.
            path: The folder of the new store; it must not exist, or be empty.
            embedder: What the new store will be used with; None keeps the vectors as they are.
            progress: Told how many entries are read, of how many.
            options: Those of `open`, for the new store.

        Raises:
            InvalidQuery: The embedder or an option is of another type.
            StoreError: A file is missing or damaged, or the new folder cannot be made; nothing was imported.
        """
        from embodied_mem.transfer.import_folder import import_folder

        check_options(options)
        return cls.open(import_folder(folder, path, embedder=embedder, progress=progress), **options)

    def history(self, experience_id: str) -> "list[Change]":
        """Everything that happened to an experience, in the order of the log."""
        from embodied_mem.upkeep.history import history

        return history(self.backend, experience_id)

    def archive(self, ids: Iterable[str], *, reason: str = "") -> list[str]:
        """Softly forget experiences, which stay and are not recalled; the ids not archived before."""
        from embodied_mem.upkeep.archive import archive

        return archive(self.backend, ids, reason=reason, at_s=float(self._clock()))

    def restore(self, ids: Iterable[str], *, reason: str = "") -> list[str]:
        """Bring archived experiences back; the ids that were archived before."""
        from embodied_mem.upkeep.archive import restore

        return restore(self.backend, ids, reason=reason, at_s=float(self._clock()))

    def archived(self) -> list[str]:
        """The ids of what is archived now, in the order of archiving."""
        from embodied_mem.upkeep.archive import archived_ids

        return archived_ids(self.backend)

    def forget(
        self, policy: Forgetting | str, *, keep: int | None = None, **options: "Unpack[ForgetOptions]"
    ) -> list[str]:
        """Archive what a policy keeps least; the ids that were archived, the weakest first.

        Args:
            policy: A new one, which has been told nothing yet, or a registered name such as `lru`; see
                `embodied_mem.forgetting`.
            keep: How many of the experiences in question stay; None sets no number.
            options: `below`, `kind`, `where`, `unit`, `now`, `reason` of `upkeep.forget.forget`.

        Raises:
            InvalidQuery: Neither `keep` nor `below` is given, or an argument means nothing.
            UnknownName: No policy of that name.
        """
        from embodied_mem.upkeep.forget import forget

        return forget(self.backend, policy, keep=keep, at_s=float(self._clock()), **options)

    def apply_retention(
        self, rules: "Retention | Iterable[Retention]", **options: "Unpack[RetentionOptions]"
    ) -> "RetentionReport":
        """Let go of what is too old, too many or too large by the rule of its kind.

        Args:
            rules: One for each kind that has limits; see `embodied_mem.Retention`.
            options: `policy`, `action`, `unit` of `upkeep.retention.apply_retention`.

        Raises:
            InvalidQuery: A rule or an option means nothing, or two rules are for one kind.
        """
        from embodied_mem.upkeep.retention import apply_retention

        return apply_retention(self.backend, self.path, rules, now_s=float(self._clock()), **options)

    def purge(self, selector: Where | Iterable[str], *, dry_run: bool = False) -> "PurgeReport":
        """Remove experiences for good, with everything derived from them and every byte of their texts.

        Args:
            selector: A filter, or ids.
            dry_run: Whether to remove nothing and report what would be removed.

        Raises:
            StoreError: The store is read-only, or another process reads it for too long.
            InvalidQuery: The filter has nothing that could exclude an experience, as an empty one has not, or
                it is neither filter nor ids; nothing was removed.
            UnknownName: An id is of no experience; nothing was removed.
        """
        from embodied_mem.upkeep.purge import preview, purge

        if dry_run:
            return preview(self.backend, self.path, selector)
        return purge(self.backend, self.path, selector, at_s=float(self._clock()))

    @cached_property  # a new one would measure all files again for each put under a quota
    def attachments(self) -> "AttachmentStore":
        """The files beside the log: images, depth maps, sounds, by content hash."""
        from embodied_mem.upkeep.attachments import AttachmentStore

        return AttachmentStore(
            self.path / ATTACHMENTS,
            quota_bytes=self._quota_bytes,
            read_only=self.backend.read_only,
            pid=self.backend.pid,
        )

    def remove_unreferenced(self, *, older_than_s: float = 86_400.0) -> list[str]:
        """Delete attachments that no experience names, such as of a process that died; their digests.

        Args:
            older_than_s: Only those that nobody has put for so many seconds, >= 0: whoever puts a file may
                take so long to record the experience that names it.

        Raises:
            InvalidQuery: `older_than_s` is no number of at least 0.
            StoreError: The store is read-only, or its folder cannot be written.
        """
        from embodied_mem.upkeep.unreferenced import remove_unreferenced

        return remove_unreferenced(self.backend, self.path, older_than_s=older_than_s)

    def check(self, *, repair: bool = False) -> "CheckReport":
        """Compare everything that is kept with its checksums; see `upkeep.check`.

        Args:
            repair: Whether to make again what can be made again and move aside what cannot.

        Raises:
            InvalidQuery: `repair` is no truth value; a text would count as True whatever it says.
            StoreError: A repair was asked for and the store is read-only, in use, or cannot be written.
        """
        check_type("repair", repair, bool, "True or False")
        from embodied_mem.upkeep.check import check

        # By the time of the system, which the leftover files of killed processes carry, whatever the clock.
        return check(self.backend, self.path, repair=repair)

    def reembed(
        self, embedder: Embedder[str], *, field: str = "text", progress: Progress | None = None
    ) -> "ReembedReport":
        """Make the vectors of a field anew with another embedder; see `upkeep.reembed`.

        Call it again after an interruption and it goes on where it stopped.
        """
        from embodied_mem.upkeep.reembed import reembed

        return reembed(self.backend, embedder, field=field, progress=progress)

    def close(self) -> None:
        """Let go of the files; closing twice is allowed. Memories of this store cannot be used afterwards."""
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
