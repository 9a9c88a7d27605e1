"""Embedding a store anew: the old vectors serve until the new ones are complete."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from embodied_mem import failpoints
from embodied_mem.argument_checks import check_embedder
from embodied_mem.backends.reembedding import StagedRow, exchange_vectors
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.backends.sqlite_rows import digest_of
from embodied_mem.codec import experience_from_document
from embodied_mem.contracts import Embedder
from embodied_mem.errors import StoreError
from embodied_mem.json_values import canonical
from embodied_mem.log import EntryKind, Logged
from embodied_mem.retrieval import TEXT_FIELD
from embodied_mem.spaces import FieldVector, Space
from embodied_mem.upkeep.soundness import check_sound
from embodied_mem.upkeep.staged_vectors import StagedVectors
from embodied_mem.upkeep.texts import check_field, embedded_batch, text_to_embed

logger = logging.getLogger(__name__)

BATCH = 128  # entries embedded and kept together; a kill loses the work of one batch


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembedReport:
    """What embedding anew did.

    Attributes:
        field: The field.
        old_space: What its vectors lay in; None if it had none.
        new_space: What they lie in now.
        n_embedded: Vectors made this time.
        n_resumed: Vectors that an earlier, interrupted attempt had made.
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
    """Give a field of every experience a vector of another embedder, withdrawn and archived ones included.

    Recall with the old embedder works until the last moment; then all vectors change at once, and recall and
    record need the new one. What is recorded meanwhile is covered. After an interruption the next call goes
    on where it stopped. While the vectors change at the end, other writers wait.

    Args:
        backend: The log.
        embedder: Makes the new vectors.
        field: `text`, or a field with a text of its own: `task`, `state`, `outcome`.
        progress: Told how far it looked through the log, of how far.

    Raises:
        InvalidQuery: The embedder is none, such as the name of one.
        InvalidRecord: The embedder gave vectors that no store can hold.
        StoreError: The store is open for reading only, entries are damaged, which new hashes would hide, or a
            purge came in between.
        UnknownName: No text goes into such a field.
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
                f"a purge of {backend.path.parent} removed what was embedded so far, which may tell of "
                "what is gone; the old vectors serve, re-embed again"
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
    logger.info("embedded %d vectors of %s anew in %s", n_staged, field, embedder.space)
    return ReembedReport(
        field=field,
        old_space=old,
        new_space=embedder.space,
        n_embedded=n_staged + work.n_late - n_resumed,
        n_resumed=n_resumed,
    )


class _Work:
    """Embedding on its way."""

    def __init__(
        self, backend: SqliteBackend, embedder: Embedder[str], field: str, staged: StagedVectors
    ) -> None:
        self.n_late = 0  # recorded between the last batch and the change
        self._backend = backend
        self._embedder = embedder
        self._field = field
        self._staged = staged

    def stage(self, progress: Callable[[int, int], None] | None) -> None:
        """Embed what is not yet staged, batch by batch."""
        while page := self._backend.changes_since(self._staged.last(), limit=BATCH):
            self._staged.add(self._embedded(page))
            failpoints.reach("migration:reembed-batch")
            if progress is not None:
                progress(page[-1].sequence, max(page[-1].sequence, self._backend.last_sequence()))

    def late(self) -> Iterator[StagedRow]:
        """What was recorded after the last batch; nobody writes while this is read."""
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
        """The vector and what the entry hashes to with it: in the place of the old one, or after its last."""
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
