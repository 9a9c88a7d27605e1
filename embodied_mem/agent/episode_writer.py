"""`EpisodeWriter`: writes the experiences of one episode to memory, together where memory can."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from embodied_mem.agent.answers import Answers
from embodied_mem.contracts import AsyncMemory, CanRecordAll, Memory
from embodied_mem.records.episodes import THIS_EPISODE
from embodied_mem.records.experience import Experience, Origin, Receipt, Scope


class EpisodeWriter:
    """Names the experiences of an episode `<attempt>/0`, `<attempt>/1`, ... and records them.

    Args:
        memory: Where to record.
        answers: Waits for asynchronous answers.
        scope: Scope of experiences that name none.
        origin: Origin of all of them.

    Attributes:
        ids: Ids of what was recorded.
    """

    def __init__(self, memory: Memory | AsyncMemory, answers: Answers, scope: Scope, origin: Origin) -> None:
        self.ids: list[str] = []
        self._memory, self._answers, self._scope, self._origin = memory, answers, scope, origin
        self._episode = f"{origin.attempt}/0"  # what is added first
        self._n_added = 0
        self._waiting: list[Experience] = []

    def add(self, experiences: Iterable[Experience], *, under: str = "") -> None:
        """Add experiences; those `under` a name have ids of their own, such as `<attempt>/decision/0`."""
        for at, experience in enumerate(experiences):
            index = f"{under}/{at}" if under else str(self._n_added)
            named = experience.replace(
                id=f"{self._origin.attempt}/{index}",
                sources=tuple(self._episode if each == THIS_EPISODE else each for each in experience.sources),
                scope=self._scope if experience.scope == Scope() else experience.scope,
                origin=self._origin,
            )
            self._waiting.append(named)
            self._n_added += 1

    async def record(self) -> None:
        """Record what was added since: all at once in a memory that can, so that a kill keeps all or none.

        If that raises, they are recorded one by one, so that one wrong lesson does not cost the others.
        """
        waiting, self._waiting = self._waiting, []
        if isinstance(self._memory, CanRecordAll) and len(waiting) > 1:
            try:
                self._note(await self._answers.of(self._memory.record_all(waiting)))
            except Exception:
                pass  # what was stored nevertheless has the same ids and is not stored twice
            else:
                return
        for experience in waiting:
            self._note([await self._answers.of(self._memory.record(experience))])

    async def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Pass feedback to memory."""
        give: Callable[..., Awaitable[None] | None] = self._memory.feedback
        await self._answers.of(give(experience_id, helped=helped))

    def _note(self, receipts: Sequence[Receipt]) -> None:
        self.ids += [receipt.experience_id for receipt in receipts]
