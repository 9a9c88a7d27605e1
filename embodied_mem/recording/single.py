"""Recording one Gymnasium environment."""

from typing import Any, SupportsFloat, TypeAlias

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from embodied_mem.contracts import Memory
from embodied_mem.recording import describe
from embodied_mem.recording.episode_log import Ending, EpisodeLog
from embodied_mem.recording.quick_steps import PLAIN_ACTIONS, PLAIN_REWARDS, QuickSteps
from embodied_mem.recording.recorder import Recorder, RecordingCounts
from embodied_mem.recording.recording_options import RecordingError, RecordOptions

Info: TypeAlias = dict[str, Any]


class RecordExperience(gym.Wrapper[Any, Any, Any, Any]):
    """Records one experience an episode; observations, rewards, actions and infos pass through as they are.

    Use `record_experience` to make one. Nothing is embedded, described or written between the first and the
    last step of an episode; the call that ends the episode records it. Where actions and rewards are plain
    numbers, `QuickSteps` holds them until the episode ends.

    Args:
        env: The environment.
        memory: Where experiences go.
        options: How episodes become experiences.
    """

    def __init__(self, env: gym.Env[Any, Any], memory: Memory, options: RecordOptions) -> None:
        super().__init__(env)
        self._recorder = Recorder(memory, options, env=env, space=env.action_space)
        self._log: EpisodeLog | None = None
        self._quick = QuickSteps()
        self._n_episodes = 0

    @property
    def recording_counts(self) -> RecordingCounts:
        """What became of the episodes so far."""
        return self._recorder.counts

    @property
    def spec(self) -> EnvSpec | None:  # type: ignore[override]  # a property in gymnasium.Wrapper too
        """The wrapped environment's spec: making it again makes the environment without the recording."""
        return self.env.spec

    def reset(self, *, seed: int | None = None, options: Info | None = None) -> tuple[Any, Info]:
        """Reset the environment; an episode that is left unfinished is recorded as cancelled.

        Raises:
            EmbodiedMemError: Recording an earlier episode failed; the next call resets.
            RecordingError: The environment gave no pair of observation and info.
        """
        self._leave()
        recorder = self._recorder
        recorder.raise_pending()
        recorder.check_memory()
        observation, info = _pair(self.env.reset(seed=seed, options=options))
        self._log = recorder.begin(observation, info, episode=self._n_episodes, seed=seed, options=options)
        self._n_episodes += 1
        self._quick.last = (observation, info)
        recorder.raise_pending()
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, Info]:
        """Step the environment; if that ends the episode, record it."""
        quick = self._quick
        n = quick.n
        env_step = quick.env_step  # calling the attribute itself takes longer
        try:
            quick.actions[n] = action
        except IndexError:
            return self._step_carefully(action)
        try:
            result = env_step(action)
        except Exception as error:
            self._note_break(action, error)
            raise
        try:  # by index, which is faster than unpacking; that there are five was seen at the first such step
            quick.rewards[n] = result[1]
            if not (result[2] or result[3]):
                quick.n = n + 1
                quick.last = result
                return result
        except Exception:  # the long way says what is wrong with it
            pass
        self._note_end(action, result)
        return result

    def close(self) -> None:
        """Close the environment; an episode that is left unfinished is recorded as cancelled.

        Raises:
            EmbodiedMemError: Recording an earlier episode failed.
        """
        self._leave()
        self._recorder.settle()
        try:
            super().close()
        finally:
            self._recorder.raise_pending()

    def __getstate__(self) -> Info:
        self._slow_down()  # a copy has to know the steps that were noted ahead
        return dict(vars(self))

    def _step_carefully(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, Info]:
        """Step and look at everything; then let the next ones be noted, if they may be."""
        log, quick = self._slow_down(), self._quick
        if log is None:
            return self.env.step(action)
        room = self._recorder.room(log)
        if room >= 1 and isinstance(action, PLAIN_ACTIONS) and log.plan.takes_numbers:
            quick.begin(room, self.env.step)
            result = RecordExperience.step(self, action)
            if self._log is log and not _is_plain(result):
                actions, _ = quick.stop()
                log.take_in(actions, ())
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

    def _slow_down(self) -> EpisodeLog | None:
        """The log of the running episode, once it has taken over what was noted ahead."""
        if self._quick.is_noting:
            actions, rewards = self._quick.stop()
            if self._log is not None:
                self._log.take_in(actions, rewards)
        return self._log

    def _note_break(self, action: Any, error: Exception) -> None:
        """Record what an error of the environment ended in a step that was noted ahead."""
        log = self._take_begun(action)
        if log is not None:
            self._note_error(log, error)

    def _note_end(self, action: Any, result: Any) -> None:
        """Look at a result that ends the episode, has an unknown shape, or comes after noting was stopped."""
        log = self._take_begun(action)
        if log is not None:
            self._note_result(log, result)

    def _take_begun(self, action: Any) -> EpisodeLog | None:
        """The log, once it has taken over what was noted ahead, with this action whose result is not known.

        Noting was stopped already if something copied, closed or reset this wrapper within the step.
        """
        log, quick = self._log, self._quick
        was_noting = quick.is_noting
        actions, rewards = quick.stop(with_begun=True)
        if log is not None:
            log.take_in(actions, rewards)
            if not was_noting:
                log.act(action)
        return log

    def _note_error(self, log: EpisodeLog, error: Exception) -> None:
        last = self._quick.last
        self._log = None
        self._recorder.finish(log, Ending(observation=last[0], info=last[-1], error=error))

    def _note_result(self, log: EpisodeLog, result: Any) -> None:
        try:
            observation, reward, terminated, truncated, info = result
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
        except Exception as error:  # a result of an unknown shape may cost a record, never a step
            self._log = None
            self._recorder.lose(error, "a step was noted")

    def _leave(self) -> None:
        if self._log is None:
            return
        log, last = self._slow_down(), self._quick.last
        self._log = None
        if log is not None:
            self._recorder.finish(log, Ending(observation=last[0], info=last[-1]))


def _is_plain(result: Any) -> bool:
    """Whether it is enough to note results of this kind."""
    return type(result) is tuple and len(result) == 5 and isinstance(result[1], PLAIN_REWARDS)


def _pair(result: Any) -> tuple[Any, Info]:
    if isinstance(result, tuple) and len(result) == 2:
        return result
    raise RecordingError(
        f"reset() gave {describe.observation_text(result)[:80]!r}; expected the pair observation, info. An "
        "environment of before Gymnasium 0.26 has to be converted first"
    )
