"""Clustered vectors, like embeddings of text: 1,000 clusters in 32 dimensions, mapped to 384, and noise."""

import numpy as np

from benchmarks.workload import DIMENSION
from embodied_mem.records.spaces import Vectors

N_CLUSTERS = 1_000
INNER_DIMENSION = 32
SPREAD = 0.6  # of a cluster, where the clusters' centres are 1 apart in each inner dimension
NOISE = 0.25
CHUNK = 50_000


def clustered_vectors(
    n: int, n_queries: int, *, seed: int = 0, dimension: int = DIMENSION
) -> tuple[Vectors, Vectors]:
    """(n, d) vectors and (n_queries, d) queries of the same kind, all float32 of length 1."""
    rng = np.random.default_rng(seed)
    outwards = rng.standard_normal((INNER_DIMENSION, dimension), dtype=np.float32) / np.sqrt(INNER_DIMENSION)
    centres = rng.standard_normal((N_CLUSTERS, INNER_DIMENSION), dtype=np.float32)
    rows = np.empty((n + n_queries, dimension), dtype=np.float32)
    for first in range(0, len(rows), CHUNK):
        chunk = rows[first : first + CHUNK]
        size = (len(chunk), INNER_DIMENSION)
        inner = centres[rng.integers(0, N_CLUSTERS, len(chunk))] + SPREAD * rng.standard_normal(
            size, dtype=np.float32
        )
        chunk[:] = inner @ outwards + NOISE * rng.standard_normal(chunk.shape, dtype=np.float32)
        chunk /= np.linalg.norm(chunk, axis=1, keepdims=True)
    return rows[:n], rows[n:]
