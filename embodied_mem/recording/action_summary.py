"""Summary of an episode's continuous actions: count, mean and range."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.recording import describe
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import JsonObject

_FOLD_EVERY = 256


class ActionSummary:
    """Reduces continuous actions to count, mean and range: single ones fill a store without use.

    Args:
        space: Name of the action space, for the summary.
    """

    takes_numbers = False

    __slots__ = ("_buffer", "_count", "_high", "_is_uniform", "_low", "_space", "_sum")

    def __init__(self, space: str) -> None:
        self._space = space
        self._buffer: list[npt.NDArray[np.float64]] = []
        self._count = 0
        self._is_uniform = True
        self._sum: npt.NDArray[np.float64] | None = None
        self._low: npt.NDArray[np.float64] | None = None
        self._high: npt.NDArray[np.float64] | None = None

    def add(self, action: Any) -> None:
        """Add one action of any type; never raises."""
        self._count += 1
        if not self._is_uniform:
            return
        try:
            self._buffer.append(np.array(action, dtype=np.float64))  # a copy: agents reuse their buffers
        except Exception:  # for example a tensor that must be detached
            self._is_uniform = False
        if len(self._buffer) >= _FOLD_EVERY:
            self._fold()

    def extend(self, actions: Sequence[Any]) -> None:
        """Add many actions."""
        for action in actions:
            self.add(action)

    def calls(self) -> tuple[SkillCall, ...]:
        """Return no calls."""
        return ()

    def metadata(self) -> JsonObject:
        """Return the summary line under "actions"."""
        self._fold()
        line = f"{self._count} continuous actions of {self._space}"
        if self._is_uniform and self._sum is not None and self._low is not None and self._high is not None:
            mean, low, high = map(describe.observation_text, (self._sum / self._count, self._low, self._high))
            line += f", mean {mean}, from {low} to {high}"
        return {"actions": line}

    def _fold(self) -> None:
        if not self._buffer or not self._is_uniform:
            return
        try:
            batch = np.stack(self._buffer)
            total, low, high = batch.sum(axis=0), batch.min(axis=0), batch.max(axis=0)
            if self._sum is not None and self._low is not None and self._high is not None:
                total, low, high = total + self._sum, np.minimum(low, self._low), np.maximum(high, self._high)
            self._sum, self._low, self._high = total, low, high
        except ValueError:
            self._is_uniform = False  # actions of different shapes have no common mean
        self._buffer.clear()
