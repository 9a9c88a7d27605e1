"""`EpisodeWriter`: writes the experiences of one episode to memory, together where memory can."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from embodied_mem.agent.answers import Answers
from embodied_mem.contracts import AsyncMemory, CanRecordAll, Memory
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
        self._added: list[Experience] = []

    def add(self, experiences: Iterable[Experience], *, under: str = "") -> None:
        """Add experiences; those `under` a name have ids of their own, such as `<attempt>/decision/0`."""
        for at, experience in enumerate(experiences):
            index = f"{under}/{at}" if under else str(len(self._added))
            named = experience.replace(
                id=f"{self._origin.attempt}/{index}",
                scope=self._scope if experience.scope == Scope() else experience.scope,
                origin=self._origin,
            )
            self._added.append(named)

    async def record(self) -> None:
        """Record what was added: all at once in a memory that can, so that a kill keeps all or none.

        If that raises, they are recorded one by one, so that a wrong lesson does not cost the episode.
        """
        if isinstance(self._memory, CanRecordAll) and len(self._added) > 1:
            try:
                receipts = await self._answers.of(self._memory.record_all(self._added))
            except Exception:
                pass  # what was stored nevertheless has the same ids and is not stored twice
            else:
                self._note(receipts)
                return
        for experience in self._added:
            self._note([await self._answers.of(self._memory.record(experience))])

    async def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Pass feedback to memory."""
        give: Callable[..., Awaitable[None] | None] = self._memory.feedback
        await self._answers.of(give(experience_id, helped=helped))

    def _note(self, receipts: Sequence[Receipt]) -> None:
        self.ids += [receipt.experience_id for receipt in receipts]
