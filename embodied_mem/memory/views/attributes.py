"""Time and outcome value of each experience."""

from collections.abc import Mapping
from math import nan

from embodied_mem.memory.scoring import outcome_value
from embodied_mem.memory.views.view import GrowingValues, Values, View
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import EntryKind


class Attributes(View):
    """Time and outcome value of each experience, by sequence number."""

    kinds = (EntryKind.EXPERIENCE,)
    paths = ("happened_at_s", "outcome.status")

    def __init__(self) -> None:
        self.clear()

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Add the time and the outcome of an experience."""
        time_s = values["happened_at_s"]
        is_known = isinstance(time_s, int | float) and not isinstance(time_s, bool)
        self._times_s.add(sequence, float(time_s) if is_known else nan)  # type: ignore[arg-type]
        self._outcomes.add(sequence, outcome_value(str(values["outcome.status"])))

    def clear(self) -> None:
        """Remove all values."""
        self._times_s = GrowingValues()
        self._outcomes = GrowingValues()

    def times_s(self) -> Values:
        """Return the times in seconds since the Unix epoch; NaN for an experience without a time."""
        return self._times_s.values()

    def outcomes(self) -> Values:
        """Return the outcome values; see `embodied_mem.memory.scoring.outcome_value`."""
        return self._outcomes.values()
