"""Import an exported folder into a new store, after verifying every checksum."""

import json
import logging
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, cast

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import ATTACHMENTS, FILE_NAME
from embodied_mem.backends.sqlite.network_disk import refuse_network_disk
from embodied_mem.backends.sqlite.rows import digest_of
from embodied_mem.contracts import Embedder
from embodied_mem.errors import EmbodiedMemError, InvalidRecord, StoreError
from embodied_mem.memory.retrieval import TEXT_FIELD
from embodied_mem.records.argument_checks import check_embedder
from embodied_mem.records.codec import DOCUMENT_VERSION, experience_from_document
from embodied_mem.records.json_values import canonical, check_text
from embodied_mem.records.log import Entry, EntryKind
from embodied_mem.records.spaces import FieldVector, Space, Vectors
from embodied_mem.store.folder import absolute_path, check_absent, new_folder
from embodied_mem.store.transfer.export_folder import Progress
from embodied_mem.store.transfer.manifest import ENTRIES_FILE, Manifest, sha256_of
from embodied_mem.store.transfer.vector_file import open_vectors
from embodied_mem.store.upkeep.attached import attachment_file
from embodied_mem.store.upkeep.texts import embedded_batch, text_to_embed

logger = logging.getLogger(__name__)

BATCH = 256
MAX_S = sys.float_info.max  # JSON may hold larger integers, and NaN

Read: TypeAlias = tuple[Entry, float | None]  # an entry and its time of recording, if it has one


def import_folder(
    source: str | Path,
    path: str | Path,
    *,
    embedder: Embedder[str] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Create a store from an exported folder, with the same ids, content, order and times of recording.

    So it answers `as_of_s` like the exported store. Folders of older versions have no times of recording;
    their entries count as recorded at the import.

    Args:
        source: A folder made by `export`.
        path: The folder of the new store; it must not exist, or be empty.
        embedder: The embedder that the new store will be used with. If the folder's text vectors are of
            another space, it re-embeds the texts. None keeps the vectors, and the store then accepts only
            the embedder that made them.
        progress: Called with the number of entries read and their total.

    Returns:
        The folder of the new store.

    Raises:
        InvalidQuery: `embedder` is not an embedder, for example a name.
        StoreError: A file is missing, damaged or of a newer version, or the new folder is on a network disk;
            nothing was imported.
    """
    if embedder is not None:
        check_embedder(embedder)
    origin = absolute_path(source)
    manifest = Manifest.read(origin)
    if manifest.schema > DOCUMENT_VERSION:
        raise StoreError(
            f"{origin} holds documents of schema {manifest.schema}; this version of the library reads up to "
            f"{DOCUMENT_VERSION}. Upgrade embodied-mem to import it."
        )
    reembedder = _reembedder(manifest, embedder)
    target = absolute_path(path)
    refuse_network_disk(target)  # here, as the log would name the temporary folder in its error
    check_absent(target)
    manifest.verify(origin)
    with new_folder(target) as partial:
        _copy_attachments(origin, partial)
        with SqliteBackend(partial / FILE_NAME) as backend:
            _fill(backend, _Reader(origin, manifest), reembedder, sum(manifest.counts.values()), progress)
    logger.info("imported %s into %s: %s", origin, target, dict(manifest.counts))
    return target


def _reembedder(manifest: Manifest, embedder: Embedder[str] | None) -> Embedder[str] | None:
    """The embedder that re-embeds the texts; None keeps the vectors of the folder."""
    held = next((item.space for item in manifest.vectors if item.field == TEXT_FIELD and item.count), None)
    return None if embedder is None or held == embedder.space else embedder


class _Reader:
    """Reads the entries of an exported folder."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._path = folder / ENTRIES_FILE
        if ENTRIES_FILE not in manifest.files:
            raise StoreError(f"the manifest of {folder} does not list {ENTRIES_FILE}; export the store again")
        self._vectors: dict[str, tuple[Space, Vectors]] = {}
        for item in manifest.vectors:
            if item.file not in manifest.files:
                raise StoreError(
                    f"{folder / item.file} has no checksum in the manifest; export the store again"
                )
            rows = open_vectors(folder / item.file, count=item.count, dimension=item.space.dimension)
            self._vectors[item.field] = (item.space, rows)

    def entries(self) -> Iterator[Read]:
        """Each entry, compared with its digest, and its time of recording.

        Raises:
            StoreError: A line is not a valid entry, or differs from the exported one.
        """
        with self._path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield self._entry(number, line)

    def _entry(self, number: int, line: str) -> Read:
        try:
            document = cast("dict[str, Any]", json.loads(line))
            entry = Entry(
                id=document["id"],
                kind=document["kind"],
                payload=document["payload"],
                texts=document["texts"],
                vectors=tuple(self._vector(field, row) for field, row in document["vectors"]),
            )
            written = canonical(entry.payload), canonical(dict(entry.texts))
            is_same = digest_of(entry.kind, *written, entry.vectors).hex() == document["digest"]
            _validate(entry)
            recorded_at_s = _time(document.get("recorded_at_s"))
        except (EmbodiedMemError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise StoreError(f"{self._path}, line {number}: {error}; export the store again") from error
        if not is_same:
            raise StoreError(
                f"{self._path}, line {number}: the content of {entry.id!r} does not match its digest; export "
                "the store again"
            )
        is_checked = entry.kind == EntryKind.EXPERIENCE  # by `_validate`; others are few
        return replace(entry, is_checked=is_checked), recorded_at_s

    def _vector(self, field: str, row: int) -> FieldVector:
        space, rows = self._vectors[field]
        if isinstance(row, bool) or not 0 <= row < len(rows):
            raise IndexError(f"row {row!r} of the vectors of {field!r} does not exist; there are {len(rows)}")
        return FieldVector(field=field, space=space, values=rows[row])


def _validate(entry: Entry) -> None:
    """Reject entries that no memory writes; an untrusted folder may hold them.

    Raises:
        InvalidRecord: A text or the experience is invalid.
    """
    for name, text in entry.texts.items():
        check_text(text, field=f"texts.{name}")
    if entry.kind != EntryKind.EXPERIENCE:
        return  # the store validates it when it is appended
    if experience_from_document(entry.payload).id != entry.id:
        raise InvalidRecord(f"the experience has another id than its entry, {entry.id!r}")


def _time(value: object) -> float | None:
    """Parse a time of recording.

    Raises:
        ValueError: It is not a finite number; every later entry would count as recorded at infinity.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_S:
        raise ValueError(f"recorded_at_s is {value!r}; expected seconds since the Unix epoch")
    return float(value)


def _fill(
    backend: SqliteBackend,
    reader: _Reader,
    embedder: Embedder[str] | None,
    total: int,
    progress: Progress | None,
) -> None:
    read = reader.entries()
    done = 0
    while batch := list(islice(read, BATCH)):
        entries = [entry for entry, _ in batch]
        times_s = [recorded_at_s for _, recorded_at_s in batch]
        entries = entries if embedder is None else _reembedded(entries, embedder)
        backend.append_recorded(entries, times_s)
        done += len(batch)
        if progress is not None:
            progress(done, total)
    backend.flush()


def _reembedded(batch: Sequence[Entry], embedder: Embedder[str]) -> list[Entry]:
    texts = [
        text_to_embed(experience_from_document(entry.payload)) if entry.kind == EntryKind.EXPERIENCE else ""
        for entry in batch
    ]
    vectors = embedded_batch(embedder, texts, field=TEXT_FIELD)
    return [_with_vector(entry, vector) for entry, vector in zip(batch, vectors, strict=True)]


def _with_vector(entry: Entry, vector: FieldVector | None) -> Entry:
    others = tuple(held for held in entry.vectors if held.field != TEXT_FIELD)
    return replace(entry, vectors=others if vector is None else (*others, vector))


def _copy_attachments(origin: Path, partial: Path) -> None:
    """Copy the attachments after verifying their hashes.

    Raises:
        StoreError: A file does not hash to its name.
    """
    for file in sorted((origin / ATTACHMENTS).glob("*")):
        digest = file.name
        if not file.is_file() or sha256_of(file) != digest:
            raise StoreError(
                f"{file} is damaged: its content does not hash to its name; nothing was imported"
            )
        target = attachment_file(partial / ATTACHMENTS, digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
