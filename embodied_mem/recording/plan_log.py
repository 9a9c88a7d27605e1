"""The actions of a running episode as a plan: run-length coded on the fly and bounded."""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from embodied_mem.recording import describe
from embodied_mem.recording.action_summary import ActionSummary
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import JsonObject, JsonValue, canonical

if TYPE_CHECKING:
    from gymnasium import Space

Key: TypeAlias = int | str | tuple[Any, ...]
ToKey: TypeAlias = Callable[[Any], Key]
Integers: TypeAlias = npt.NDArray[np.integer[Any]]

MAX_CALLS_KEPT = 4_096  # calls that are made once for all episodes


class PlanLog:
    """Collects actions: equal ones in a row collapse into a count; beyond `max_calls` the middle is left out.

    Args:
        to_key: Makes an action hashable and comparable.
        call_of: The call of such a key and how often it came in a row.
        max_calls: At most this many calls are kept, from the head and the tail in equal parts, >= 2.

    Attributes:
        takes_numbers: Whether actions are plain numbers, so that many can be noted at once.
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
        """Note one action; never raises, whatever the agent sent."""
        try:
            key = self._to_key(action)
        except Exception:  # the environment has its own say about a malformed action
            key = describe.glimpse(action, 200, say=repr)
        if key == self._key:
            self._count += 1
            return
        if self._count:
            self._store([(cast(Key, self._key), self._count)])
        self._key, self._count = key, 1

    def extend(self, actions: Sequence[Any]) -> None:
        """Note many actions, as `add` would one by one."""
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
        """The plan so far."""
        if self._count:
            self._store([(cast(Key, self._key), self._count)])
            self._key, self._count = None, 0
        return tuple(map(self._call_of.__getitem__, (*self._head, *self._tail)))

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

    def _store(self, runs: Sequence[tuple[Key, int]]) -> None:
        """Keep runs that are over; those that fit neither head nor tail are counted."""
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
        """The same for runs as columns, of which only those are looked at that are kept."""
        room = max(self._head_size - len(self._head), 0)
        size = self._tail.maxlen or 0
        n_skipped = max(len(keys) - room - size, 0)
        self._store(_pairs(keys[:room], counts[:room]))
        if n_skipped:  # so many that they push out all that the tail holds
            skipped = slice(room, room + n_skipped)
            self.dropped_calls += n_skipped + len(self._tail)
            self.dropped_actions += int(counts[skipped].sum()) + sum(count for _, count in self._tail)
            self._tail.clear()
        self._store(_pairs(keys[room + n_skipped :], counts[room + n_skipped :]))


ActionLog: TypeAlias = PlanLog | ActionSummary
MakePlan: TypeAlias = Callable[[], ActionLog]  # a fresh one for each episode


def _pairs(keys: Integers, counts: Integers) -> list[tuple[Key, int]]:
    return list(zip(keys.tolist(), counts.tolist(), strict=True))


def _integers(actions: Sequence[Any]) -> Integers | None:
    """(n,) the actions as integers; None where one of them is something else."""
    try:
        return np.frombuffer(bytes(actions), dtype=np.uint8)  # five times as fast, and few have more than 256
    except Exception:  # something else, or numbers beyond a byte
        pass
    try:
        numbers = np.array(actions)
    except Exception:  # a tensor that asks to be detached, and the like
        return None
    return numbers if numbers.ndim == 1 and numbers.dtype.kind in "iu" else None


def _runs(numbers: Integers) -> tuple[Integers, Integers]:
    """Each number that differs from the one before it, and how often it came in a row."""
    ends = np.concatenate((np.flatnonzero(numbers[1:] != numbers[:-1]), (len(numbers) - 1,)))
    counts = ends.copy()
    counts[0] += 1
    counts[1:] -= ends[:-1]
    return numbers[ends], counts


def action_log(
    space: "Space[Any]", names: Mapping[int, str], *, max_calls: int, keep_continuous: bool
) -> MakePlan:
    """What makes a fresh log for each episode of an environment with this action space."""
    to_key = _to_key(space)
    if to_key is None and not keep_continuous:
        return partial(ActionSummary, describe.clip(repr(space), 200))
    return partial(PlanLog, to_key or _json_key, _CallMaker(names), max_calls=max_calls)


class _CallMaker(dict[tuple[Key, int], SkillCall]):
    """Makes calls of keys and counts, and those that come again and again only once."""

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__()
        self._names = names

    def __reduce__(self) -> tuple[Any, ...]:  # a copy makes its calls again, so that copying stays cheap
        return _CallMaker, (self._names,)

    def __missing__(self, run: tuple[Key, int]) -> SkillCall:
        key, count = run
        if isinstance(key, _Json):
            return SkillCall(describe.ACT, {"action": json.loads(key)}, count=count)
        action: Any = list(key) if isinstance(key, tuple) else key
        call = describe.action_call(action, self._names, count=count)
        if type(key) is int and len(self) < MAX_CALLS_KEPT:  # others are rarely equal, and may be large
            self[run] = call
        return call


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
