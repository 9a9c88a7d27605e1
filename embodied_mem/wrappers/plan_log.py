"""The actions of a running episode as a plan: run-length coded on the fly and bounded."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from embodied_mem import describe
from embodied_mem.json_values import JsonObject, JsonValue, canonical
from embodied_mem.records import SkillCall

if TYPE_CHECKING:
    from gymnasium import Space

Key: TypeAlias = int | str | tuple[Any, ...]
ToKey: TypeAlias = Callable[[Any], Key]

_FOLD_EVERY = 256


class PlanLog:
    """Collects actions: equal ones in a row collapse into a count; beyond `max_calls` the middle is left out.

    Args:
        to_key: Makes an action hashable and comparable.
        names: Names of discrete actions.
        max_calls: At most this many calls are kept, from the head and the tail in equal parts, >= 2.
    """

    __slots__ = (
        "_count",
        "_head",
        "_head_size",
        "_key",
        "_names",
        "_tail",
        "_to_key",
        "dropped_actions",
        "dropped_calls",
    )

    def __init__(self, to_key: ToKey, names: Mapping[int, str], *, max_calls: int) -> None:
        self._to_key = to_key
        self._names = names
        self._head: list[tuple[Key, int]] = []
        self._head_size = (max_calls + 1) // 2
        self._tail: deque[tuple[Key, int]] = deque(maxlen=max_calls - self._head_size)
        self._key: Key | None = None
        self._count = 0
        self.dropped_calls = 0
        self.dropped_actions = 0

    def add(self, action: Any) -> None:
        """Note one action; never raises, whatever the agent sent."""
        try:
            key = self._to_key(action)
        except Exception:  # the environment has its own say about a malformed action
            key = describe.glimpse(action, 200, say=repr)
        if key == self._key:
            self._count += 1
            return
        if self._count:
            self._store()
        self._key, self._count = key, 1

    def calls(self) -> tuple[SkillCall, ...]:
        """The plan so far."""
        if self._count:
            self._store()
            self._key, self._count = None, 0
        return tuple(self._call(key, count) for key, count in (*self._head, *self._tail))

    def metadata(self) -> JsonObject:
        """What the plan left out; empty if nothing."""
        if not self.dropped_calls:
            return {}
        return {
            "plan_left_out": {
                "after_call": self._head_size,
                "calls": self.dropped_calls,
                "actions": self.dropped_actions,
            }
        }

    def _store(self) -> None:
        assert self._key is not None
        if len(self._head) < self._head_size:
            self._head.append((self._key, self._count))
            return
        if len(self._tail) == self._tail.maxlen:
            self.dropped_calls += 1
            self.dropped_actions += self._tail[0][1]
        self._tail.append((self._key, self._count))

    def _call(self, key: Key, count: int) -> SkillCall:
        if isinstance(key, _Json):
            return SkillCall(describe.ACT, {"action": json.loads(key)}, count=count)
        action: Any = list(key) if isinstance(key, tuple) else key
        return describe.action_call(action, self._names, count=count)


class ActionSummary:
    """Collects continuous actions as count, mean and range; one by one they fill a store and teach nobody.

    Args:
        space: Name of the action space, for the summary.
    """

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
        """Note one action; never raises, whatever the agent sent."""
        self._count += 1
        if not self._is_uniform:
            return
        try:
            self._buffer.append(np.array(action, dtype=np.float64))  # a copy: agents reuse their buffers
        except Exception:  # a tensor that asks to be detached, and the like
            self._is_uniform = False
        if len(self._buffer) >= _FOLD_EVERY:
            self._fold()

    def calls(self) -> tuple[SkillCall, ...]:
        """No calls."""
        return ()

    def metadata(self) -> JsonObject:
        """One line about the actions."""
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


def action_log(
    space: "Space[Any]", names: Mapping[int, str], *, max_calls: int, keep_continuous: bool
) -> Callable[[], PlanLog | ActionSummary]:
    """What makes a fresh log for each episode of an environment with this action space."""
    to_key = _to_key(space)
    if to_key is None and not keep_continuous:
        name = describe.clip(repr(space), 200)
        return lambda: ActionSummary(name)
    key = to_key or _json_key
    return lambda: PlanLog(key, names, max_calls=max_calls)


def _to_key(space: "Space[Any]") -> ToKey | None:
    """How actions of a space become comparable; None where they are continuous."""
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        return _discrete_key
    if isinstance(space, spaces.MultiDiscrete | spaces.MultiBinary):
        return _integers_key
    if isinstance(space, spaces.Text):
        return _text_key
    return None if _has_box(space) else _json_key


def _has_box(space: Any) -> bool:
    from gymnasium import spaces

    if isinstance(space, spaces.Dict):
        return any(map(_has_box, space.spaces.values()))
    if isinstance(space, spaces.Tuple | spaces.OneOf):
        return any(map(_has_box, space.spaces))
    if isinstance(space, spaces.Sequence):
        return _has_box(space.feature_space)
    return isinstance(space, spaces.Box | spaces.Graph)


def _discrete_key(action: Any) -> Key:
    return int(action.item() if isinstance(action, np.ndarray) else action)


def _integers_key(action: Any) -> Key:
    return tuple(np.asarray(action).reshape(-1).tolist())


def _text_key(action: Any) -> Key:
    return describe.clip(action, describe.MAX_TASK_CHARS)


class _Json(str):
    """An action as canonical JSON, told apart from an action that is text."""

    __slots__ = ()


def _json_key(action: Any) -> Key:
    return _Json(canonical(_plain(action)))


def _plain(action: Any) -> JsonValue:
    if isinstance(action, Mapping):
        return {describe.clip(key, 200): _plain(value) for key, value in action.items()}
    if isinstance(action, tuple | list):
        return [_plain(value) for value in action]
    return describe.action_json(action)
