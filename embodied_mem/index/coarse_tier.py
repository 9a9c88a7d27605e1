"""The coarse look at a column: trained in the background, and again whenever its vectors have doubled."""

import logging

import numpy as np

from embodied_mem.index.coarse import CoarseVectors, can_be_coarse, train
from embodied_mem.index.compressed import CompressedVectors
from embodied_mem.index.options import TARGET_DIMENSION, IndexOptions
from embodied_mem.index.training import BackgroundWork
from embodied_mem.spaces import Space, Vectors

logger = logging.getLogger(__name__)

AT_ONCE = 8192  # vectors taken in together


class CoarseTier:
    """The coarse look at the vectors of one column, none at first.

    Args:
        space: The space they lie in.
        options: From which size on, and what is to be found.
    """

    def __init__(self, space: Space, options: IndexOptions) -> None:
        self.vectors: CoarseVectors | None = None
        self._space = space
        self._options = options
        self._work: BackgroundWork[CoarseVectors] | None = None
        self._error: Exception | None = None  # of the last training, which is then not tried again

    @property
    def limit(self) -> float:
        """Up to so many vectors are every one compared."""
        return self._options.scanned_rows * TARGET_DIMENSION / self._space.dimension

    @property
    def nbytes(self) -> int:
        """Memory taken by its codes."""
        return 0 if self.vectors is None else self.vectors.nbytes

    def extend(self, vectors: Vectors) -> None:
        """Take in unit vectors that were appended."""
        if self.vectors is not None:
            self.vectors.extend(vectors)

    def tend(self, compressed: CompressedVectors | None) -> None:
        """Begin or take over what is trained in the background; costs nothing where nothing is to do."""
        if compressed is None:
            return
        if self._work is None:
            if self._is_due(compressed):
                self._work = self._train(compressed)
        elif self._work.is_done:
            work, self._work = self._work, None
            self._error, trained = work.error, work.result()
            if trained is not None:
                self._take_over(trained, compressed)

    def wait(self, compressed: CompressedVectors | None) -> None:
        """Wait for what is trained in the background, if anything is or should be."""
        self.tend(compressed)
        if self._work is not None:
            self._work.wait()
            self.tend(compressed)

    def close(self) -> None:
        """Stop what is trained in the background; say again if a training failed."""
        if self._work is not None:
            self._work.stop()
            self._error, self._work = self._work.error, None
        if self._error is not None:
            logger.warning("no coarse look at the vectors of %s was trained: %s", self._space, self._error)

    def report(self) -> dict[str, str | int | float]:
        """The recall of a search without a filter, and how deep it looks."""
        if self.vectors is None:
            return {"recall": 1.0}
        found = self.vectors.calibration
        return {
            "recall": found.recall,
            "depth": found.depth,
            "n_calibration_queries": found.n_calibration_queries,
        }

    def _is_due(self, compressed: CompressedVectors) -> bool:
        trained = 0 if self.vectors is None else self.vectors.calibration.n_vectors
        is_large = len(compressed) > max(self.limit, 2 * trained)
        return is_large and self._error is None and can_be_coarse(self._space.dimension)

    def _train(self, compressed: CompressedVectors) -> BackgroundWork[CoarseVectors]:
        n_vectors, recall = len(compressed), self._options.coarse_recall
        return BackgroundWork(
            f"training on {n_vectors} vectors", lambda check: train(compressed, n_vectors, recall, check)
        )

    def _take_over(self, trained: CoarseVectors, compressed: CompressedVectors) -> None:
        """Use what was trained, with what was appended meanwhile."""
        for start in range(len(trained), len(compressed), AT_ONCE):
            places = np.arange(start, min(len(compressed), start + AT_ONCE))
            trained.extend(compressed.decoded(places))
        self.vectors = trained
        found, wanted = trained.calibration, self._options.coarse_recall
        logger.info("a coarse look at the vectors of %s: %s", self._space, found)
        if found.recall < wanted:
            logger.warning(
                "a search of all vectors of %s finds %.3f of the ten best, less than coarse_recall=%g; "
                "a larger scanned_rows compares every one, and so does a filter",
                self._space,
                found.recall,
                wanted,
            )
