"""Recording of a Gymnasium vector environment: the same experiences as from single sub-environments."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import gymnasium as gym
import gymnasium.vector
import numpy as np
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import iterate

from embodied_mem.contracts import Memory
from embodied_mem.recording.episode_log import Ending, EpisodeLog
from embodied_mem.recording.made_with import made_with
from embodied_mem.recording.recorder import Recorder, RecordingCounts
from embodied_mem.recording.recording_options import RecordingError, RecordOptions
from embodied_mem.recording.rejection import five_values
from embodied_mem.records.json_values import JsonObject

if TYPE_CHECKING:
    VectorWrapper = gymnasium.vector.VectorWrapper[Any, Any, Any, Any, Any]
else:  # generic at run time only since Gymnasium 1.4
    VectorWrapper = gymnasium.vector.VectorWrapper

Info: TypeAlias = dict[str, Any]

FINAL_KEYS = ("final_obs", "final_info")


class Autoreset(enum.StrEnum):
    """When a sub-environment resets after its episode ended: Gymnasium's `AutoresetMode`, which 1.0 lacks."""

    NEXT_STEP = "NextStep"
    SAME_STEP = "SameStep"
    DISABLED = "Disabled"


class RecordVectorExperience(VectorWrapper):
    """Records one experience per episode and sub-environment; all values pass through unchanged.

    Build it with `record_experience`. `metadata["env_index"]` of an experience is its sub-environment.

    Args:
        env: The vector environment; its `metadata["autoreset_mode"]` must be set.
        memory: Memory to record into.
        options: Options of recording.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], memory: Memory, options: RecordOptions) -> None:
        self._mode = _autoreset_mode(env)  # before `env` is held, which Gymnasium closes when this raises
        super().__init__(env)
        self._recorder = Recorder(memory, options, env=_first_environment(env), space=env.single_action_space)
        self._made_with = _made_with_each(env)
        self._logs: list[EpisodeLog | None] = [None] * env.num_envs
        self._n_episodes = [0] * env.num_envs
        self._resets_next = [False] * env.num_envs
        self._last: list[tuple[Any, Info]] = [(None, {})] * env.num_envs

    @property
    def recording_counts(self) -> RecordingCounts:
        """Counts of the episodes of all sub-environments so far."""
        return self._recorder.counts

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: Info | None = None
    ) -> tuple[Any, Info]:
        """Reset all sub-environments or those in `options["reset_mask"]`; record their unfinished episodes.

        Unfinished episodes are recorded as cancelled.

        Raises:
            EmbodiedMemError: Recording an earlier episode failed; call `reset` again to continue.
        """
        chosen = _reset_mask(options, self.num_envs)
        for index in np.flatnonzero(chosen).tolist():
            self._leave(index)
        self._recorder.raise_pending()
        self._recorder.check_memory()
        own_options = {key: value for key, value in _entries(options) if key != "reset_mask"}
        observations, infos = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]  # or a list
        for index in np.flatnonzero(chosen).tolist():
            self._resets_next[index] = self._resets_next[index] and _reset_is_repeated(self.env)
            self._last[index] = (observations, infos)
            self._begin(index, **self._problem(seed, index, own_options))
        self._recorder.raise_pending()
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Info]:
        """Step the sub-environments and record the episodes that end."""
        self._note_actions(actions)
        try:
            result = self.env.step(actions)
        except Exception as error:  # from an unknown sub-environment
            for index in range(self.num_envs):
                self._leave(index, error)
            raise
        try:
            self._note_result(result)
        except Exception as error:  # a result of an unknown shape loses the records, not the step
            self._logs = [None] * self.num_envs
            self._recorder.lose(error, "a step was noted")
        return result

    def close(self, **kwargs: Any) -> None:
        """Close the sub-environments; unfinished episodes are recorded as cancelled.

        Raises:
            EmbodiedMemError: Recording an earlier episode failed.
        """
        for index in range(self.num_envs):
            self._leave(index)
        self._recorder.wait_until_committed()
        try:
            super().close(**kwargs)
        finally:
            self._recorder.raise_pending()

    def __getstate__(self) -> Info:
        """Return the state of a copy, which does not record unless asked."""
        recorder = self._recorder.of_copy()
        logs = [None if recorder.is_silent else recorder.log_of_copy(log) for log in self._logs]
        return {**vars(self), "_recorder": recorder, "_logs": logs}

    def _note_actions(self, actions: Any) -> None:
        if not any(self._logs):
            return
        try:
            each = list(iterate(self.env.action_space, actions))
        except Exception:  # a malformed batch: the environment decides whether to reject it
            return
        for log, action in zip(self._logs, each, strict=False):
            if log is not None:  # None for a sub-environment that is about to reset
                log.act(action)

    def _note_result(self, result: Any) -> None:
        observations, rewards, terminations, truncations, infos = five_values(result)
        self._last = [(observations, infos)] * self.num_envs
        for index in range(self.num_envs):
            try:
                self._note_step(index, rewards[index], bool(terminations[index]), bool(truncations[index]))
            except Exception as error:  # a value of an unknown shape loses one record
                self._logs[index] = None
                self._recorder.lose(error, "a step was noted")

    def _note_step(self, index: int, reward: Any, terminated: bool, truncated: bool) -> None:
        if self._resets_next[index]:  # this step was a reset, and its action was ignored
            self._resets_next[index] = False
            self._leave(index)
            self._begin(index)
            return
        log = self._logs[index]
        if log is not None:
            log.result(reward)
        if terminated or truncated:
            self._note_end(index, log, terminated=terminated, truncated=truncated)
        elif log is not None and self._recorder.is_full(log):
            observation, info = self._seen(index)
            ending = Ending(observation=observation, info=info, is_cut=True)
            self._logs[index] = self._recorder.cut(log, ending, env_index=index)

    def _note_end(self, index: int, log: EpisodeLog | None, *, terminated: bool, truncated: bool) -> None:
        is_same_step = self._mode is Autoreset.SAME_STEP
        if log is not None:
            observation, info = self._seen_finally(index) if is_same_step else self._seen(index)
            ending = Ending(observation=observation, info=info, terminated=terminated, truncated=truncated)
            self._finish(index, log, ending)
        if is_same_step:
            self._begin(index)
        self._resets_next[index] = self._mode is Autoreset.NEXT_STEP

    def _begin(self, index: int, **reset: Any) -> None:
        observation, info = self._seen(index)
        self._logs[index] = self._recorder.begin(observation, info, episode=self._n_episodes[index], **reset)
        self._n_episodes[index] += 1

    def _problem(self, seed: Any, index: int, options: Info) -> Info:
        """Return the seed and the arguments that identify one sub-environment's problem."""
        made = self._made_with[index]
        if isinstance(self.env.unwrapped, SyncVectorEnv | AsyncVectorEnv):
            own = seed + index if isinstance(seed, int) else None if seed is None else seed[index]
            return {"seed": own, "options": options, "made_with": made}
        # Other vector environments (such as CartPole's) draw all problems from one generator, so the seed of
        # the batch and the index in it identify a problem.
        of_batch = {"num_envs": self.num_envs, "env_index": index}
        return {"seed": seed, "options": {**options, **of_batch}, "made_with": made}

    def _leave(self, index: int, error: Exception | None = None) -> None:
        log = self._logs[index]
        if log is not None:
            observation, info = self._seen(index)
            self._finish(index, log, Ending(observation=observation, info=info, error=error))

    def _finish(self, index: int, log: EpisodeLog, ending: Ending) -> None:
        self._logs[index] = None
        self._recorder.finish(log, ending, env_index=index)

    def _seen(self, index: int) -> tuple[Any, Info]:
        """Return one sub-environment's last observation and info."""
        observations, infos = self._last[index]
        info = {key: value for key, value in _info(infos, index).items() if key not in FINAL_KEYS}
        try:
            return _slice(self.env.single_observation_space, observations, index), info
        except Exception:  # a batch of an unknown shape
            return "", info

    def _seen_finally(self, index: int) -> tuple[Any, Info]:
        """Return the final observation and info if the batch already holds those of the next episode."""
        infos = self._last[index][1]
        observations = infos.get("final_obs")
        info = _info(infos.get("final_info", {}), index)
        return ("" if observations is None else observations[index]), info


def _autoreset_mode(env: VectorEnv[Any, Any, Any]) -> Autoreset:
    mode = env.metadata.get("autoreset_mode")
    if mode is None and not hasattr(gymnasium.vector, "AutoresetMode"):
        return Autoreset.NEXT_STEP  # the only mode of Gymnasium 1.0
    try:
        return Autoreset(str(getattr(mode, "value", mode)))
    except ValueError:
        known = ", ".join(f"AutoresetMode.{each.name}" for each in Autoreset)
        raise RecordingError(
            f'metadata["autoreset_mode"] of the vector environment is {mode!r}, so the start of its episodes '
            f"is unknown; set it to one of {known}"
        ) from None


def _first_environment(env: VectorEnv[Any, Any, Any]) -> Any:
    """Return an environment with id and action names; None if all sub-environments are in other processes.

    Worker processes are not queried: a sub-environment that raises would end its worker.
    """
    for sub_environment in getattr(env.unwrapped, "envs", ()):
        if isinstance(sub_environment, gym.Env):
            return sub_environment
    return env if env.spec is not None or not isinstance(env.unwrapped, AsyncVectorEnv) else None


def _made_with_each(env: VectorEnv[Any, Any, Any]) -> list[JsonObject]:
    """What each sub-environment was made with, as far as it can be read in this process."""
    if isinstance(env.unwrapped, SyncVectorEnv):
        return [made_with(each) for each in env.unwrapped.envs]
    return [made_with(env)] * env.num_envs


def _reset_is_repeated(env: VectorEnv[Any, Any, Any]) -> bool:
    """Whether the first step after an explicit reset resets again.

    Gymnasium 1.4.0: the worker of an `AsyncVectorEnv` clears its autoreset flag only with shared memory
    (tests/embodied_mem/recording/test_vector_env.py detects a change).
    """
    base = env.unwrapped
    return isinstance(base, AsyncVectorEnv) and not base.shared_memory


def _reset_mask(options: Mapping[str, Any] | None, n: int) -> Any:
    mask = dict(_entries(options)).get("reset_mask")
    return np.ones(n, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)


def _entries(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return the entries of options or infos; none of what another environment has in their place."""
    return value.items() if isinstance(value, Mapping) else ()


def _slice(space: gym.Space[Any], batch: Any, index: int) -> Any:
    """Return one sub-environment's observation from the batch."""
    if isinstance(space, gym.spaces.Dict) and isinstance(batch, Mapping):
        return {key: _slice(space[key], value, index) for key, value in batch.items()}
    if isinstance(space, gym.spaces.Tuple) and isinstance(batch, tuple):
        return tuple(_slice(part, value, index) for part, value in zip(space.spaces, batch, strict=True))
    return batch[index]


def _info(infos: Mapping[str, Any], index: int) -> Info:
    """Return one sub-environment's info from the batch: the entries whose mask `_key` is set for it."""
    result: Info = {}
    for key, value in _entries(infos):
        if isinstance(key, str) and key.startswith("_") and key[1:] in infos:
            continue
        mask = infos.get(f"_{key}")
        if mask is not None and not mask[index]:
            continue
        if isinstance(value, Mapping):
            result[key] = _info(value, index)
        elif index < _batch_size(value):
            result[key] = value[index]
    return result


def _batch_size(value: Any) -> int:
    """Return the number of values in a list or array of any library; 0 for anything else."""
    is_batch = isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0
    return len(value) if is_batch else 0
