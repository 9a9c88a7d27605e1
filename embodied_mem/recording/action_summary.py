"""Summary of an episode's continuous actions: count, mean and range, of all and of each phase."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.recording import describe
from embodied_mem.recording.phases import Floats, SpanLog, Spans, phases_of
from embodied_mem.records.arrays import to_array
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import JsonObject, JsonValue

_FOLD_EVERY = 256


class ActionSummary:
    """Reduces continuous actions to at most 8 phases: single ones fill a store without use.

    Args:
        space: Name of the action space, for the summary.
        names: Names of the numbers of an action; empty if unknown.
    """

    takes_numbers = False

    __slots__ = ("_buffer", "_count", "_is_uniform", "_log", "_names", "_phases", "_shape", "_space")

    def __init__(self, space: str, names: Sequence[str] = ()) -> None:
        self._space = space
        self._names = names
        self._buffer: list[npt.NDArray[np.float64]] = []
        self._count = 0
        self._is_uniform = True
        self._shape: tuple[int, ...] = ()
        self._log = SpanLog()
        self._phases: Spans | None = None

    def add(self, action: Any) -> None:
        """Add one action of any type; never raises."""
        self._count += 1
        if not self._is_uniform:
            return
        try:
            self._buffer.append(np.array(to_array(action), dtype=np.float64))  # agents reuse their buffers
        except Exception:  # a mapping, or a malformed action, which the environment may reject
            self._is_uniform = False
        if len(self._buffer) >= _FOLD_EVERY:
            self._fold()

    def extend(self, actions: Sequence[Any]) -> None:
        """Add many actions."""
        for action in actions:
            self.add(action)

    def calls(self) -> tuple[SkillCall, ...]:
        """Return one call per phase: its mean action, as often as the phase has steps; empty if unknown."""
        spans = self._spans()
        if spans is None or spans.sums.shape[1] > describe.MAX_NUMBERS:
            return ()
        self._phases = phases_of(spans)
        return tuple(
            SkillCall(describe.ACT, {"action": describe.action_json(_rounded(mean))}, count=count)
            for mean, count in zip(self._phases.means, self._phases.counts.tolist(), strict=True)
        )

    def metadata(self) -> JsonObject:
        """Return a line under "actions" and, after `calls`, one for each of several phases."""
        line = f"{self._count} continuous actions of {self._space}"
        spans = self._spans()
        if spans is None:
            return {"actions": line}
        whole = spans.joined(np.zeros(1, np.int64))
        result: JsonObject = {"actions": f"{line}, mean {self._text(whole, 0)}"}
        if self._phases is not None and len(self._phases.counts) > 1:
            result["action_phases"] = self._phase_lines(self._phases)
        return result

    def _phase_lines(self, phases: Spans) -> list[JsonValue]:
        ends = np.cumsum(phases.counts).tolist()
        return [
            f"steps {first}-{end - 1}: mean {self._text(phases, at)}"
            for at, (first, end) in enumerate(zip([0, *ends], ends, strict=False))
        ]

    def _text(self, spans: Spans, at: int) -> str:
        mean, low, high = map(self._numbers, (spans.means[at], spans.lows[at], spans.highs[at]))
        return f"{mean}, from {low} to {high}"

    def _numbers(self, values: Floats) -> str:
        if len(self._names) != len(values):
            return describe.observation_text(values.reshape(self._shape))
        labelled = (
            f"{name} {describe.observation_text(value)}"
            for name, value in zip(self._names, values, strict=True)
        )
        return f"[{', '.join(labelled)}]"

    def _spans(self) -> Spans | None:
        self._fold()
        return self._log.spans if self._is_uniform else None

    def _fold(self) -> None:
        if not self._buffer or not self._is_uniform:
            return
        try:
            batch = np.stack(self._buffer)
            self._log.extend(batch.reshape(len(batch), -1))
            self._shape = batch.shape[1:]
        except ValueError:
            self._is_uniform = False  # actions of different shapes have no common mean
        self._buffer.clear()


def _rounded(mean: Floats) -> list[float]:
    return [float(f"{number:.4g}") for number in mean.tolist()]
