"""`record_experience`, the entry point of recording."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

import numpy as np

from embodied_mem.contracts import Memory
from embodied_mem.errors import MemoryModeError
from embodied_mem.memory.modes import LimitedMemory
from embodied_mem.recording.outcomes import OutcomeRule
from embodied_mem.recording.recording_options import Keep, RecordingError, RecordOptions, TaskSource
from embodied_mem.recording.rejection import rejection
from embodied_mem.records.experience import Scope

if TYPE_CHECKING:
    import gymnasium as gym
    from gymnasium.vector import VectorEnv

    from embodied_mem.recording.single_env import RecordExperience
    from embodied_mem.recording.vector_env import RecordVectorExperience


class RecordKeywords(TypedDict, total=False):
    """The keyword arguments of `record_experience`; documented in `RecordOptions`."""

    task: TaskSource | None
    outcome: OutcomeRule | str | None
    scope: Scope
    keep: Keep
    sample: float
    rng: np.random.Generator | None
    clock: Callable[[], float]
    make_id: Callable[[], str]
    max_calls: int
    max_steps_per_experience: int | None
    keep_continuous: bool
    action_names: Sequence[str] | None
    observation_names: Sequence[str] | None
    record_copies: bool
    metadata: Mapping[str, Any]


@overload
def record_experience(
    env: "gym.Env[Any, Any]", memory: Memory, *, in_background: bool = ..., **keywords: Unpack[RecordKeywords]
) -> "RecordExperience": ...
@overload
def record_experience(
    env: "VectorEnv[Any, Any, Any]",
    memory: Memory,
    *,
    in_background: bool = ...,
    **keywords: Unpack[RecordKeywords],
) -> "RecordVectorExperience": ...
def record_experience(
    env: Any, memory: Memory, *, in_background: bool | None = None, **keywords: Unpack[RecordKeywords]
) -> Any:
    """Wrap an environment so that each finished episode becomes an experience in memory.

    Observations, rewards and infos pass through unchanged, so the agent needs no change.

    Args:
        env: A Gymnasium environment, or a Gymnasium vector environment in any autoreset mode.
        memory: Memory to record into, such as `MemoryStore.open(folder).memory()`.
        in_background: Deprecated, without effect.
        **keywords: `task`, `outcome`, `keep`, `sample` and more; see `RecordOptions`, docs/recording.md.

    Raises:
        RecordingError: The environment or memory has the wrong type, or an option is invalid.
        MemoryModeError: The memory is frozen or off.
    """
    if in_background is not None:
        warnings.warn(
            "record_experience(in_background=...) no longer has an effect: each episode is recorded in this "
            "process when it ends. Remove the keyword; nothing is lost",
            DeprecationWarning,
            stacklevel=2,
        )
    options = _options(keywords)
    if not isinstance(memory, Memory):
        raise RecordingError(
            f"memory is {type(memory).__name__}; expected an object with record, recall and feedback, "
            "such as MemoryStore.open(folder).memory()"
        )
    if isinstance(memory, LimitedMemory):
        raise MemoryModeError(
            f"a memory in mode {memory.mode!r} records nothing; use the environment unwrapped"
        )
    import gymnasium as gym
    from gymnasium.vector import VectorEnv

    if isinstance(env, gym.Env):
        from embodied_mem.recording.single_env import RecordExperience

        return RecordExperience(env, memory, options)
    if isinstance(env, VectorEnv):
        from embodied_mem.recording.vector_env import RecordVectorExperience

        return RecordVectorExperience(env, memory, options)
    raise RecordingError(rejection(env))


def _options(keywords: RecordKeywords) -> RecordOptions:
    unknown = set(keywords) - set(RecordKeywords.__annotations__)
    if unknown:
        known = ", ".join(RecordKeywords.__annotations__)
        raise RecordingError(f"record_experience has no {', '.join(sorted(unknown))}. Known: {known}.")
    return RecordOptions(**keywords)
