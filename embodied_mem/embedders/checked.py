"""Calls of an embedder whose result is checked before it is stored or compared."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from embodied_mem.contracts import Embedder, EmbedsQueries
from embodied_mem.errors import InvalidEmbedding
from embodied_mem.records.spaces import Vectors


def embedded(embedder: Embedder[Any], inputs: Sequence[Any]) -> Vectors:
    """Return the vectors to store for some inputs.

    Returns:
        (n, d) float32, finite.

    Raises:
        InvalidEmbedding: The embedder gave anything else.
    """
    return _checked(embedder, "embed", embedder.embed(inputs), len(inputs))


def embedded_queries(embedder: Embedder[Any], queries: Sequence[Any]) -> Vectors:
    """Return the vectors to compare for some queries; some embedders embed them differently.

    Returns:
        (n, d) float32, finite.

    Raises:
        InvalidEmbedding: The embedder gave anything else.
    """
    if not isinstance(embedder, EmbedsQueries):
        return embedded(embedder, queries)
    return _checked(embedder, "embed_queries", embedder.embed_queries(queries), len(queries))


def _checked(embedder: Embedder[Any], method: str, given: object, n: int) -> Vectors:
    expected = (n, embedder.space.dimension)
    try:
        rows = np.asarray(given)
    except (ValueError, TypeError, RuntimeError):  # rows of several lengths, or a tensor that cannot be read
        rows = np.asarray(None)
    is_numeric = rows.dtype.kind in "biuf"
    if is_numeric and rows.shape == expected:
        with np.errstate(over="ignore"):
            vectors: Vectors = rows.astype(np.float32, copy=False)
        if np.isfinite(vectors).all():
            return vectors
    shown = str(rows.shape) if is_numeric else type(given).__name__
    shown += " with NaN or infinite numbers" if is_numeric and rows.shape == expected else ""
    raise InvalidEmbedding(
        f"{type(embedder).__name__}.{method} of {embedder.space} gave {shown} for {n} texts; "
        f"expected an array {expected} of finite numbers, one row a text"
    )
