"""Numbers that an experience has from the beginning: when it happened, and how well it ended."""

from collections.abc import Mapping
from math import nan

from embodied_mem.memory.scoring import outcome_value
from embodied_mem.memory.views.view import GrowingValues, Values, View
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind


class Attributes(View):
    """When each experience happened and how well it ended; both may be read as of any sequence number."""

    kinds = (EntryKind.EXPERIENCE,)
    paths = ("happened_at_s", "outcome.status")

    def __init__(self) -> None:
        self.clear()

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Note the time and the outcome of an experience."""
        time_s = values["happened_at_s"]
        is_known = isinstance(time_s, int | float) and not isinstance(time_s, bool)
        self._times_s.add(sequence, float(time_s) if is_known else nan)  # type: ignore[arg-type]
        self._outcomes.add(sequence, outcome_value(str(values["outcome.status"])))

    def clear(self) -> None:
        """Forget everything."""
        self._times_s = GrowingValues()
        self._outcomes = GrowingValues()

    def times_s(self) -> Values:
        """Seconds since the Unix epoch; NaN where an experience says no time."""
        return self._times_s.values()

    def outcomes(self) -> Values:
        """See `embodied_mem.memory.scoring.outcome_value`."""
        return self._outcomes.values()
