"""Recording one Gymnasium environment."""

from typing import Any, SupportsFloat, TypeAlias

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from embodied_mem import describe
from embodied_mem.contracts import Memory
from embodied_mem.wrappers.episode_log import Ending, EpisodeLog
from embodied_mem.wrappers.options import RecordingError, RecordOptions
from embodied_mem.wrappers.plan_log import action_log
from embodied_mem.wrappers.quick_steps import PLAIN_ACTIONS, PLAIN_REWARDS, QuickSteps
from embodied_mem.wrappers.recorder import RecordingCounts, make_recorder

Info: TypeAlias = dict[str, Any]


class RecordExperience(gym.Wrapper[Any, Any, Any, Any]):
    """Records one experience an episode; observations, rewards, actions and infos pass through as they are.

    Use `record_experience` to make one. Nothing is embedded, described or written between the first and the
    last step of an episode; the call that ends the episode records it. Where actions and rewards are plain
    numbers, `QuickSteps` takes the place of `step` from the second step of an episode to its last.

    Args:
        env: The environment.
        memory: Where experiences go.
        options: How episodes become experiences.
    """

    def __init__(self, env: gym.Env[Any, Any], memory: Memory, options: RecordOptions) -> None:
        super().__init__(env)
        self._recorder = make_recorder(
            memory,
            options,
            environment=environment_id(env),
            make_plan=action_log(
                env.action_space,
                action_names(env, options),
                max_calls=options.max_calls,
                keep_continuous=options.keep_continuous,
            ),
        )
        self._log: EpisodeLog | None = None
        self._quick: QuickSteps | None = None
        self._n_episodes = 0
        self._last: tuple[Any, Info] = (None, {})

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
        self._recorder.raise_pending()
        self._recorder.check_memory()
        observation, info = _pair(self.env.reset(seed=seed, options=options))
        self._log = self._recorder.begin(
            observation, info, episode=self._n_episodes, seed=seed, options=options
        )
        self._n_episodes += 1
        self._last = (observation, info)
        self._recorder.raise_pending()
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, Info]:
        """Step the environment; if that ends the episode, record it."""
        if self._quick is not None:  # somebody kept this method from before
            self._slow_down()
        log = self._log
        if log is None:
            return self.env.step(action)
        log.act(action)
        try:
            result = self.env.step(action)
        except Exception as error:
            self._note_error(log, error)
            raise
        self._note_result(log, result)
        if self._log is log:
            self._speed_up(log, action, result[1])
        return result

    def step_carefully(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, Info]:
        """Step as if nothing had been noted ahead; for `QuickSteps`."""
        self._slow_down()
        return self.step(action)

    def note_break(self, error: Exception) -> None:
        """Record what an error of the environment ended; for `QuickSteps`."""
        self._slow_down(with_begun=True)
        if self._log is not None:
            self._note_error(self._log, error)

    def note_end(self, result: Any) -> None:
        """Take in the result of a step the long way; for `QuickSteps`."""
        self._slow_down(with_begun=True)
        if self._log is not None:
            self._note_result(self._log, result)

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

    def _speed_up(self, log: EpisodeLog, action: Any, reward: Any) -> None:
        """Let `QuickSteps` take the next steps, if this one was of the kind it can note."""
        room = self._recorder.room(log)
        is_plain = isinstance(action, PLAIN_ACTIONS) and isinstance(reward, PLAIN_REWARDS)
        if is_plain and room >= 1 and log.plan.takes_numbers and type(self).step is RecordExperience.step:
            self._quick = QuickSteps(self, self.env.step, room)
            self.step = self._quick.step  # type: ignore[method-assign]

    def _slow_down(self, *, with_begun: bool = False) -> None:
        """Take over from `QuickSteps` what it noted, if it is at work."""
        quick, self._quick = self._quick, None
        if quick is None:
            return
        del self.step
        actions, rewards, last = quick.stop(with_begun=with_begun)
        if self._log is not None:
            self._log.take_in(actions, rewards)
        if last is not None:
            self._last = (last[0], last[-1])

    def _note_error(self, log: EpisodeLog, error: Exception) -> None:
        self._finish(log, Ending(observation=self._last[0], info=self._last[1], error=error))

    def _note_result(self, log: EpisodeLog, result: Any) -> None:
        try:
            self._note_step(log, result)
        except Exception as error:  # a result of an unknown shape may cost a record, never a step
            self._log = None
            self._recorder.lose(error, "a step was noted")

    def _note_step(self, log: EpisodeLog, result: Any) -> None:
        observation, reward, terminated, truncated, info = result
        log.result(reward)
        if terminated or truncated:
            ending = Ending(
                observation=observation, info=info, terminated=bool(terminated), truncated=bool(truncated)
            )
            self._finish(log, ending)
        else:
            self._last = (observation, info)
            if self._recorder.is_full(log):
                self._log = self._recorder.cut(log, Ending(observation=observation, info=info, is_cut=True))

    def _leave(self) -> None:
        self._slow_down()
        if self._log is not None:
            self._finish(self._log, Ending(observation=self._last[0], info=self._last[1]))

    def _finish(self, log: EpisodeLog, ending: Ending) -> None:
        self._log = None
        self._recorder.finish(log, ending)


def _pair(result: Any) -> tuple[Any, Info]:
    if isinstance(result, tuple) and len(result) == 2:
        return result
    raise RecordingError(
        f"reset() gave {describe.observation_text(result)[:80]!r}; expected the pair observation, info. An "
        "environment of before Gymnasium 0.26 has to be converted first"
    )


def environment_id(env: Any) -> str:
    """The id under which an environment was made, else the name of its class."""
    spec = env.spec
    return describe.clip(spec.id if spec is not None else type(env.unwrapped).__name__, 200)


def action_names(env: Any, options: RecordOptions) -> dict[int, str]:
    """The names the user gave, else those the environment has; a name given twice names the first only."""
    given = options.action_names
    return describe.told_apart(describe.action_names(env) if given is None else dict(enumerate(given)))
