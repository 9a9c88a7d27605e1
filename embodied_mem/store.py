"""`MemoryStore`: a folder that holds a memory, and its administration."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, overload

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.codec import experience_from_document
from embodied_mem.contracts import Memory
from embodied_mem.experience_memory import ExperienceMemory
from embodied_mem.log import EntryKind, Logged, Search
from embodied_mem.modes import with_mode
from embodied_mem.records import Experience
from embodied_mem.spaces import Space
from embodied_mem.synonyms import Synonyms
from embodied_mem.views.log_views import LogViews, is_in

FILE_NAME = "experiences.sqlite"
PAGE = 256  # entries read at once while iterating


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """What a store holds.

    Attributes:
        path: The folder.
        n_experiences: Experiences that can be recalled.
        n_withdrawn: Experiences that are kept and hidden.
        n_feedback: Feedback that counts.
        last_sequence: The newest sequence number of the log; 0 while it is empty.
        spaces: The space of each field that has vectors.
        size_bytes: Size of the files on disk.
    """

    path: Path
    n_experiences: int
    n_withdrawn: int
    n_feedback: int
    last_sequence: int
    spaces: Mapping[str, Space]
    size_bytes: int


class MemoryStore:
    """A folder with everything a memory keeps; made with `MemoryStore.open`.

    Pickled, as for a spawned worker, it opens the folder again where it arrives.

    Args:
        path: The folder.
        backend: The log in it.
    """

    def __init__(self, path: Path, backend: SqliteBackend) -> None:
        self.path = path
        self.backend = backend
        self._reset()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        read_only: bool = False,
        fsync: bool = False,
        synonyms: Synonyms | None = None,
    ) -> Self:
        """The store in this folder, which is made if absent.

        Args:
            path: The folder; a leading `~` is the home folder.
            read_only: Refuse every write; the store must be there.
            fsync: Whether each write waits for the disk, so that it survives a power cut and not only `kill
                -9`.
            synonyms: What counts as the same word in text search; the library's own if None.

        Raises:
            StoreError: The folder cannot be used, or what is in it is no store of this version.
        """
        folder = Path(path).expanduser().absolute()
        file = folder / FILE_NAME
        return cls(folder, SqliteBackend(file, read_only=read_only, fsync=fsync, synonyms=synonyms))

    @overload
    def memory(self, mode: Literal["learn"] = "learn", **options: Any) -> ExperienceMemory: ...

    @overload
    def memory(self, mode: str, **options: Any) -> Memory: ...

    def memory(self, mode: str = "learn", **options: Any) -> Memory:
        """The memory in this store.

        Args:
            mode: `learn`; `frozen` to refuse writes; `off` to recall nothing as well.
            options: Keyword arguments of `ExperienceMemory`: embedder, scope, weights, clock.

        Raises:
            UnknownName: No such mode.
        """
        return with_mode(ExperienceMemory(self.backend, **options), mode)

    def experiences(self) -> Iterator[Experience]:
        """Every experience that is not withdrawn, in the order of writing."""
        with self._lock:
            self._views.catch_up()
            spans = self._views.visible(None)
        for logged in self._entries():
            if logged.entry.kind == EntryKind.EXPERIENCE and is_in(logged.sequence, spans):
                yield experience_from_document(logged.entry.payload, logged.entry.vectors)

    def stats(self) -> StoreStats:
        """How much the store holds."""
        with self._lock:
            self._views.catch_up()
            spans = self._views.visible(None)
        everything = self.backend.search(Search(kind=EntryKind.EXPERIENCE, k=0)).n_candidates
        visible = self.backend.search(Search(kind=EntryKind.EXPERIENCE, spans=spans, k=0)).n_candidates
        return StoreStats(
            path=self.path,
            n_experiences=visible,
            n_withdrawn=everything - visible,
            n_feedback=self.backend.search(Search(kind=EntryKind.FEEDBACK, spans=spans, k=0)).n_candidates,
            last_sequence=self.backend.last_sequence(),
            spaces=self.backend.spaces(),
            size_bytes=sum(file.stat().st_size for file in self.path.glob(f"{FILE_NAME}*")),
        )

    def close(self) -> None:
        """Let go of the files; closing twice is allowed. Memories of this store cannot be used afterwards."""
        self.backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "backend": self.backend}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        self._reset()

    def _reset(self) -> None:
        self._views = LogViews(self.backend)
        self._lock = threading.Lock()

    def _entries(self) -> Iterator[Logged]:
        sequence = 0
        while page := self.backend.changes_since(sequence, limit=PAGE):
            yield from page
            sequence = page[-1].sequence
