"""Embedders that note what they were asked, and one with a method of its own for queries."""

from collections.abc import Sequence

import numpy as np

from embodied_mem import Space
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.spaces import Vectors

PREFIX = "query: "  # as asymmetric models want it before a query and never before a document


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


class PrefixesEverything(NotesItsInputs):
    """The planted bug of langgraph #9007, the wrong way round: only one side gets the prefix."""

    def __init__(self, *, is_for_queries: bool) -> None:
        super().__init__()
        self._prefix = PREFIX if is_for_queries else ""

    def embed(self, inputs: Sequence[str]) -> Vectors:
        return super().embed([self._prefix + text for text in inputs])
