"""Default descriptions of an environment's task, observations and actions.

Pure functions. Returned texts are bounded in length and free of lone surrogates, so they can be stored.
"""

import enum
import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import InvalidRecord
from embodied_mem.recording.characters import decoded
from embodied_mem.recording.dimension_names import Parts
from embodied_mem.records.arrays import as_array
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import JsonObject, JsonValue, canonical, clean_text, to_json

TASK_KEYS = ("mission", "instruction", "goal", "task")
MAX_TASK_CHARS = 4_000
MAX_STATE_CHARS = 16_000
MAX_NUMBERS = 64  # larger arrays are described by shape and dtype: nobody reads that many numbers
MAX_ENTRIES = 64
MAX_DEPTH = 4
ACT = "act"  # the only skill of an environment whose actions have no names

_WORD = re.compile(r"\d+x\d+|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_VERSION = re.compile(r"-v\d+$")


@lru_cache(maxsize=64)  # called with the same environment id in each episode
def identifier_text(identifier: str) -> str:
    """Return an identifier in words: `MiniGrid-Empty-5x5-v0` becomes "mini grid empty 5x5"."""
    return " ".join(_WORD.findall(_VERSION.sub("", identifier))).lower()


def clip(text: object, limit: int) -> str:
    """Return clean text cut at `limit` characters; a cut text ends with its full length."""
    full = clean_text(text)
    return full if len(full) <= limit else f"{full[:limit]}… ({len(full):,} characters)"


def glimpse(value: Any, limit: int, *, say: Callable[[Any], str] = str) -> str:
    """Return any object as text for a message; only its type if `say` raises, as foreign code may."""
    try:
        return clip(say(value), limit)
    except Exception:
        return f"a {type(value).__name__}"


def task_text(observation: Any, info: Mapping[str, Any], *, environment: str = "") -> str:
    """Return the task: the text under `mission`, `instruction`, `goal` or `task`, else the id in words.

    Args:
        observation: The first observation; searched if it is a mapping.
        info: The first `info`.
        environment: Environment id, the fallback.
    """
    for source in (observation, info):
        if isinstance(source, Mapping):
            for key in TASK_KEYS:
                with suppress(Exception):  # reading a simulator's mapping may raise anything
                    text = source.get(key)
                    if isinstance(text, str) and text.strip():
                        return clip(text, MAX_TASK_CHARS)
    return clip(identifier_text(environment) or environment, MAX_TASK_CHARS)


def observation_text(observation: Any, parts: Parts = ()) -> str:
    """Return an observation in words; never raises.

    Text stays as is; a mapping gives one line per entry, sorted by key; up to 64 numbers are written out,
    rounded to four digits; larger arrays are described by shape and dtype ("image 84x84x3 uint8"), those of
    character codes by their text. Arrays may be of any library (see `as_array`).

    Args:
        observation: The observation.
        parts: Names of its numbers; used if it is an array of that many, one line for each.
    """
    try:
        return clip(_named_text(observation, parts) or _text(observation, depth=0), MAX_STATE_CHARS)
    except Exception:  # reading a simulator's object may raise anything
        return f"a {type(observation).__name__}"


def action_names(env: Any) -> dict[int, str]:
    """Return the names of discrete actions if the environment provides them; empty otherwise.

    Searched in `env.unwrapped`: an `actions` enum (MiniGrid), `get_action_meanings()` (Atari), and an
    `action_names` list (Crafter).
    """
    base = getattr(env, "unwrapped", env)
    if getattr(env, "action_space", None) != getattr(base, "action_space", None):
        return {}  # a wrapper changed the meaning of the numbers
    actions = getattr(base, "actions", None)
    if isinstance(actions, type) and issubclass(actions, enum.Enum):
        return {member.value: _name(member.name) for member in actions if isinstance(member.value, int)}
    meanings = getattr(base, "get_action_meanings", None)
    found = meanings() if callable(meanings) else getattr(base, "action_names", None)
    if isinstance(found, list | tuple) and all(isinstance(item, str) for item in found):
        return dict(enumerate(map(_name, found)))
    return {}


def told_apart(names: Mapping[int, str]) -> dict[int, str]:
    """Return the names without duplicates, so a name means one action; the smallest number keeps it."""
    first = {name: action for action, name in sorted(names.items(), reverse=True)}
    return {action: name for name, action in first.items()}


def action_name(action: int, names: Mapping[int, str]) -> str:
    """Return the skill name of a discrete action: its own name, or for example `action_2`."""
    return names.get(action) or f"action_{action}"


def action_call(action: Any, names: Mapping[int, str], *, count: int = 1) -> SkillCall:
    """Return an action as a call for `GymWorld`: `left()`, `action_2()` or `act(action=[0.5])`."""
    if isinstance(action, int | np.integer) and not isinstance(action, bool):
        return SkillCall(clip(action_name(int(action), names), MAX_TASK_CHARS), count=count)
    return SkillCall(ACT, {"action": action_json(action)}, count=count)


def action_json(action: Any) -> JsonValue:
    """Return an action as JSON; array floats keep seven digits, other objects become text."""
    if isinstance(action, str):
        return clip(action, MAX_TASK_CHARS)
    array = as_array(action)
    if array is not None:
        is_float = array.ndim and array.dtype.kind == "f"
        action = [float(f"{x:.7g}") for x in array.reshape(-1).tolist()] if is_float else array
    try:
        return to_json(action, field="action")
    except InvalidRecord:
        return clip(repr(action), MAX_TASK_CHARS)


def reward_number(reward: Any) -> float:
    """Return a reward as a float, also from an array of one number; NaN if it is not a number."""
    try:
        array = None if isinstance(reward, float | int) else as_array(reward)
        return float(reward if array is None else array.item())
    except Exception:  # a custom reward type may raise anything
        return math.nan


def small_json(values: Any, *, entry_chars: int = 500) -> JsonObject:
    """Return the short plain-JSON entries of a mapping, and the names of the others under `left_out`.

    A value that is not a mapping, such as the `info` of a faulty environment, gives no entries.
    """
    kept: JsonObject = {}
    left_out: list[JsonValue] = []
    for key, value in _entries(values):
        name = glimpse(key, 100)
        plain, is_small = _small_json(value, entry_chars)
        if is_small and len(kept) < MAX_ENTRIES:
            kept[name] = plain
        elif len(left_out) < MAX_ENTRIES:
            left_out.append(name)
    return {**kept, "left_out": left_out} if left_out else kept


def _entries(values: Any) -> list[tuple[Any, Any]]:
    try:
        return list(values.items()) if isinstance(values, Mapping) else []
    except Exception:  # reading a simulator's mapping may raise anything
        return []


def _small_json(value: Any, limit: int) -> tuple[JsonValue, bool]:
    """Return the value as JSON, and whether it is valid JSON of at most `limit` characters."""
    try:
        if not _may_be_small(value, limit):
            return None, False
        plain = to_json(_with_numpy(value), field="value")
        return plain, len(canonical(plain)) <= limit
    except Exception:  # reading a simulator's object may raise anything
        return None, False


def _may_be_small(value: Any, limit: int) -> bool:
    """Whether the value has at most `limit` members; avoids serializing 4 M numbers, which takes seconds."""
    waiting = [value]
    while waiting and limit >= 0:
        item = waiting.pop()
        if isinstance(item, Mapping | list | tuple | set | frozenset):
            limit -= len(item)
            if limit >= 0:
                waiting.extend(item.values() if isinstance(item, Mapping) else item)
        elif hasattr(type(item), "shape"):  # an array of any library
            limit -= math.prod(item.shape)
        elif isinstance(item, str):
            limit -= len(item)
    return limit >= 0


def _with_numpy(value: Any) -> Any:
    """Return the value with arrays of other libraries as NumPy arrays."""
    if isinstance(value, Mapping):
        return {key: _with_numpy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_numpy(item) for item in value]
    array = as_array(value)
    return value if array is None else array


def is_image(array: npt.NDArray[Any]) -> bool:
    """Whether an array looks like a picture: (h, w, c) uint8 with 1, 3 or 4 channels."""
    return array.ndim == 3 and array.dtype == np.uint8 and array.shape[2] in (1, 3, 4)


def _name(text: str) -> str:
    return clip(text.strip().lower().replace(" ", "_"), 100)


def _named_text(value: Any, parts: Parts) -> str:
    """Return one line for each part of an array; empty if it does not have as many numbers as the parts."""
    array = as_array(value) if parts else None
    if array is None or array.ndim != 1 or array.size != sum(size for _, size in parts):
        return ""
    ends = np.cumsum([size for _, size in parts]).tolist()
    return "\n".join(
        f"{name}: {_array_text(array[end - size : end]) if size > 1 else _number(array[end - 1].item())}"
        for (name, size), end in zip(parts, ends, strict=True)
    )


def _text(value: Any, *, depth: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        return _mapping_text(value, depth=depth)
    if value is None or isinstance(value, bool | int | float):
        return _number(value)
    if isinstance(value, list | tuple) and depth < MAX_DEPTH:
        return _sequence_text(value, depth=depth)
    array = as_array(value)
    if array is not None:
        text = _array_text(array)
        return f"\n{text}" if depth and "\n" in text else text  # the lines of a map stay in line
    return f"a {type(value).__name__}"  # not repr(): it may hold an address, which differs between runs


def _mapping_text(value: Mapping[Any, Any], *, depth: int) -> str:
    # Sorted, because a vector environment returns the entries in the order of the space.
    keys = sorted(value, key=str)
    lines = [f"{key}: {_text(value[key], depth=depth + 1)}" for key in keys[:MAX_ENTRIES]]
    if len(keys) > MAX_ENTRIES:
        lines.append(f"… ({len(keys)} entries)")
    return "\n".join(lines)


def _sequence_text(value: Sequence[Any], *, depth: int) -> str:
    items = [_text(item, depth=depth + 1) for item in value[:MAX_ENTRIES]]
    more = f" … ({len(value)} items)" if len(value) > MAX_ENTRIES else ""
    return f"({', '.join(items)}{more})"


def _array_text(array: npt.NDArray[Any]) -> str:
    if not is_image(array) and array.size <= MAX_NUMBERS:
        return _numbers(array.tolist())
    text = "" if is_image(array) else decoded(array)
    if text:
        return text
    kind = "image" if array.dtype == np.uint8 and array.ndim in (2, 3) else "array"
    return f"{kind} {'x'.join(map(str, array.shape))} {array.dtype}"


def _numbers(value: Any) -> str:
    if isinstance(value, list):
        return f"[{' '.join(map(_numbers, value))}]"
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else _number(value)


def _number(value: Any) -> str:
    if isinstance(value, float):
        rounded = f"{value:.4g}"
        return "0" if rounded == "-0" else rounded
    return str(value)
