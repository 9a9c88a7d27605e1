"""Re-embed a store: the old vectors stay in use until the new ones are complete."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from embodied_mem import failpoints
from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.reembedding import StagedRow, exchange_vectors
from embodied_mem.backends.sqlite.rows import digest_of
from embodied_mem.contracts import Embedder
from embodied_mem.errors import StoreError
from embodied_mem.memory.retrieval import TEXT_FIELD
from embodied_mem.records.argument_checks import check_embedder
from embodied_mem.records.codec import experience_from_document
from embodied_mem.records.json_values import canonical
from embodied_mem.records.log import EntryKind, Logged
from embodied_mem.records.spaces import FieldVector, Space
from embodied_mem.store.upkeep.soundness import check_sound
from embodied_mem.store.upkeep.staged_vectors import StagedVectors
from embodied_mem.store.upkeep.texts import check_field, embedded_batch, text_to_embed

logger = logging.getLogger(__name__)

BATCH = 128  # entries embedded and committed together; a kill loses at most one batch


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembedReport:
    """What a re-embedding did.

    Attributes:
        field: The field.
        old_space: The space of its old vectors; None if it had none.
        new_space: The space of its new vectors.
        n_embedded: Number of vectors computed by this call.
        n_resumed: Number of vectors computed by an earlier, interrupted call.
    """

    field: str
    old_space: Space | None
    new_space: Space
    n_embedded: int
    n_resumed: int


def reembed(
    backend: SqliteBackend,
    embedder: Embedder[str],
    *,
    field: str = TEXT_FIELD,
    progress: Callable[[int, int], None] | None = None,
) -> ReembedReport:
    """Replace a field's vectors in every experience, withdrawn and archived ones included.

    Recall with the old embedder works until the end; then all vectors change in one transaction, for which
    other writers wait, and recall and record need the new embedder. Experiences recorded meanwhile are
    included. After an interruption, the next call continues where it stopped.

    Args:
        backend: The log.
        embedder: Computes the new vectors.
        field: `text`, `task`, `state` or `outcome`.
        progress: Called with the sequence number reached and the newest one.

    Raises:
        InvalidQuery: `embedder` is not an embedder, for example a name.
        InvalidEmbedding: The embedder gave anything but one row of finite numbers a text.
        StoreError: The store is open for reading only, entries are damaged, which new hashes would hide, or a
            purge ran meanwhile.
        UnknownName: The field has no text.
    """
    if backend.read_only:
        raise StoreError(f"{backend.path} is open for reading only; open it without read_only to re-embed")
    check_embedder(embedder)
    check_field(field)
    backend.flush()
    old = backend.spaces().get(field)
    check_sound(backend)
    with StagedVectors(backend.path.parent, field, embedder.space, generation=backend.generation()) as staged:
        work = _Work(backend, embedder, field, staged)
        n_resumed = staged.count()
        work.stage(progress)
        n_staged = staged.count()
        failpoints.reach("migration:reembed-staged")
        if not staged.path.exists():
            raise StoreError(
                f"a purge of {backend.path.parent} removed the new vectors, which may derive from purged "
                "texts; the old vectors are still in use, re-embed again"
            )
        exchange_vectors(
            backend.path,
            staged.path,
            field,
            embedder.space,
            staged_at=staged.generation(),
            late=work.late,
        )
        failpoints.reach("migration:reembed-switched")
        staged.remove()
    logger.info("re-embedded %d vectors of %s in %s", n_staged, field, embedder.space)
    return ReembedReport(
        field=field,
        old_space=old,
        new_space=embedder.space,
        n_embedded=n_staged + work.n_late - n_resumed,
        n_resumed=n_resumed,
    )


class _Work:
    """A running re-embedding."""

    def __init__(
        self, backend: SqliteBackend, embedder: Embedder[str], field: str, staged: StagedVectors
    ) -> None:
        self.n_late = 0  # recorded between the last batch and the exchange
        self._backend = backend
        self._embedder = embedder
        self._field = field
        self._staged = staged

    def stage(self, progress: Callable[[int, int], None] | None) -> None:
        """Embed the entries that are not yet staged, batch by batch."""
        while page := self._backend.changes_since(self._staged.last(), limit=BATCH):
            self._staged.add(self._embedded(page))
            failpoints.reach("migration:reembed-batch")
            if progress is not None:
                progress(page[-1].sequence, max(page[-1].sequence, self._backend.last_sequence()))

    def late(self) -> Iterator[StagedRow]:
        """Rows recorded after the last batch; called while no other process can write."""
        last = self._staged.last()
        with SqliteBackend(self._backend.path, read_only=True) as reader:
            while page := reader.changes_since(last, limit=BATCH):
                rows = self._embedded(page)
                self.n_late += sum(data is not None for _, data, _ in rows)
                yield from rows
                last = page[-1].sequence

    def _embedded(self, page: Sequence[Logged]) -> list[StagedRow]:
        texts = [self._text(logged) for logged in page]
        vectors = embedded_batch(self._embedder, texts, field=self._field)
        return [self._row(logged, vector) for logged, vector in zip(page, vectors, strict=True)]

    def _text(self, logged: Logged) -> str:
        if logged.entry.kind != EntryKind.EXPERIENCE:
            return ""
        return text_to_embed(experience_from_document(logged.entry.payload), self._field)

    def _row(self, logged: Logged, vector: FieldVector | None) -> StagedRow:
        """The vector and the entry's hash with it, in place of the old vector or after the last one."""
        entry = logged.entry
        fields = [held.field for held in entry.vectors]
        vectors = list(entry.vectors)
        if self._field in fields:
            at = fields.index(self._field)
            vectors[at : at + 1] = [] if vector is None else [vector]
        elif vector is not None:
            vectors.append(vector)
        written = canonical(entry.payload), canonical(dict(entry.texts))
        data = None if vector is None else vector.values.astype("<f4").tobytes()
        return logged.sequence, data, digest_of(entry.kind, *written, vectors)
