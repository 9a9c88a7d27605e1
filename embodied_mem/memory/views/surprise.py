"""Surprise of each experience's outcome, given earlier outcomes of its task kind."""

from collections import Counter
from collections.abc import Mapping

from embodied_mem.memory.scoring import outcome_class, surprise_of
from embodied_mem.memory.views.view import Gaps, GrowingValues, Values, View, is_hidden
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind


class Surprise(View):
    """Surprise of each experience; it depends only on earlier experiences, so it never changes.

    Args:
        hidden: Parts of the log to ignore, first and last sequence number of each.
    """

    kinds = (EntryKind.EXPERIENCE,)
    paths = ("task.kind", "outcome.status")

    def __init__(self, hidden: Gaps = ()) -> None:
        self._hidden = hidden
        self.clear()

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Compute the surprise of an outcome, then count the outcome."""
        if is_hidden(sequence, self._hidden):
            return
        task_kind, outcome = str(values["task.kind"]), outcome_class(str(values["outcome.status"]))
        seen = self._seen
        self._surprise.add(sequence, surprise_of(seen[task_kind, outcome], seen[task_kind, ""]))
        seen.update([(task_kind, outcome), (task_kind, "")])

    def clear(self) -> None:
        """Remove all counts and values."""
        self._seen: Counter[tuple[str, str]] = Counter()  # (task kind, outcome class or "" for all)
        self._surprise = GrowingValues()

    def values(self) -> Values:
        """Return the surprise values; see `embodied_mem.memory.scoring.surprise_of`."""
        return self._surprise.values()
