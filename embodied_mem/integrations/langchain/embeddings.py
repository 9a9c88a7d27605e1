"""Embedding models of LangChain as embedders of a memory, and the other way round."""

from collections.abc import Sequence

import numpy as np
from langchain_core.embeddings import Embeddings

from embodied_mem.contracts import Embedder
from embodied_mem.embedders.checked import embedded, embedded_queries
from embodied_mem.errors import InvalidEmbedding, InvalidRecord
from embodied_mem.records.argument_checks import check_embedder
from embodied_mem.records.spaces import Space, Vectors


class LangChainEmbedder:
    """An embedding model of LangChain as the embedder of a memory; queries are embedded by `embed_query`.

    Args:
        embeddings: The model.
        model: Its name with all that changes its vectors, such as "text-embedding-3-small". Vectors of
            another name lie in another space, and a store rejects them.
        dimension: Length of its vectors; None asks the model once, with one word.

    Raises:
        InvalidRecord: The model is none of LangChain, the name is empty, or the dimension is out of range.
    """

    def __init__(self, embeddings: Embeddings, *, model: str, dimension: int | None = None) -> None:
        if not isinstance(embeddings, Embeddings):
            raise InvalidRecord(
                f"embeddings is {type(embeddings).__name__}; expected Embeddings of LangChain"
            )
        if not isinstance(model, str) or not model:
            raise InvalidRecord(f"model is {model!r}; expected the model's name, which names its space")
        self.embeddings = embeddings
        if dimension is None:
            dimension = len(embeddings.embed_query("word"))
        self._space = Space(name=model, version="langchain", dimension=dimension)

    @property
    def space(self) -> Space:
        """The space of its vectors, named by the model."""
        return self._space

    def embed(self, inputs: Sequence[str]) -> Vectors:
        """Return (n, d) float32; asks the model once for all inputs.

        Raises:
            InvalidEmbedding: The model gave another number of vectors, or vectors of another length.
        """
        return self._rows(self.embeddings.embed_documents(list(inputs)) if len(inputs) else [], len(inputs))

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        """Return (n, d) float32; asks the model once a query.

        Raises:
            InvalidEmbedding: The model gave vectors of another length.
        """
        return self._rows([self.embeddings.embed_query(query) for query in queries], len(queries))

    def _rows(self, given: list[list[float]], n: int) -> Vectors:
        lengths = {len(row) for row in given}
        if len(given) != n or lengths - {self._space.dimension}:
            raise InvalidEmbedding(
                f"{type(self.embeddings).__name__} gave {len(given)} vectors of {sorted(lengths)} numbers "
                f"for {n} texts; expected {self._space.dimension} numbers each, as space {self._space} has"
            )
        return np.array(given, np.float32).reshape(n, self._space.dimension)


class EmbedderEmbeddings(Embeddings):
    """An embedder of this library as an embedding model of LangChain; its async methods run in a thread.

    Args:
        embedder: Embeds texts.

    Raises:
        InvalidQuery: It is no embedder.
    """

    def __init__(self, embedder: Embedder[str]) -> None:
        check_embedder(embedder)
        self.embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors of texts to keep."""
        return [list(map(float, row)) for row in embedded(self.embedder, texts)]

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text to search by."""
        [row] = embedded_queries(self.embedder, [text])
        return list(map(float, row))


def as_embedder(embedding: Embeddings | Embedder[str] | None, *, model: str = "") -> Embedder[str] | None:
    """Return an embedder of this library for either kind; `model` names the space of one of LangChain."""
    if isinstance(embedding, EmbedderEmbeddings):
        return embedding.embedder
    if isinstance(embedding, Embeddings):
        return LangChainEmbedder(embedding, model=model)
    return embedding


def as_embeddings(embedder: Embedder[str] | None) -> Embeddings | None:
    """Return an embedding model of LangChain for an embedder, the wrapped one if it wraps one."""
    if isinstance(embedder, LangChainEmbedder):
        return embedder.embeddings
    return None if embedder is None else EmbedderEmbeddings(embedder)
