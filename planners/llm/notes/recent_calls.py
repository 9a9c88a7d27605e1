"""`RecentCalls`: the last calls of this episode and what came of them, as short-term memory."""

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.notes.note import Note, Told
from embodied_mem.records.decisions import CallRecord, Context
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.situations import what_came_of


class RecentCalls:
    """Tells the last calls of the episode, oldest first.

    It is the short-term memory of ExpTeach (arXiv 2507.16713, actions with their feedback) and the working
    memory of AriGraph (arXiv 2407.04363, the last five observations and actions).

    Args:
        k: How many calls at most, >= 1.
        observations: Whether to tell what was perceived after each call.

    Raises:
        InvalidRecord: `k` is below 1.
    """

    def __init__(self, k: int = 5, *, observations: bool = False) -> None:
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InvalidRecord(f"k of recent_calls is {k!r}; expected an integer of at least 1")
        self._k, self._with_observations = k, observations

    async def tell(self, context: Context) -> Told:
        """Return the last calls; nothing before the first."""
        lines = tuple(map(self._line, context.history[-self._k :]))
        return Told((Note("So far", lines),) if lines else ())

    def describe(self) -> JsonObject:
        """Name and settings."""
        return {"name": "recent_calls", "k": self._k, "observations": self._with_observations}

    def _line(self, record: CallRecord) -> str:
        told = what_came_of(record)
        return f"{told} {record.after.text}".strip() if self._with_observations else told
