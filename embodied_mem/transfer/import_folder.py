"""Reading an exported folder into a store of its own: every checksum first, and nothing is guessed."""

import json
import logging
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, cast

from embodied_mem.argument_checks import check_embedder
from embodied_mem.backends.disk import ATTACHMENTS, FILE_NAME
from embodied_mem.backends.network_disk import refuse_network_disk
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.backends.sqlite_rows import digest_of
from embodied_mem.codec import DOCUMENT_VERSION, experience_from_document
from embodied_mem.contracts import Embedder
from embodied_mem.errors import EmbodiedMemError, InvalidRecord, StoreError
from embodied_mem.json_values import canonical, check_text
from embodied_mem.log import Entry, EntryKind
from embodied_mem.retrieval import TEXT_FIELD
from embodied_mem.spaces import FieldVector, Space, Vectors
from embodied_mem.store_folder import absolute_path, check_absent, new_folder
from embodied_mem.transfer.manifest import ENTRIES_FILE, Manifest, sha256_of
from embodied_mem.transfer.portable import Progress
from embodied_mem.transfer.vector_file import open_vectors
from embodied_mem.upkeep.attached import attachment_file
from embodied_mem.upkeep.texts import embedded_batch, text_to_embed

logger = logging.getLogger(__name__)

BATCH = 256
MAX_S = sys.float_info.max  # JSON may hold whole numbers beyond it, and NaN

Read: TypeAlias = tuple[Entry, float | None]  # and when it was recorded; None if the folder does not say


def import_folder(
    source: str | Path,
    path: str | Path,
    *,
    embedder: Embedder[str] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Make a store of an exported folder, with the same ids, content, order and times of recording.

    So it answers `as_of_s` like the store that was exported. Folders written before times of recording were
    exported have none; what they hold counts as recorded when it is imported.

    Args:
        source: A folder made by `export`.
        path: The folder of the new store; it must not exist, or be empty.
        embedder: What the new store will be used with. Where the folder's vectors of texts lie in another
            space, it embeds the texts anew. None keeps the vectors, and the store then refuses any embedder
            but the one that made them.
        progress: Told how many entries are read, of how many.

    Returns:
        The folder of the new store.

    Raises:
        InvalidQuery: The embedder is none, such as the name of one.
        StoreError: A file is missing, damaged or of a newer version, or the new folder would lie on a network
            disk; nothing was imported.
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
    anew = _embedder_anew(manifest, embedder)
    target = absolute_path(path)
    refuse_network_disk(target)  # here, as the log would say so of a folder that nobody asked for
    check_absent(target)
    manifest.verify(origin)
    with new_folder(target) as partial:
        _copy_attachments(origin, partial)
        with SqliteBackend(partial / FILE_NAME) as backend:
            _fill(backend, _Reader(origin, manifest), anew, sum(manifest.counts.values()), progress)
    logger.info("imported %s into %s: %s", origin, target, dict(manifest.counts))
    return target


def _embedder_anew(manifest: Manifest, embedder: Embedder[str] | None) -> Embedder[str] | None:
    """What embeds the texts anew; None keeps the vectors of the folder."""
    held = next((item.space for item in manifest.vectors if item.field == TEXT_FIELD and item.count), None)
    return None if embedder is None or held == embedder.space else embedder


class _Reader:
    """Entries of an exported folder."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._path = folder / ENTRIES_FILE
        if ENTRIES_FILE not in manifest.files:
            raise StoreError(f"{folder} names no {ENTRIES_FILE}; export the store again")
        self._vectors: dict[str, tuple[Space, Vectors]] = {}
        for item in manifest.vectors:
            if item.file not in manifest.files:
                raise StoreError(
                    f"{folder / item.file} has no checksum in the manifest; export the store again"
                )
            rows = open_vectors(folder / item.file, count=item.count, dimension=item.space.dimension)
            self._vectors[item.field] = (item.space, rows)

    def entries(self) -> Iterator[Read]:
        """Each entry, compared with its digest, and when it was recorded.

        Raises:
            StoreError: A line is no entry, or not the one that was exported.
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
                f"{self._path}, line {number}: the content of {entry.id!r} does not give its digest; export "
                "the store again"
            )
        is_checked = entry.kind == EntryKind.EXPERIENCE  # by `_validate`; others are few
        return replace(entry, is_checked=is_checked), recorded_at_s

    def _vector(self, field: str, row: int) -> FieldVector:
        space, rows = self._vectors[field]
        if isinstance(row, bool) or not 0 <= row < len(rows):
            raise IndexError(f"row {row!r} of the vectors of {field!r}, which has {len(rows)}")
        return FieldVector(field=field, space=space, values=rows[row])


def _validate(entry: Entry) -> None:
    """Refuse what a folder from a stranger may hold and no memory writes.

    Raises:
        InvalidRecord: A text is none, or the experience is none.
    """
    for name, text in entry.texts.items():
        check_text(text, field=f"texts.{name}")
    if entry.kind != EntryKind.EXPERIENCE:
        return  # looked at by the store, like any other entry
    if experience_from_document(entry.payload).id != entry.id:
        raise InvalidRecord(f"the experience has another id than its entry, {entry.id!r}")


def _time(value: object) -> float | None:
    """A time of recording.

    Raises:
        ValueError: It is no finite number; every later entry would count as recorded at infinity.
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
        entries = entries if embedder is None else _embedded_anew(entries, embedder)
        backend.append_recorded(entries, times_s)
        done += len(batch)
        if progress is not None:
            progress(done, total)
    backend.flush()


def _embedded_anew(batch: Sequence[Entry], embedder: Embedder[str]) -> list[Entry]:
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
    """Copy files whose content is what their name says.

    Raises:
        StoreError: One is not.
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
