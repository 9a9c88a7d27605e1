"""A coarse look at very many vectors, in half a byte for two numbers, that says which deserve a closer one.

A product quantiser (Jegou, Douze and Schmid 2011) in the layout that is scanned in the processor's registers
(Andre, Kermarrec and Le Scouarnec 2015). It takes a sixteenth of the vectors' memory, as MEMORY-VQ does
(arXiv 2308.14903). How deep the closer look has to go is measured on vectors of the store, never assumed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.index.arrays import Places, Prints
from embodied_mem.index.compressed import CompressedVectors
from embodied_mem.index.faiss_threads import one_thread
from embodied_mem.index.vectors import dots
from embodied_mem.spaces import Vector, Vectors

TRAINED_ON = 32_768  # vectors
AT_ONCE = 4096  # vectors encoded in one go
N_PROBES = 48  # that say how deep to look, and as many that say what is found so
FOUND_BY_PROBE = 10  # the best of each probe that have to be found
LEAST_DEPTH = 256
CAUTION = 2  # the depth that sufficed for the probes, times this

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the probes found.

    Attributes:
        depth: How many vectors get a closer look.
        recall: The share of the ten best of each probe that such a look finds, of probes that had no say in
            the depth.
        n_calibration_queries: How many of those there were.
        n_vectors: How many vectors they looked for them among.
    """

    depth: int
    recall: float
    n_calibration_queries: int
    n_vectors: int


class CoarseVectors:
    """Unit vectors in half a byte for two numbers.

    Args:
        index: A trained `faiss.IndexPQFastScan`.
        calibration: What the probes found.
    """

    def __init__(self, index: Any, calibration: Calibration) -> None:
        self._index = index
        self.calibration = calibration

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def nbytes(self) -> int:
        """Memory taken by its codes."""
        return len(self) * int(self._index.d) // 4

    def extend(self, vectors: Vectors) -> None:
        """Append unit vectors."""
        with one_thread():
            self._index.add(vectors)

    def depth_for(self, k: int) -> int:
        """How many vectors get a closer look so that the k best are among them."""
        return self.calibration.depth * max(k, FOUND_BY_PROBE) // FOUND_BY_PROBE

    def best(self, query: Vector, k: int) -> Places:
        """Places, ascending, of vectors among which the k most like the query most likely are."""
        with one_thread():
            _, places = self._index.search(query[None], min(len(self), self.depth_for(k)))
        return np.sort(places[0][places[0] >= 0]).astype(np.int64)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What a snapshot keeps."""
        import faiss

        found = self.calibration
        numbers = [found.depth, found.recall, found.n_calibration_queries, found.n_vectors]
        return {"index": faiss.serialize_index(self._index), "calibration": np.array(numbers, np.float64)}

    @classmethod
    def from_arrays(cls, arrays: "dict[str, npt.NDArray[Any]]") -> "CoarseVectors":
        """The codes of a snapshot, whose checksum was verified: faiss trusts what it reads."""
        import faiss

        depth, recall, n_calibration_queries, n_vectors = arrays["calibration"].tolist()
        calibration = Calibration(int(depth), recall, int(n_calibration_queries), int(n_vectors))
        return cls(faiss.deserialize_index(np.array(arrays["index"])), calibration)


def can_be_coarse(dimension: int) -> bool:
    """Whether vectors of this length can be looked at coarsely on this machine."""
    try:
        import faiss  # noqa: F401
    except ImportError:
        return False
    return dimension % 2 == 0 and dimension >= 8


def train(vectors: CompressedVectors, n_vectors: int, target_recall: float, check: Check) -> CoarseVectors:
    """Codes of the first vectors, with the depth that finds the wanted share of the best.

    Args:
        vectors: Where they are; more may be appended meanwhile by another thread.
        n_vectors: How many.
        target_recall: In [0, 1].
        check: Called often; raises if the work is no longer wanted.
    """
    import faiss

    faiss.omp_set_num_threads(1)  # of this thread
    drawn = np.random.default_rng(0).permutation(n_vectors)[: 2 * N_PROBES + TRAINED_ON]
    # Apart, as what was trained on is easier to find.
    probes, sample = drawn[: 2 * N_PROBES], np.sort(drawn[2 * N_PROBES :])
    dimension = vectors.codes.width
    index = faiss.IndexPQFastScan(dimension, dimension // 2, 4, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors.decoded(sample))
    check()
    for start in range(0, n_vectors, AT_ONCE):
        index.add(vectors.decoded(np.arange(start, min(n_vectors, start + AT_ONCE))))
        check()
    deepest = max(LEAST_DEPTH, n_vectors // 16)
    ranks = [_ranks(index, vectors, n_vectors, deepest, np.sort(some), check) for some in np.split(probes, 2)]
    needed = float(np.quantile(ranks[0], target_recall, method="higher")) + 1
    depth = int(min(max(LEAST_DEPTH, CAUTION * needed), deepest))
    return CoarseVectors(index, Calibration(depth, float(np.mean(ranks[1] < depth)), N_PROBES, n_vectors))


def _ranks(
    index: Any, vectors: CompressedVectors, n_vectors: int, deepest: int, places: Places, check: Check
) -> Places:
    """How deep one has to look for the best of each probe, which is a vector of the store, itself left out.

    A vector that is deeper than the deepest look counts as the last of all. One equal to it is as good.
    """
    probes = vectors.decoded(places)
    ranks = []
    nearest = _nearest(vectors, n_vectors, places, probes, check)
    for place, probe, wanted in zip(places, probes, nearest, strict=True):
        _, order = index.search(probe[None], min(deepest, n_vectors))
        found = order[0][(order[0] != place) & (order[0] >= 0)]
        ranks.append(_ranks_of(vectors.fingerprints(wanted), vectors.fingerprints(found), n_vectors))
        check()
    return np.concatenate(ranks)


def _ranks_of(wanted: Prints, found: Prints, missing: int) -> Places:
    """(len(wanted),) where the wanted stand among the found, each place taken once; `missing` if nowhere."""
    ranks = []
    for each, count in zip(*np.unique(wanted, return_counts=True), strict=True):
        here = np.flatnonzero(found == each)[:count]
        ranks += [here, np.full(count - len(here), missing)]
    return np.concatenate(ranks)


def _nearest(
    vectors: CompressedVectors, n_vectors: int, places: Places, probes: Vectors, check: Check
) -> list[Places]:
    """For each probe, the places of the vectors most like it, itself left out."""
    scores = [np.empty(0, np.float32) for _ in places]
    best = [np.empty(0, np.int64) for _ in places]
    for start in range(0, n_vectors, AT_ONCE):
        here = np.arange(start, min(n_vectors, start + AT_ONCE))
        decoded = vectors.decoded(here)
        for at, place in enumerate(places):
            values = np.concatenate([scores[at], dots(decoded, probes[at])])
            candidates = np.concatenate([best[at], here])
            values[candidates == place] = -np.inf
            kept = np.argpartition(-values, min(FOUND_BY_PROBE, len(values) - 1))[:FOUND_BY_PROBE]
            scores[at], best[at] = values[kept], candidates[kept]
        check()
    return best
