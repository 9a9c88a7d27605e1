"""Experiences that were fetched lately, so that what is recalled again is not read and decoded again."""

from collections.abc import Iterable, Mapping

from embodied_mem.records import Experience, texts_of

MAX_BYTES = 4 * 2**20  # 1,200 experiences of a page of text with a vector of 384 numbers
OWN_BYTES, CALL_BYTES = 1_500, 500  # of an experience and of a skill call, as Python objects


class RecentExperiences:
    """Experiences by sequence number; those that were added first are dropped first.

    Args:
        max_bytes: How much all of them may take, roughly.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held: dict[int, tuple[Experience, int]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def those_of(self, sequences: Iterable[int]) -> dict[int, Experience]:
        """Those of these that are held, by sequence number."""
        held = self._held
        return {at: held[at][0] for at in sequences if at in held}

    def add(self, experiences: Mapping[int, Experience]) -> None:
        """Hold these, which are not held yet, and drop others as far as there is too much."""
        for at, experience in experiences.items():
            n_bytes = _bytes_of(experience)
            self._held[at] = experience, n_bytes
            self._bytes += n_bytes
        while self._bytes > self._max_bytes:
            _, n_bytes = self._held.pop(next(iter(self._held)))
            self._bytes -= n_bytes


def _bytes_of(experience: Experience) -> int:
    """Memory that it takes, roughly."""
    texts = sum(map(len, texts_of(experience).values())) + len(experience.state_after)
    free = len(repr(experience.facts)) + len(repr(experience.metadata))
    vectors = sum(vector.values.nbytes for vector in experience.vectors)
    return OWN_BYTES + texts + free + vectors + CALL_BYTES * len(experience.plan)
