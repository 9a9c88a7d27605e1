"""`ExperienceVectorStore`: a store as a vector store of LangChain."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self, cast

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.runnables.config import run_in_executor
from langchain_core.vectorstores import VectorStore

from embodied_mem.contracts import Embedder
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import InvalidQuery
from embodied_mem.integrations.langchain.document_log import DocumentLog, stored_document
from embodied_mem.integrations.langchain.embeddings import as_embedder, as_embeddings
from embodied_mem.integrations.langchain.metadata_filters import metadata_filter
from embodied_mem.memory.retrieval import EMBEDDING, TEXT_FIELD
from embodied_mem.records.argument_checks import check_type
from embodied_mem.records.experience import Kind, Recalled, Scope
from embodied_mem.records.filters import all_of
from embodied_mem.records.queries import QueryFields, build_query
from embodied_mem.records.spaces import FieldVector
from embodied_mem.store.memory_store import MemoryStore


class ExperienceVectorStore(VectorStore):
    """Documents in a store: durable, versioned, exact under filters, shared by threads and processes.

    The documents of one vector store are the experiences of one kind whose scope is `scope` in every
    component. Two with other scopes in one folder know nothing of each other's documents.

    A search ranks as `recall` does: by words, and by vectors too if there is an embedder; scores are sums of
    parts, higher is better. It takes `filter` (see `metadata_filters.metadata_filter`, or a filter of this
    library) and further fields of a `Query`, such as `min_similarity` or `weights`. Async methods run in
    threads.

    Args:
        store: The store.
        embedder: Embeds texts; None compares words only. `LangChainEmbedder` makes one of LangChain's models.
        scope: Owner and place of the documents.
        kind: Their kind.

    Raises:
        InvalidQuery: An argument has the wrong type.
    """

    def __init__(
        self,
        store: MemoryStore,
        *,
        embedder: Embedder[str] | None = None,
        scope: Scope = Scope(),  # noqa: B008 - frozen
        kind: str = Kind.NOTE.value,
    ) -> None:
        check_type("store", store, MemoryStore, "a MemoryStore, such as MemoryStore.open('memories/notes')")
        check_type("scope", scope, Scope, "a Scope, such as Scope(agent='robot-1')")
        self.store, self.embedder = store, embedder
        self._log = DocumentLog(store, embedder=embedder, kind=str(kind), scope=scope)

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings | None,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        store: MemoryStore | str | Path | None = None,
        model: str = "",
        **options: Any,
    ) -> Self:
        """Return a vector store that holds these texts, too; its `store` is the caller's to close.

        Args:
            texts: The texts.
            embedding: Embeds them; None compares words only.
            metadatas: Metadata of each.
            ids: Id of each.
            store: The store, or its folder, which is made if absent; required.
            model: Name of the embedding model, unless it is an `EmbedderEmbeddings`; see `LangChainEmbedder`.
            options: `scope` and `kind`.

        Raises:
            InvalidQuery: There is no store.
            InvalidRecord: The name of the model is missing.
        """
        if store is None:
            raise InvalidQuery("from_texts has no store; give store=MemoryStore.open(path), or the path")
        opened = store if isinstance(store, MemoryStore) else MemoryStore.open(store)
        made = cls(opened, embedder=as_embedder(embedding, model=model), **options)
        made.add_texts(texts, metadatas, ids=ids)
        return made

    @property
    def embeddings(self) -> Embeddings | None:
        """The embedding model as LangChain has it; None if words alone are compared."""
        return as_embeddings(self.embedder)

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Store texts; one with the id of a stored text is its new version. Return the ids.

        Args:
            texts: The texts.
            metadatas: Metadata of each, as JSON.
            ids: Id of each; None generates one.
            batch_size: Ignored; `langchain_core.indexing.index` gives it.
            kwargs: None are known.

        Raises:
            InvalidQuery: The numbers of texts, metadatas and ids differ, or an argument is unknown.
            InvalidRecord: JSON cannot hold the metadata; nothing was stored.
        """
        _refuse("add_texts", kwargs)
        given = list(texts)
        names = _as_many("ids", [None] * len(given) if ids is None else list(ids), given)
        about = _as_many("metadatas", [{} for _ in given] if metadatas is None else metadatas, given)
        made = zip(names, given, about, strict=True)
        return self._log.put(
            [Document(id=name, page_content=text, metadata=m or {}) for name, text, m in made]
        )

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the current versions of documents in the order asked for; unknown ids are left out."""
        return [stored_document(each) for each in self._log.current(ids).values()]

    def delete(self, ids: list[str] | None = None, *, purge: bool = False, **kwargs: Any) -> bool:
        """Forget documents: they are found no more, and stay in the log with their history.

        Args:
            ids: The documents; unknown ids are ignored. None: all documents of this vector store.
            purge: Whether to remove every version permanently, with everything derived from it; see
                `MemoryStore.purge`.
            kwargs: None are known.

        Returns:
            True.
        """
        _refuse("delete", kwargs)
        if purge:
            self._log.purge(ids)
        else:
            self._log.forget(ids)
        return True

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents most similar to a text, best first.

        Args:
            query: The text.
            k: Maximum number.
            kwargs: `filter`, and further fields of a `Query`.
        """
        return [document for document, _ in self.similarity_search_with_score(query, k, **kwargs)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Return documents with the score of the recall: a sum of parts, higher is better."""
        hits = self._recall(text=query, k=k, **kwargs)
        return [(stored_document(hit.experience), hit.score) for hit in hits]

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, **kwargs: Any
    ) -> list[Document]:
        """Return the documents most similar to a vector.

        Raises:
            InvalidQuery: There is no embedder, and so no vector to compare with.
            InvalidRecord: The vector is not of the embedder's dimension.
        """
        hits = self._recall(vectors=(self._vector(embedding),), k=k, **kwargs)
        return [stored_document(hit.experience) for hit in hits]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return documents that are similar to a text and unlike each other, by a recall's `diversity`.

        They are compared by vectors if they have any, else by words.

        Args:
            query: The text.
            k: Maximum number.
            fetch_k: Ignored: the max(50, 4 k) best are considered.
            lambda_mult: 1 (similar to the text) to 0 (unlike each other).
            kwargs: As for `similarity_search`.
        """
        hits = self._recall(text=query, k=k, diversity=1 - lambda_mult, **kwargs)
        return [stored_document(hit.experience) for hit in hits]

    def max_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return documents similar to a vector and unlike each other; see `max_marginal_relevance_search`."""
        vectors = (self._vector(embedding),)
        hits = self._recall(vectors=vectors, k=k, diversity=1 - lambda_mult, **kwargs)
        return [stored_document(hit.experience) for hit in hits]

    def _similarity_search_with_relevance_scores(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        hits = self._recall(text=query, k=k, **kwargs)
        weights = {**self._weights(), **(kwargs.get("weights") or {})}
        return [(stored_document(hit.experience), _relevance(hit, weights)) for hit in hits]

    async def _asimilarity_search_with_relevance_scores(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        return await run_in_executor(None, self._similarity_search_with_relevance_scores, query, k, **kwargs)

    def _recall(self, *, filter: Any = None, where: Any = None, **fields: Any) -> list[Recalled]:
        if where is not None:
            raise InvalidQuery("a search takes its filter as `filter`, not as `where`")
        wanted = all_of(self._log.where, metadata_filter(filter))
        return self._log.memory.recall(build_query(None, cast("QueryFields", {**fields, "where": wanted})))

    def _vector(self, values: Sequence[float]) -> FieldVector:
        if self.embedder is None:
            raise InvalidQuery(
                "this vector store compares words only; give it an embedder to search by vector"
            )
        return FieldVector(field=TEXT_FIELD, space=self.embedder.space, values=values)  # type: ignore[arg-type]

    def _weights(self) -> dict[str, float]:
        weights = self._log.memory.weights
        is_hashed = isinstance(self.embedder, HashedEmbedder)
        return {
            "text": weights.text,
            EMBEDDING: weights.hashed_embedding if is_hashed else weights.embedding,
        }


def _relevance(hit: Recalled, weights: dict[str, float]) -> float:
    """Return the weighted mean of the similarities, 0 to 1, without priors; unlike vectors count as 0."""
    total = sum(weights[name] for name in hit.similarities)
    matched = sum(weights[name] * max(0.0, similarity) for name, similarity in hit.similarities.items())
    return min(1.0, matched / total) if total else 0.0


def _as_many(name: str, values: list[Any], texts: Sequence[str]) -> list[Any]:
    if len(values) != len(texts):
        raise InvalidQuery(f"there are {len(values)} {name} for {len(texts)} texts; expected one for each")
    return values


def _refuse(method: str, unknown: dict[str, Any]) -> None:
    if unknown:
        raise InvalidQuery(f"{method} has no argument {', '.join(sorted(unknown))}")
