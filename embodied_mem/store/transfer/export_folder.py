"""Export a store into one folder of plain files: JSON lines, arrays and attachments, with checksums."""

import json
import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from embodied_mem import __version__
from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import ATTACHMENTS
from embodied_mem.backends.sqlite.rows import digest_of
from embodied_mem.errors import StoreError
from embodied_mem.records.codec import DOCUMENT_VERSION
from embodied_mem.records.json_values import canonical
from embodied_mem.records.log import Entry, Logged
from embodied_mem.records.spaces import FieldVector
from embodied_mem.store.folder import absolute_path, check_outside, new_folder
from embodied_mem.store.transfer.entries import LOCAL_KINDS, PAGE, visible_entries
from embodied_mem.store.transfer.manifest import ENTRIES_FILE, Manifest, VectorFile, files_below, sha256_of
from embodied_mem.store.transfer.vector_file import VectorFileWriter
from embodied_mem.store.upkeep.attached import attached_digests, attachment_file
from embodied_mem.store.upkeep.soundness import check_sound

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]  # (done, total)


def export(
    backend: SqliteBackend,
    folder: Path,
    target: str | Path,
    *,
    clock: Callable[[], float] = time.time,
    progress: Progress | None = None,
) -> Manifest:
    """Write all entries that are not withdrawn into a folder of plain files, completely or not at all.

    A line of `experiences.jsonl` is one entry: its content, the digest of that, and its time of recording.

    Args:
        backend: The log of the store.
        folder: The store's folder.
        target: The new folder; it must not exist, or be empty.
        clock: Returns seconds since the Unix epoch, stored in the manifest.
        progress: Called with the sequence number written and the newest one.

    Returns:
        The manifest, which is also in `manifest.json` of the folder.

    Raises:
        StoreError: The target is not empty, cannot be written, or lies in the store; or entries of the store
            are damaged.
    """
    path = absolute_path(target)
    check_outside(path, folder)
    if not backend.read_only:
        backend.flush()
    check_sound(backend)
    last = backend.last_sequence()
    with new_folder(path) as partial:
        writing = _Export(backend, folder, partial)
        writing.write_entries(_with_progress(visible_entries(backend, as_of=last), last, progress))
        manifest = writing.manifest(created_at_s=float(clock()))
        manifest.write(partial)
    logger.info("exported %s into %s: %s", folder, path, dict(manifest.counts))
    return manifest


class _Export:
    """A running export."""

    def __init__(self, backend: SqliteBackend, folder: Path, partial: Path) -> None:
        self._backend = backend
        self._spaces = backend.spaces()
        self._source = folder / ATTACHMENTS
        self._partial = partial
        self._counts: Counter[str] = Counter()
        self._missing: set[str] = set()
        self._files = {name: f"vectors/{n}.npy" for n, name in enumerate(sorted(self._spaces))}
        self._writers: dict[str, VectorFileWriter] = {}
        # Of one page of entries; a read for each entry makes an export take 1.5 times as long.
        self._times_s: dict[int, float] = {}

    def write_entries(self, entries: Iterable[Logged]) -> None:
        """Write each entry as a line, its vectors and its attachments."""
        (self._partial / "vectors").mkdir()
        with ExitStack() as stack:
            lines = stack.enter_context(
                (self._partial / ENTRIES_FILE).open("w", encoding="utf-8", newline="\n")
            )
            for name, file in self._files.items():
                writer = VectorFileWriter(self._partial / file, self._spaces[name].dimension)
                self._writers[name] = stack.enter_context(writer)
            for logged in entries:
                if logged.entry.kind not in LOCAL_KINDS:
                    self._write(logged, lines)

    def manifest(self, *, created_at_s: float) -> Manifest:
        """The manifest of the written files, with checksums."""
        vectors = [
            VectorFile(field=name, space=self._spaces[name], file=file, count=self._writers[name].count)
            for name, file in self._files.items()
        ]
        return Manifest(
            schema=DOCUMENT_VERSION,
            library=__version__,
            created_at_s=created_at_s,
            counts=dict(sorted(self._counts.items())),
            vectors=tuple(vectors),
            missing_attachments=tuple(sorted(self._missing)),
            files={name: sha256_of(self._partial / name) for name in files_below(self._partial)},
        )

    def _write(self, logged: Logged, lines: TextIO) -> None:
        entry = logged.entry
        lines.write(self._line(entry, recorded_at_s=self._recorded_at(logged.sequence)))
        self._counts[str(entry.kind)] += 1
        self._copy_attachments(entry)

    def _recorded_at(self, sequence: int) -> float | None:
        if sequence not in self._times_s:
            self._times_s = self._backend.times_since(sequence - 1, limit=PAGE)
        return self._times_s.get(sequence)

    def _line(self, entry: Entry, *, recorded_at_s: float | None) -> str:
        rows = [[vector.field, self._row(vector)] for vector in entry.vectors]
        payload, texts = canonical(entry.payload), canonical(dict(entry.texts))
        line: dict[str, str] = {  # sorted; each value is JSON already, so that nothing is serialized twice
            "digest": canonical(digest_of(entry.kind, payload, texts, entry.vectors).hex()),
            "id": canonical(entry.id),
            "kind": canonical(str(entry.kind)),
            "payload": payload,
            "recorded_at_s": json.dumps(recorded_at_s),  # null for an entry that was just purged
            "texts": texts,
            "vectors": json.dumps(rows, ensure_ascii=False),
        }
        return "{" + ",".join(f'"{name}":{value}' for name, value in line.items()) + "}\n"

    def _copy_attachments(self, entry: Entry) -> None:
        for digest in attached_digests([entry]):
            source = attachment_file(self._source, digest)
            if source.is_file():
                (self._partial / ATTACHMENTS).mkdir(exist_ok=True)
                shutil.copyfile(source, self._partial / ATTACHMENTS / digest)  # a link would share edits
            else:
                self._missing.add(digest)

    def _row(self, vector: FieldVector) -> int:
        if vector.space != self._spaces[vector.field]:
            raise StoreError(f"field {vector.field!r} was re-embedded during the export; export again")
        return self._writers[vector.field].add(vector.values)


def _with_progress(entries: Iterator[Logged], total: int, progress: Progress | None) -> Iterator[Logged]:
    for logged in entries:
        yield logged
        if progress is not None:
            progress(logged.sequence, total)
