"""Embedders that note what they were asked, some with a method of its own for queries."""

from collections.abc import Sequence

import numpy as np

from embodied_mem import Space
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.records.spaces import Vectors


class NotesItsInputs:
    """A learnt embedder as far as a memory can see; keeps every text it is given."""

    def __init__(self) -> None:
        self._inner = HashedEmbedder(64)
        self.texts: list[str] = []

    @property
    def space(self) -> Space:
        return Space(name="noted", version="1", dimension=64, config_hash="n")

    def embed(self, inputs: Sequence[str]) -> Vectors:
        self.texts += inputs
        return np.asarray(self._inner.embed(inputs))


class ToldApart(NotesItsInputs):
    """An asymmetric model, such as E5: notes each text with what it was said to be."""

    def __init__(self, version: str = "1") -> None:
        super().__init__()
        self._version = version
        self.told: list[tuple[str, str]] = []

    @property
    def space(self) -> Space:
        return Space(name="told apart", version=self._version, dimension=64)

    def embed(self, inputs: Sequence[str]) -> Vectors:
        self.told += [("passage", text) for text in inputs]
        return super().embed(inputs)

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        self.told += [("query", text) for text in queries]
        return super().embed(queries)


class QueriesAsPassages(ToldApart):
    """The planted bug of langgraph #9007: a query ends in the method for documents."""

    def embed_queries(self, queries: Sequence[str]) -> Vectors:
        return self.embed(queries)


class PassagesAsQueries(ToldApart):
    """The same the other way round: what is kept ends in the method for queries."""

    def embed(self, inputs: Sequence[str]) -> Vectors:
        return self.embed_queries(inputs)
