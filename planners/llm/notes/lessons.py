"""`Lessons`: what earlier episodes taught, in words."""

from typing import Literal

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.notes.note import Note, Told
from embodied_mem.records import Kind
from embodied_mem.records.decisions import Context
from embodied_mem.records.filters import Where, all_of, where
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.queries import Query


class Lessons:
    """Recalls lessons: of the same task kind the latest, as Reflexion does, or the most similar.

    Args:
        k: How many at most, >= 1; Reflexion (arXiv 2303.11366, section 3) keeps the last 3.
        order: `last` for the latest, `best` for the most similar to task and situation.
        same_kind: Whether only those of the same task kind are told.

    Raises:
        InvalidRecord: `k` is below 1, or `order` is neither.
    """

    def __init__(
        self, k: int = 3, *, order: Literal["last", "best"] = "last", same_kind: bool = True
    ) -> None:
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InvalidRecord(f"k of lessons is {k!r}; expected an integer of at least 1")
        if order not in ("last", "best"):
            raise InvalidRecord(f"order of lessons is {order!r}; expected last or best")
        self._k, self._order, self._same_kind = k, order, same_kind

    async def tell(self, context: Context) -> Told:
        """Return the lessons, the latest or most similar last."""
        query = Query(
            task=context.task,
            state=context.observation.text,
            where=self._kept(context.task.kind),
            k=self._k,
            order=self._order,
        )
        hits = [hit.experience for hit in await context.arecall(query)]
        told = hits[::-1]  # both orders put the best or latest first
        lines = tuple(each.outcome.explanation or each.state for each in told)
        return Told((Note("Lessons", lines, tuple(each.id for each in told)),) if lines else ())

    def describe(self) -> JsonObject:
        """Name and settings."""
        return {"name": "lessons", "k": self._k, "order": self._order, "same_kind": self._same_kind}

    def _kept(self, kind: str) -> Where:
        lessons = where(kind=Kind.LESSON.value)
        return all_of(lessons, where(task__kind=kind)) if self._same_kind and kind else lessons
