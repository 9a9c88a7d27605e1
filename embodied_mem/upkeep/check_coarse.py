"""Whether the coarse codes of a saved vector column are those of its vectors."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from embodied_mem.index.coarse import LEAST_DEPTH, can_be_coarse
from embodied_mem.index.faiss_threads import one_thread
from embodied_mem.spaces import Vectors


class CoarseCheck:
    """The coarse codes of a column, compared from the first vector to the last.

    A code is of a vector or of the bytes that stand for it, whichever there was when it was made, so it is
    near enough if it is no further off than a code made now and twice what the bytes have lost.

    Args:
        arrays: What is kept of them.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        import faiss

        self._index: Any = faiss.deserialize_index(np.array(arrays["coarse.index"]))
        self._depth, self._recall, _, _ = arrays["coarse.calibration"].tolist()
        self._done = 0

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self | None:
        """The check of a column; None if it has no such codes or this machine cannot use them."""
        dimension = len(arrays["compressed.low"]) if "coarse.index" in arrays else 0
        return cls(arrays) if can_be_coarse(dimension) else None

    def takes(self, vectors: Vectors, losses: npt.NDArray[np.float64]) -> bool:
        """Whether the next codes are of these vectors.

        Args:
            vectors: (m, d) of unit length.
            losses: (m,) how far the bytes that stand for them are off.
        """
        first, self._done = self._done, self._done + len(vectors)
        if self._done > self._index.ntotal or self._index.d != vectors.shape[1]:
            return False
        quantiser = self._index.pq
        with one_thread():
            held = self._index.reconstruct_n(first, len(vectors))
            made = quantiser.decode(quantiser.compute_codes(np.ascontiguousarray(vectors)))
        return bool((_distances(vectors, held) <= _distances(vectors, made) + 2 * losses + 1e-5).all())

    def fault_of_rest(self, n_vectors: int) -> str:
        """What is wrong, once all vectors were read."""
        if self._index.ntotal != n_vectors:
            return f"there are coarse codes of {self._index.ntotal:,} vectors, and {n_vectors:,} vectors"
        is_possible = LEAST_DEPTH <= self._depth <= max(LEAST_DEPTH, n_vectors) and 0 <= self._recall <= 1
        return "" if is_possible else f"a coarse look is {self._depth:,} vectors deep"


def _distances(left: Vectors, right: Vectors) -> npt.NDArray[np.float64]:
    lost = left.astype(np.float64) - right
    result: npt.NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", lost, lost))
    return result
