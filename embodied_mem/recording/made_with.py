"""`made_with`: the arguments that an environment was made with, for the names of its problems."""

import hashlib
from collections.abc import Mapping
from typing import Any

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.json_values import JsonObject, JsonValue, canonical, to_json

MAX_VALUE_CHARS = 200

# How an environment is shown and how a batch of them is run change no problem.
_CHANGE_NO_PROBLEM = frozenset(("render_mode", "num_envs", "vectorization_mode"))


def made_with(env: Any) -> JsonObject:
    """Return the arguments of `gymnasium.make` that differ from those registered for the environment's id.

    For one of `gymnasium.make_vec` they are those of its sub-environments. A long value is given as a digest.
    Empty if the environment was not made by either.
    """
    spec = getattr(env, "spec", None)
    if spec is None:
        return {}
    from gymnasium.envs.registration import registry

    registered = registry.get(spec.id)
    usual = dict(registered.kwargs) if registered is not None else {}
    usual["max_episode_steps"] = registered.max_episode_steps if registered is not None else None
    given = {**spec.kwargs, "max_episode_steps": spec.max_episode_steps}
    said = {key: _value(value) for key, value in given.items() if key not in _CHANGE_NO_PROBLEM}
    return {key: value for key, value in said.items() if key not in usual or value != _value(usual[key])}


def _value(value: Any) -> JsonValue:
    plain = _plain(value)
    text = canonical(plain)
    return (
        plain if len(text) <= MAX_VALUE_CHARS else f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    )


def _plain(value: Any) -> JsonValue:
    """Return a value as JSON; what JSON cannot hold by its name, or by its text if that holds no address."""
    try:
        return to_json(value, field="argument")
    except InvalidRecord:
        pass
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    named = value if hasattr(value, "__qualname__") else type(value)
    text = repr(value)
    is_address = " at 0x" in text or named is value
    return f"{named.__module__}.{named.__qualname__}" if is_address else text
