"""`ItemWriter`: writes the puts of a batch in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from langgraph.store.base import PutOp

from embodied_mem.integrations.langgraph.item_reader import ItemReader
from embodied_mem.integrations.langgraph.item_records import Place, item_experience, text_of
from embodied_mem.integrations.langgraph.items import Items
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.retrieval import TEXT_FIELD
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.experience import Experience, texts_of
from embodied_mem.records.json_values import to_json_object
from embodied_mem.records.log import Entry, EntryKind, entry_about
from embodied_mem.records.spaces import FieldVector
from embodied_mem.store.memory_store import MemoryStore
from embodied_mem.store.upkeep.texts import embedded_batch

OnDelete: TypeAlias = Literal["forget", "purge"]
Puts: TypeAlias = Mapping[Place, PutOp]
Texts: TypeAlias = Mapping[Place, tuple[str, FieldVector | None]]  # what a search compares of each new value


def checked(put: PutOp) -> PutOp:
    """Return a put with its value as plain JSON.

    Raises:
        InvalidRecord: JSON cannot hold the value; the message names the part.
        NotImplementedError: It gives a time to live.
    """
    if put.ttl is not None:
        raise NotImplementedError(
            f"ttl is {put.ttl!r} for the key {put.key!r}; an item is kept until it is deleted. "
            "Leave ttl out, and use MemoryStore.apply_retention to remove what is old"
        )
    return put if put.value is None else put._replace(value=to_json_object(put.value, field="value"))


class ItemWriter:
    """Appends new versions of items, and archives or purges what they replace.

    Args:
        store: The opened store.
        memory: Its memory; has the embedder.
        fields: Paths of the values that a search compares, unless a put names others.
        on_delete: Whether a deleted item is forgotten (archived) or purged.
        clock: Returns seconds since the Unix epoch.
    """

    def __init__(
        self,
        store: MemoryStore,
        memory: ExperienceMemory,
        *,
        fields: Sequence[str],
        on_delete: OnDelete,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._embedder = memory.embedder
        self._reader = ItemReader(memory)
        self._fields = tuple(fields)
        self._on_delete = on_delete
        self._clock = clock

    def texts(self, puts: Puts) -> Texts:
        """Return text and vector of each value that is put; the embedder is asked once for all.

        Raises:
            InvalidEmbedding: The embedder gave anything but one row of finite numbers a text.
        """
        texts = {place: self._text(put) for place, put in puts.items() if put.value is not None}
        vectors: Sequence[FieldVector | None] = [None] * len(texts)
        if self._embedder is not None:
            vectors = embedded_batch(self._embedder, list(texts.values()), field=TEXT_FIELD)
        return {place: (texts[place], vector) for place, vector in zip(texts, vectors, strict=True)}

    def write(self, puts: Puts, texts: Texts, items: Items) -> None:
        """Write the puts, all or none; a purge follows in a transaction of its own.

        Args:
            puts: As `checked` returns them; the last one of each item.
            texts: Of them; see `texts`.
            items: The items as of now.

        Raises:
            StoreError: The store cannot be written.
        """
        at_s = float(self._clock())
        entries = []
        for place, (text, vector) in texts.items():
            experience = item_experience(
                place,
                puts[place].value or {},
                text=text,
                created_at_s=self._created_at_s(place, items, at_s),
                at_s=at_s,
            )
            entries.append(_entry(experience, vector))
        for place, put in puts.items():
            reason = "deleted" if put.value is None else "replaced by a newer version"
            entries += [
                entry_about(EntryKind.ARCHIVE, version, reason=reason, at_s=at_s)
                for version in items.versions_of(place)
            ]
        self._store.backend.append(entries)
        if self._on_delete == "purge":
            self._purge([place for place, put in puts.items() if put.value is None], items)

    def _text(self, put: PutOp) -> str:
        if put.value is None or put.index is False:
            return ""
        return text_of(put.value, self._fields if put.index is None else put.index)

    def _created_at_s(self, place: Place, items: Items, at_s: float) -> float:
        sequence = items.sequence_of(place)
        held = [] if sequence is None else self._reader.documents([sequence])
        return float(held[0]["metadata"]["created_at_s"]) if held else at_s

    def _purge(self, places: Sequence[Place], items: Items) -> None:
        versions = [version for place in places for version in items.history_of(place)]
        if versions:
            self._store.purge(versions)


def _entry(experience: Experience, vector: FieldVector | None) -> Entry:
    return Entry(
        id=experience.id,
        kind=EntryKind.EXPERIENCE,
        payload=experience_to_document(experience),
        texts=texts_of(experience),
        vectors=() if vector is None else (vector,),
        is_checked=True,
    )
