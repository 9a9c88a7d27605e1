"""Recording of a single Gymnasium environment."""

from typing import Any, SupportsFloat, TypeAlias

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from embodied_mem.contracts import Memory
from embodied_mem.recording.episode_log import Ending, EpisodeLog
from embodied_mem.recording.made_with import made_with
from embodied_mem.recording.quick_steps import PLAIN_ACTIONS, PLAIN_REWARDS, QuickSteps
from embodied_mem.recording.recorder import Recorder, RecordingCounts
from embodied_mem.recording.recording_options import RecordOptions
from embodied_mem.recording.rejection import five_values, two_values

Info: TypeAlias = dict[str, Any]


class RecordExperience(gym.Wrapper[Any, Any, Any, Any]):
    """Records one experience per episode; observations, rewards, actions and infos pass through unchanged.

    Build it with `record_experience`. Nothing is embedded, described or written between the first and the
    last step of an episode; the call that ends the episode records it. `QuickSteps` buffers actions and
    rewards that are plain numbers.

    Args:
        env: The environment.
        memory: Memory to record into.
        options: Options of recording.
    """

    def __init__(self, env: gym.Env[Any, Any], memory: Memory, options: RecordOptions) -> None:
        super().__init__(env)
        self._recorder = Recorder(memory, options, env=env, space=env.action_space)
        self._made_with = made_with(env)
        self._log: EpisodeLog | None = None
        self._quick = QuickSteps()
        self._n_episodes = 0

    @property
    def recording_counts(self) -> RecordingCounts:
        """Counts of the episodes so far."""
        return self._recorder.counts

    @property
    def spec(self) -> EnvSpec | None:  # type: ignore[override]  # a property in gymnasium.Wrapper too
        """The wrapped environment's spec; building from it gives the environment without recording."""
        return self.env.spec

    def reset(self, *, seed: int | None = None, options: Info | None = None) -> tuple[Any, Info]:
        """Reset the environment; an unfinished episode is recorded as cancelled.

        Raises:
            EmbodiedMemError: Recording an earlier episode failed; call `reset` again to continue.
            RecordingError: The environment did not return a pair of observation and info.
        """
        self._leave()
        recorder = self._recorder
        recorder.raise_pending()
        recorder.check_memory()
        observation, info = two_values(self.env.reset(seed=seed, options=options))
        self._log = recorder.begin(
            observation,
            info,
            episode=self._n_episodes,
            seed=seed,
            options=options,
            made_with=self._made_with,
        )
        self._n_episodes += 1
        self._quick.last = (observation, info)
        recorder.raise_pending()
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, Info]:
        """Step the environment; if that ends the episode, record it."""
        quick = self._quick
        n = quick.n
        env_step = quick.env_step  # a local is faster to call than the attribute
        try:
            quick.actions[n] = action
        except IndexError:
            return self._step_slowly(action)
        try:
            result = env_step(action)
        except Exception as error:
            self._finish_with_error(action, error)
            raise
        try:  # by index, which is faster than unpacking; the first buffered step checked that there are five
            quick.rewards[n] = result[1]
            if not (result[2] or result[3]):
                quick.n = n + 1
                quick.last = result
                return result
        except Exception:  # the slow path handles a result of unknown shape
            pass
        self._finish_step(action, result)
        return result

    def close(self) -> None:
        """Close the environment; an unfinished episode is recorded as cancelled.

        Raises:
            EmbodiedMemError: Recording an earlier episode failed.
        """
        self._leave()
        self._recorder.wait_until_committed()
        try:
            super().close()
        finally:
            self._recorder.raise_pending()

    def __getstate__(self) -> Info:
        """Return the state of a copy, which does not record unless asked."""
        recorder = self._recorder.of_copy()
        if recorder.is_silent:
            return {**vars(self), "_recorder": recorder, "_log": None, "_quick": QuickSteps()}
        log = self._flush_buffer()
        return {**vars(self), "_recorder": recorder, "_log": recorder.log_of_copy(log)}

    def _step_slowly(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, Info]:
        """Step with all checks; start buffering if actions and rewards are plain numbers."""
        log, quick = self._flush_buffer(), self._quick
        if log is None:
            return self.env.step(action)
        room = self._recorder.room(log)
        if room >= 1 and isinstance(action, PLAIN_ACTIONS) and log.plan.takes_numbers:
            quick.begin(room, self.env.step)
            result = RecordExperience.step(self, action)
            if self._log is log and not _is_plain(result):
                actions, _ = quick.stop()
                log.add_steps(actions, ())
                self._note_result(log, result)
            return result
        log.act(action)
        try:
            result = self.env.step(action)
        except Exception as error:
            self._note_error(log, error)
            raise
        self._note_result(log, result)
        return result

    def _flush_buffer(self) -> EpisodeLog | None:
        """Stop buffering, add the buffered steps to the log of the running episode, and return the log."""
        if self._quick.is_noting:
            actions, rewards = self._quick.stop()
            if self._log is not None:
                self._log.add_steps(actions, rewards)
        return self._log

    def _finish_with_error(self, action: Any, error: Exception) -> None:
        """Record the episode that an exception of the environment ended in a buffered step."""
        log = self._flush_buffer_with(action)
        if log is not None:
            self._note_error(log, error)

    def _finish_step(self, action: Any, result: Any) -> None:
        """Handle a buffered step that ends the episode, has an unknown shape, or follows a flush."""
        log = self._flush_buffer_with(action)
        if log is not None:
            self._note_result(log, result)

    def _flush_buffer_with(self, action: Any) -> EpisodeLog | None:
        """Stop buffering, add the buffered steps and the current action to the log, and return the log.

        Buffering is already off if something copied, closed or reset this wrapper during the step.
        """
        log, quick = self._log, self._quick
        was_noting = quick.is_noting
        actions, rewards = quick.stop(with_begun=True)
        if log is not None:
            log.add_steps(actions, rewards)
            if not was_noting:
                log.act(action)
        return log

    def _note_error(self, log: EpisodeLog, error: Exception) -> None:
        last = self._quick.last
        self._log = None
        self._recorder.finish(log, Ending(observation=last[0], info=last[-1], error=error))

    def _note_result(self, log: EpisodeLog, result: Any) -> None:
        try:
            observation, reward, terminated, truncated, info = five_values(result)
            log.result(reward)
            if terminated or truncated:
                ending = Ending(
                    observation=observation, info=info, terminated=bool(terminated), truncated=bool(truncated)
                )
                self._log = None
                self._recorder.finish(log, ending)
            else:
                self._quick.last = result
                if self._recorder.is_full(log):
                    self._log = self._recorder.cut(
                        log, Ending(observation=observation, info=info, is_cut=True)
                    )
        except Exception as error:  # a result of an unknown shape loses the record, not the step
            self._log = None
            self._recorder.lose(error, "a step was noted")

    def _leave(self) -> None:
        if self._log is None:
            return
        log, last = self._flush_buffer(), self._quick.last
        self._log = None
        if log is not None:
            self._recorder.finish(log, Ending(observation=last[0], info=last[-1]))


def _is_plain(result: Any) -> bool:
    """Whether the result is a tuple of five with a plain-number reward, so that steps can be buffered."""
    return type(result) is tuple and len(result) == 5 and isinstance(result[1], PLAIN_REWARDS)
