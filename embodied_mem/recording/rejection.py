"""Why something cannot be recorded, with the next step."""

import inspect
from typing import Any

from embodied_mem.recording import describe
from embodied_mem.recording.recording_options import RecordingError

OLD_API = (
    "an environment of before Gymnasium 0.26: wrap it first, with shimmy.GymV21CompatibilityV0(env=env) if "
    "its step returns four values, with shimmy.GymV26CompatibilityV0(env=env) if five "
    "(pip install 'shimmy[gym-v21]' or 'shimmy[gym-v26]')"
)
_ADAPTERS = {  # package -> how its environments become Gymnasium's
    "gym": f"is {OLD_API}",
    "dm_env": "is an environment of dm_env; wrap it first, with shimmy.DmControlCompatibilityV0(env)",
    "dm_control": "is an environment of dm_control; wrap it first, with shimmy.DmControlCompatibilityV0(env)",
    "pettingzoo": (
        "has several agents; record each from your loop with memory.record(Experience(...)), or wrap it so "
        "that one agent sees a gymnasium.Env"
    ),
}


def rejection(env: Any) -> str:
    """Return why an object that is no Gymnasium environment cannot be recorded."""
    name = type(env).__name__
    classes = [(cls.__module__.split(".")[0], cls.__name__) for cls in type(env).__mro__]
    if ("stable_baselines3", "VecEnv") in classes:
        return (
            f"{name} is a Stable-Baselines3 VecEnv, which cannot be recorded directly; "
            "record each of its environments: DummyVecEnv([lambda: record_experience(gym.make(ID), memory)])"
        )
    for module, _ in classes:
        if module in _ADAPTERS:
            return f"{name} {_ADAPTERS[module]}"
    if callable(getattr(env, "reset", None)) and callable(getattr(env, "step", None)) and not _is_class(env):
        return (
            f"{name} has reset and step but is no gymnasium.Env; derive it from that class, or if it is "
            f"{OLD_API}"
        )
    return _not_an_environment(env)


def five_values(result: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return what `step` returned, if it is observation, reward, terminated, truncated and info.

    Raises:
        RecordingError: It is something else, for example the four values of the old API.
    """
    if isinstance(result, tuple | list) and len(result) == 5:
        observation, reward, terminated, truncated, info = result
        return observation, reward, terminated, truncated, info
    n = f"{len(result)} values" if isinstance(result, tuple | list) else f"a {type(result).__name__}"
    raise RecordingError(
        f"step() returned {n}; expected observation, reward, terminated, truncated and info. "
        f"If this is {OLD_API}"
    )


def two_values(result: Any) -> tuple[Any, Any]:
    """Return what `reset` returned, if it is observation and info.

    Raises:
        RecordingError: It is something else, for example the observation alone, as in the old API.
    """
    if isinstance(result, tuple) and len(result) == 2:
        return result
    raise RecordingError(
        f"reset() returned {describe.observation_text(result)[:80]!r}; expected the pair observation, info. "
        f"If this is {OLD_API}"
    )


def _not_an_environment(env: Any) -> str:
    if isinstance(env, str):
        return f"env is the string {env!r}; expected an environment, such as gymnasium.make({env!r})"
    if type(env).__name__ == "EnvSpec":
        return f"env is a specification; expected an environment, such as gymnasium.make({str(env.id)!r})"
    if _is_class(env) or inspect.isroutine(env):
        what = "class" if _is_class(env) else "function"
        return (
            f"env is the {what} {env.__name__}; expected a gymnasium.Env or a gymnasium.vector.VectorEnv, "
            f"such as the one that {env.__name__}(...) makes"
        )
    if isinstance(env, list | tuple):
        return "env is several environments; record each, or a gymnasium.vector.SyncVectorEnv of them"
    return f"env is {type(env).__name__}; expected a gymnasium.Env or a gymnasium.vector.VectorEnv"


def _is_class(env: Any) -> bool:
    return isinstance(env, type)
