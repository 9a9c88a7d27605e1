"""`Recollection`: the results of one recall, with the number of candidates."""

from collections.abc import Iterable
from typing import Self

from embodied_mem.records.experience import Recalled


class Recollection(list[Recalled]):
    """A list of the recalled experiences, best first.

    Args:
        hits: The recalled experiences.
        n_candidates: Number of experiences that passed the filter.
        is_exact: Whether no other candidate can belong among the hits (proved).
    """

    def __init__(
        self, hits: Iterable[Recalled] = (), *, n_candidates: int = 0, is_exact: bool = True
    ) -> None:
        super().__init__(hits)
        self.n_candidates = n_candidates
        self.is_exact = is_exact

    def __copy__(self) -> Self:
        return self.replaced(self)

    def replaced(self, hits: Iterable[Recalled]) -> Self:
        """Return a recollection of these hits with the same candidate count and exactness."""
        return type(self)(hits, n_candidates=self.n_candidates, is_exact=self.is_exact)
