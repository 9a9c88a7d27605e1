"""Cache of decoded experiences, so that a frequently recalled one is decoded once."""

from collections.abc import Sequence

from embodied_mem.contracts import Backend
from embodied_mem.records.codec import experience_from_log
from embodied_mem.records.experience import Experience
from embodied_mem.records.log import EntryKind

MAX_KEPT_BYTES = 8 * 2**20  # about 2,400 experiences with a vector of 384 numbers
BYTES_EACH, BYTES_A_CALL = 1_500, 500  # of an experience and of a call of its plan, as Python objects


class KeptExperiences:
    """Cache of one log's experiences by sequence number; the oldest entries are evicted above 16 MiB.

    Args:
        backend: The log.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._generation = 0
        self._kept: dict[int, tuple[Experience, int]] = {}  # with the approximate bytes of each
        self._n_bytes = 0

    def at(self, sequences: Sequence[int], *, generation: int) -> dict[int, Experience]:
        """Return the experiences at these sequence numbers, in order; purged ones are omitted.

        Args:
            sequences: Sequence numbers.
            generation: Generation of the log; a change of it clears the cache.
        """
        if generation != self._generation:
            self._kept, self._n_bytes, self._generation = {}, 0, generation
        kept = self._kept
        missing = [at for at in dict.fromkeys(sequences) if at not in kept]
        read = self._read(missing) if missing else kept
        found = {}
        for at in sequences:
            held = kept.get(at) or read.get(at)
            if held is not None:
                found[at] = held[0]
        if missing:
            self._keep(read)
        return found

    def _read(self, sequences: Sequence[int]) -> dict[int, tuple[Experience, int]]:
        found = {}
        for logged in self._backend.get(sequences):
            if logged is not None and logged.entry.kind == EntryKind.EXPERIENCE:
                experience = experience_from_log(logged.entry.payload, logged.entry.vectors)
                found[logged.sequence] = (experience, _size_of(experience))
        return found

    def _keep(self, read: dict[int, tuple[Experience, int]]) -> None:
        self._kept.update(read)
        self._n_bytes += sum(size for _, size in read.values())
        while self._n_bytes > MAX_KEPT_BYTES:
            self._n_bytes -= self._kept.pop(next(iter(self._kept)))[1]


def _size_of(experience: Experience) -> int:
    """Return the approximate memory of an experience in bytes."""
    texts = len(experience.state) + len(experience.state_after) + len(experience.outcome.explanation)
    free = len(repr(experience.facts)) + len(repr(experience.metadata))
    vectors = sum(vector.values.nbytes for vector in experience.vectors)
    return BYTES_EACH + texts + free + vectors + BYTES_A_CALL * len(experience.plan)
