"""The actions of a running episode as a bounded, run-length coded plan."""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from embodied_mem.recording import describe
from embodied_mem.recording.action_summary import ActionSummary
from embodied_mem.records.arrays import as_array, to_array
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import JsonObject, JsonValue, canonical

if TYPE_CHECKING:
    from gymnasium import Space

Key: TypeAlias = int | str | tuple[Any, ...]
ToKey: TypeAlias = Callable[[Any], Key]
Integers: TypeAlias = npt.NDArray[np.integer[Any]]

MAX_CALLS_KEPT = 4_096  # cached calls


class PlanLog:
    """Collects actions: equal ones in a row become one call; above `max_calls` the middle is omitted.

    Args:
        to_key: Maps an action to a hashable key.
        call_of: Maps (key, count) to a call.
        max_calls: Maximum number of calls, half from the head and half from the tail, >= 2.

    Attributes:
        takes_numbers: Whether actions are plain integers, so that many can be added at once.
    """

    __slots__ = (
        "_call_of",
        "_count",
        "_head",
        "_head_size",
        "_key",
        "_tail",
        "_to_key",
        "dropped_actions",
        "dropped_calls",
        "takes_numbers",
    )

    def __init__(
        self, to_key: ToKey, call_of: Mapping[tuple[Key, int], SkillCall], *, max_calls: int
    ) -> None:
        self._to_key = to_key
        self._call_of = call_of
        self.takes_numbers = to_key is _discrete_key
        self._head: list[tuple[Key, int]] = []
        self._head_size = (max_calls + 1) // 2
        self._tail: deque[tuple[Key, int]] = deque(maxlen=max_calls - self._head_size)
        self._key: Key | None = None
        self._count = 0
        self.dropped_calls = 0
        self.dropped_actions = 0

    def add(self, action: Any) -> None:
        """Add one action of any type; never raises."""
        try:
            key = self._to_key(action)
        except Exception:  # the environment decides whether to reject a malformed action
            key = describe.glimpse(action, 200, say=repr)
        if key == self._key:
            self._count += 1
            return
        if self._count:
            self._store([(cast(Key, self._key), self._count)])
        self._key, self._count = key, 1

    def extend(self, actions: Sequence[Any]) -> None:
        """Add many actions, with the result of `add` one by one."""
        numbers = _integers(actions) if self.takes_numbers else None
        if numbers is None:
            for action in actions:
                self.add(action)
            return
        if not len(numbers):
            return
        keys, counts = _runs(numbers)
        if keys[0] == self._key:
            counts[0] += self._count
        elif self._count:
            self._store([(cast(Key, self._key), self._count)])
        self._key, self._count = int(keys[-1]), int(counts[-1])
        self._store_many(keys[:-1], counts[:-1])

    def calls(self) -> tuple[SkillCall, ...]:
        """Return the plan so far."""
        if self._count:
            self._store([(cast(Key, self._key), self._count)])
            self._key, self._count = None, 0
        return tuple(map(self._call_of.__getitem__, (*self._head, *self._tail)))

    def metadata(self) -> JsonObject:
        """Return the counts of omitted calls and actions; empty if there are none."""
        if not self.dropped_calls:
            return {}
        return {
            "plan_left_out": {
                "after_call": self._head_size,
                "calls": self.dropped_calls,
                "actions": self.dropped_actions,
            }
        }

    def _store(self, runs: Sequence[tuple[Key, int]]) -> None:
        """Append finished runs; count those that fit neither head nor tail."""
        room = self._head_size - len(self._head)
        self._head += runs[:room]
        later = runs[room:]
        size = self._tail.maxlen or 0
        n_left_out = len(self._tail) + len(later) - size
        if n_left_out > 0:
            left_out = [*self._tail, *later][:n_left_out]
            self.dropped_calls += n_left_out
            self.dropped_actions += sum(count for _, count in left_out)
        self._tail.extend(later[-size:])

    def _store_many(self, keys: Integers, counts: Integers) -> None:
        """Append finished runs given as columns; converts only those that are kept."""
        room = max(self._head_size - len(self._head), 0)
        size = self._tail.maxlen or 0
        n_skipped = max(len(keys) - room - size, 0)
        self._store(_pairs(keys[:room], counts[:room]))
        if n_skipped:  # enough runs to replace the whole tail
            skipped = slice(room, room + n_skipped)
            self.dropped_calls += n_skipped + len(self._tail)
            self.dropped_actions += int(counts[skipped].sum()) + sum(count for _, count in self._tail)
            self._tail.clear()
        self._store(_pairs(keys[room + n_skipped :], counts[room + n_skipped :]))


ActionLog: TypeAlias = PlanLog | ActionSummary
MakePlan: TypeAlias = Callable[[], ActionLog]  # called once per episode


def _pairs(keys: Integers, counts: Integers) -> list[tuple[Key, int]]:
    return list(zip(keys.tolist(), counts.tolist(), strict=True))


def _integers(actions: Sequence[Any]) -> Integers | None:
    """Return (n,) the actions as integers; None if one is not an integer."""
    try:
        return np.frombuffer(bytes(actions), dtype=np.uint8)  # 5x faster; most spaces have <= 256 actions
    except Exception:  # not integers, or beyond a byte
        pass
    try:
        numbers = np.array(actions)
    except Exception:  # for example a tensor that must be detached
        return None
    return numbers if numbers.ndim == 1 and numbers.dtype.kind in "iu" else None


def _runs(numbers: Integers) -> tuple[Integers, Integers]:
    """Return the run-length coding: the number of each run and its length."""
    ends = np.concatenate((np.flatnonzero(numbers[1:] != numbers[:-1]), (len(numbers) - 1,)))
    counts = ends.copy()
    counts[0] += 1
    counts[1:] -= ends[:-1]
    return numbers[ends], counts


def action_log(
    space: "Space[Any]",
    names: Mapping[int, str],
    *,
    max_calls: int,
    keep_continuous: bool,
    dimension_names: Sequence[str] = (),
) -> MakePlan:
    """Return a factory of action logs for an environment with this action space.

    Args:
        space: The action space.
        names: Names of discrete actions.
        max_calls: Maximum number of calls of a plan.
        keep_continuous: Whether to keep each continuous action instead of a summary.
        dimension_names: Names of the numbers of a continuous action; empty if unknown.
    """
    to_key = _to_key(space)
    if to_key is None and not keep_continuous:
        return partial(ActionSummary, describe.clip(repr(space), 200), dimension_names)
    return partial(PlanLog, to_key or _json_key, _CallMaker(names), max_calls=max_calls)


class _CallMaker(dict[tuple[Key, int], SkillCall]):
    """Maps (key, count) to a call, with a bounded cache."""

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__()
        self._names = names

    def __reduce__(self) -> tuple[Any, ...]:  # copies without the cache, so that copying stays cheap
        return _CallMaker, (self._names,)

    def __missing__(self, run: tuple[Key, int]) -> SkillCall:
        key, count = run
        if isinstance(key, _Json):
            return SkillCall(describe.ACT, {"action": json.loads(key)}, count=count)
        action: Any = list(key) if isinstance(key, tuple) else key
        call = describe.action_call(action, self._names, count=count)
        if type(key) is int and len(self) < MAX_CALLS_KEPT:  # other keys rarely repeat and may be large
            self[run] = call
        return call


def _to_key(space: "Space[Any]") -> ToKey | None:
    """Return the key function for actions of a space; None if they are continuous."""
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
    array = None if isinstance(action, int) else as_array(action)
    return int(action if array is None else array.item())


def _integers_key(action: Any) -> Key:
    return tuple(to_array(action).reshape(-1).tolist())


def _text_key(action: Any) -> Key:
    return describe.clip(action, describe.MAX_TASK_CHARS)


class _Json(str):
    """An action as canonical JSON; a type of its own, so that it differs from a text action."""

    __slots__ = ()


def _json_key(action: Any) -> Key:
    return _Json(canonical(_plain(action)))


def _plain(action: Any) -> JsonValue:
    if isinstance(action, Mapping):
        return {describe.clip(key, 200): _plain(value) for key, value in action.items()}
    if isinstance(action, tuple | list):
        return [_plain(value) for value in action]
    return describe.action_json(action)
