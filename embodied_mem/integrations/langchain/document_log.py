"""`DocumentLog`: documents as experiences of one kind and scope; each version of one is an experience."""

import threading
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from langchain_core.documents import Document

from embodied_mem.contracts import Embedder
from embodied_mem.embedders.checked import embedded
from embodied_mem.errors import InvalidQuery
from embodied_mem.integrations.langchain.documents import in_words
from embodied_mem.memory.retrieval import TEXT_FIELD
from embodied_mem.records.experience import Experience, Scope, Task
from embodied_mem.records.filters import Equals, In, Or, Where, all_of
from embodied_mem.records.json_values import canonical, check_text, to_json_object
from embodied_mem.records.queries import MAX_K, Query
from embodied_mem.records.spaces import FieldVector
from embodied_mem.store.memory_store import MemoryStore
from embodied_mem.store.stored_memory import StoredMemory

ID_PATH = "facts.document.id"
N_AT_ONCE = 1_000  # ids in one filter
REPLACED, DELETED = "replaced", "deleted"


class DocumentLog:
    """Puts, gets and removes documents by id. A new version archives the one before in the same transaction.

    Args:
        store: The store.
        embedder: Embeds the texts, in batches; None: words alone.
        kind: Kind of the experiences.
        scope: Their scope; documents of any other scope belong to another log.
    """

    def __init__(
        self, store: MemoryStore, *, embedder: Embedder[str] | None, kind: str, scope: Scope
    ) -> None:
        self._store, self._embedder = store, embedder
        self._kind, self._scope = kind, scope
        self.memory: StoredMemory = store.memory(embedder=embedder, scope=scope)
        components = (Equals(f"scope.{name}", getattr(scope, name)) for name in Scope.__dataclass_fields__)
        self.where = all_of(Equals("kind", kind), *components)
        self._lock = threading.Lock()  # of a look at the versions and the write that replaces them

    def put(self, documents: Sequence[Document]) -> list[str]:
        """Store documents, new ones under a generated id; return the ids in the order given.

        A document equal to the current version of its id is not stored again; of several with one id the last
        counts. Up to a thousand documents with ids, and any number without, are stored at once or not at all.
        """
        checked = [_checked(document) for document in documents]
        self._add([new for old, new in zip(documents, checked, strict=True) if old.id is None])
        given = {old.id: new for old, new in zip(documents, checked, strict=True) if old.id is not None}
        for ids in _chunks(given):
            self._replace({each: given[each] for each in ids})
        return [str(document.id) for document in checked]

    def current(self, ids: Iterable[str]) -> dict[str, Experience]:
        """Return the newest version of each document that there is, by id, in the order asked for."""
        asked = list(dict.fromkeys(ids))
        found = {name: newest for chunk in _chunks(asked) for name, (newest, *_) in self._live(chunk).items()}
        return {name: found[name] for name in asked if name in found}

    def forget(self, ids: Iterable[str] | None) -> None:
        """Archive documents, None: all; they stay in the log and are found no more. Ignores unknown ids."""
        with self._lock:
            for found in self._to_remove(ids):
                self._store.archive([each.id for each in found], reason=DELETED)

    def purge(self, ids: Iterable[str] | None) -> None:
        """Remove every version of documents permanently, None: of all. Ignores unknown ids."""
        chosen = [self.where] if ids is None else [all_of(self.where, _named(each)) for each in _chunks(ids)]
        with self._lock:
            for where in chosen:
                self._store.purge(where)

    def _add(self, documents: Sequence[Document]) -> None:
        if documents:
            vectors = self._vectors(document.page_content for document in documents)
            self.memory.record_all([self._experience(each, vectors) for each in documents])

    def _replace(self, documents: Mapping[str, Document]) -> None:
        changed = _changed(documents, self._live(documents))
        vectors = self._vectors(document.page_content for document in changed)  # a model may be slow: no lock
        with self._lock:
            live = self._live(documents)
            changed = _changed(documents, live)
            if changed:
                old = [version.id for each in changed for version in live.get(str(each.id), ())]
                new = [self._experience(each, vectors) for each in changed]
                self.memory.record_all(new, replacing=old)
            for _, *older in self._live(documents).values():  # another process may have put one meanwhile
                if older:
                    self._store.archive([each.id for each in older], reason=REPLACED)

    def _live(self, ids: Iterable[str]) -> dict[str, list[Experience]]:
        """Return the versions of each document that are not archived, newest first; one, but for races."""
        wanted = set(ids)
        found = defaultdict(list)
        for hit in self.memory.recall(Query(where=all_of(self.where, _named(wanted)), k=MAX_K)):
            if (name := document_id(hit.experience)) in wanted:
                found[name].append(hit.experience)
        return found

    def _to_remove(self, ids: Iterable[str] | None) -> Iterator[list[Experience]]:
        if ids is not None:
            for chunk in _chunks(ids):
                yield [version for versions in self._live(chunk).values() for version in versions]
            return
        while found := [hit.experience for hit in self.memory.recall(Query(where=self.where, k=MAX_K))]:
            yield found

    def _vectors(self, texts: Iterable[str]) -> dict[str, FieldVector]:
        """Return the vectors of texts, embedded in one call."""
        given = [text for text in dict.fromkeys(texts) if text.strip()]
        if self._embedder is None or not given:
            return {}
        space, rows = self._embedder.space, embedded(self._embedder, given)
        made = (FieldVector(field=TEXT_FIELD, space=space, values=row) for row in rows)
        return dict(zip(given, made, strict=True))

    def _experience(self, document: Document, vectors: Mapping[str, FieldVector]) -> Experience:
        vector = vectors.get(document.page_content)
        return Experience(
            task=Task(""),  # a text is no instruction
            state=document.page_content,
            kind=self._kind,
            scope=self._scope,
            facts={"document": {"id": document.id}},
            metadata=document.metadata,
            vectors=() if vector is None else (vector,),
        )


def document_id(experience: Experience) -> str:
    """Return the id of a document; one that was recorded as an experience has the id of that."""
    document = experience.facts.get("document")
    name = document.get("id") if isinstance(document, Mapping) else None
    return name if isinstance(name, str) else experience.id


def stored_document(experience: Experience) -> Document:
    """Return the document that was put, or an experience that was recorded otherwise in words."""
    is_put = document_id(experience) != experience.id
    return Document(
        id=document_id(experience),
        page_content=experience.state if is_put else in_words(experience),
        metadata=dict(experience.metadata),
    )


def _checked(document: Document) -> Document:
    """Return the document with an id and its metadata as JSON, or refuse what cannot be stored."""
    if document.id is not None and not document.id:
        raise InvalidQuery("the id of a document is empty; leave it out to have one generated")
    check_text(document.page_content, field="the text of a document")
    metadata = to_json_object(document.metadata, field="metadata")
    return document.model_copy(update={"id": document.id or uuid.uuid4().hex, "metadata": metadata})


def _changed(documents: Mapping[str, Document], live: Mapping[str, list[Experience]]) -> list[Document]:
    return [each for name, each in documents.items() if not _is_same(each, live.get(name, ()))]


def _is_same(document: Document, versions: Sequence[Experience]) -> bool:
    if not versions:
        return False
    held = stored_document(versions[0])
    is_same_metadata = canonical(held.metadata) == canonical(document.metadata)  # in Python True equals 1
    return held.page_content == document.page_content and is_same_metadata


def _named(ids: Iterable[str]) -> Where:
    names = tuple(ids)
    return Or((In(ID_PATH, names), In("id", names)))


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    if isinstance(ids, str):
        raise InvalidQuery(f"ids is the text {ids!r:.200}; expected a list of ids")
    left = list(ids)
    return (left[at : at + N_AT_ONCE] for at in range(0, len(left), N_AT_ONCE))
