"""`Recollection`: what one recall gave back, with how much it was chosen from."""

from collections.abc import Iterable
from typing import Self

from embodied_mem.records.experience import Recalled


class Recollection(list[Recalled]):
    """The recalled experiences, best first, as a list like any other.

    Args:
        hits: What was recalled.
        n_candidates: How many experiences passed the filter.
        is_exact: Whether it is proved that no other candidate belongs among them.
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
        """Other hits chosen from as many candidates."""
        return type(self)(hits, n_candidates=self.n_candidates, is_exact=self.is_exact)
