"""The world's side of an episode: reset, steps, rewards and the cause of its end."""

import contextlib
import logging
import math
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from embodied_mem.agent.perceived import MAX_CALL_TEXT_CHARS, record_of
from embodied_mem.agent.world_answers import observation_of, task_of
from embodied_mem.contracts import CanRestart, HasGoalCheck, ShortTermMemory, World
from embodied_mem.errors import EmbodiedMemError, ModelError
from embodied_mem.isolation.heartbeat import Activity, Heartbeat
from embodied_mem.recording import describe
from embodied_mem.recording.rejection import five_values, two_values
from embodied_mem.records.experience import Task
from embodied_mem.records.json_values import JsonObject, clean_text, error_text
from embodied_mem.records.limits import Limits
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.skills import Observation

logger = logging.getLogger(__name__)


class WorldSession:
    """One episode of one world: steps, rewards, and how it ended.

    Attributes:
        task: The task; set by `begin`.
        observation: The current observation; set by `begin`.
        steps: Environment steps taken.
        is_terminated: Whether the environment terminated the episode.
        is_truncated: Whether a limit ended it.
        ended_by: Cause of the end; empty while the episode runs.
        error: The exception that ended it; empty if none.

    Args:
        world: The world.
        limits: Limits of the episode.
        short_term: Takes in every observation; None: none.
        heartbeat: Where to note when a call of the environment begins and ends; None: nowhere.
    """

    task: Task
    observation: Observation

    def __init__(
        self,
        world: World,
        limits: Limits,
        *,
        short_term: ShortTermMemory | None = None,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        self.world = world
        self._short_term, self._heartbeat = short_term, heartbeat
        self.steps = 0
        self.is_terminated = self.is_truncated = False
        self.ended_by = ""
        self.error = ""
        self._limits = limits
        self._started_s = time.monotonic()
        self._reward, self._bad_reward_step = 0.0, -1
        self._info: Mapping[str, Any] = {}
        self._is_slow = False
        self._perceived: tuple[Observation | None, ObservationRecord] = (None, ObservationRecord())

    def begin(self, seed: int | None, options: Mapping[str, Any] | None) -> None:
        """Reset the environment and begin the episode in the world.

        If that raises, the world is restarted if it can be; else, or if it raises again, the episode ends.

        Raises:
            EmbodiedMemError: The world refused the seed or options, or lacks a package.
        """
        self.task = Task("", kind=type(self.world).__name__)
        self.observation = Observation(text="")
        try:
            self._reset(seed, options)
        except EmbodiedMemError:
            raise
        except Exception as error:
            self._begin_again(error, seed, options)

    def _begin_again(self, error: Exception, seed: int | None, options: Mapping[str, Any] | None) -> None:
        if not isinstance(self.world, CanRestart):
            self.fail(error, ended_by="reset_error")
            return
        logger.warning("the world raised at reset and is restarted: %s", error_text(error))
        try:
            self.world.restart()
            self._reset(seed, options)
        except Exception as again:  # a simulator may raise anything
            self.fail(again, ended_by="reset_error")

    def _reset(self, seed: int | None, options: Mapping[str, Any] | None) -> None:
        with self._watched("reset"):
            given = None if options is None else dict(options)
            raw, info = two_values(self.world.env.reset(seed=seed, options=given))
            self.task = task_of(self.world.begin(raw, info, seed=seed))
            self.observation = observation_of(self.world.observe(raw, info))
        self._perceive()
        self._check_limits()

    def step(self, action: Any) -> None:
        """Take one step and check whether it ended the episode."""
        with self._watched("step"):
            raw, reward, terminated, truncated, info = five_values(self.world.env.step(action))
            self.steps += 1
            self._info = info
            self._add_reward(reward)
            self.observation = observation_of(self.world.observe(raw, info))
        self._perceive()
        if terminated or truncated:
            self.is_terminated = bool(terminated)
            self.end("environment", is_truncated=bool(truncated) and not terminated)
        else:
            self._check_limits()

    def _check_limits(self) -> None:
        if self.steps_left is not None and self.steps_left <= 0:
            self.end("max_steps", is_truncated=True)
        elif self.seconds_left is not None and self.seconds_left <= 0:
            self.end("max_seconds", is_truncated=True)
        elif self._is_slow:
            self.end("max_step_seconds", is_truncated=True)

    @contextlib.contextmanager
    def _watched(self, activity: Activity) -> Iterator[None]:
        """Note how long a call of the environment takes, where another process can read it."""
        began_s = time.monotonic()
        if self._heartbeat is not None:
            self._heartbeat.begin(activity, n_steps=self.steps)
        try:
            yield
        finally:
            if self._heartbeat is not None:
                self._heartbeat.end(n_steps=self.steps)
        limit_s = self._limits.max_step_seconds
        self._is_slow = limit_s is not None and time.monotonic() - began_s > limit_s

    def _perceive(self) -> None:
        if self._short_term is not None:
            if not self.steps:
                self._short_term.begin(self.task)
            self._short_term.perceive(self.observation, step=self.steps)

    @property
    def perceived(self) -> ObservationRecord:
        """What a call record keeps of the current observation."""
        if self._perceived[0] is not self.observation:
            self._perceived = self.observation, record_of(self.observation, max_chars=MAX_CALL_TEXT_CHARS)
        return self._perceived[1]

    def attempt(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        """Call the world; if it raises, end the episode with that error and return None."""
        try:
            return ask(*arguments)
        except Exception as error:  # a simulator or its adapter may raise anything
            self.fail(error)
            return None

    def fail(self, error: BaseException, *, ended_by: str = "error") -> None:
        """Log an exception; it ends the episode unless the episode already ended."""
        # Where a model's error was raised says nothing; many episodes at once may meet the same one.
        trail = [error_text(error)] if isinstance(error, ModelError) else traceback.format_exception(error)
        told = clean_text("".join(trail))  # log handlers fail on lone surrogates
        logger.error("the episode met %s in step %d\n%s", ended_by, self.steps, told)
        if not self.ended_by:
            self.error = error_text(error)[:2_000]
            self.end(ended_by, is_truncated=True)

    def end(self, ended_by: str, *, is_truncated: bool = False) -> None:
        """End the episode; only the first call has an effect."""
        if not self.ended_by:
            self.ended_by, self.is_truncated = ended_by, is_truncated

    @property
    def steps_left(self) -> int | None:
        """Steps until the limit; None: no limit."""
        limit = self._limits.max_steps
        return None if limit is None else limit - self.steps

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the limit; None: no limit."""
        limit_s = self._limits.max_seconds
        return None if limit_s is None else limit_s - (time.monotonic() - self._started_s)

    @property
    def reward(self) -> float | None:
        """Sum of rewards; None if one, or the sum, was not finite."""
        return self._reward if self._bad_reward_step < 0 and math.isfinite(self._reward) else None

    def reward_since(self, before: float | None) -> float | None:
        """Sum of rewards since `reward` had this value; None if one was not finite."""
        now = self.reward
        return None if now is None or before is None else now - before

    @property
    def can_step(self) -> bool:
        """Whether the environment takes a step, which it also does after a limit or the planner's `Stop`."""
        return self.ended_by not in ("environment", "error", "reset_error")

    @property
    def step_limit(self) -> int | None:
        """The environment's own step limit for this episode; None if it has none or cannot be asked."""
        with contextlib.suppress(Exception):  # the simulator may be gone
            return step_limit(self.world.env)
        return None

    def goal_reached(self) -> bool | None:
        """Return the result of the world's goal check; None if it has none."""
        reached: bool | None = None
        if isinstance(self.world, HasGoalCheck):
            reached = self.attempt(self.world.goal_reached)
        return None if reached is None else bool(reached)  # of NumPy, maybe

    def info(self) -> JsonObject:
        """Return the short JSON entries of the last step's `info`."""
        info = describe.small_json(self._info)
        if self._bad_reward_step >= 0:
            info["first_non_finite_reward_at_step"] = self._bad_reward_step
        return info

    def _add_reward(self, reward: Any) -> None:
        value = describe.reward_number(reward)
        if math.isfinite(value):
            self._reward += value
        elif self._bad_reward_step < 0:
            self._bad_reward_step = self.steps - 1


def step_limit(env: Any) -> int | None:
    """The environment's own step limit for the current episode; None if it has none.

    The smaller of a `TimeLimit` wrapper's and `env.unwrapped.max_steps`, which may change at each reset.
    """
    limits = [getattr(env.unwrapped, "max_steps", None)]
    while env is not env.unwrapped:
        limits.append(getattr(env, "_max_episode_steps", None))  # set by gymnasium.wrappers.TimeLimit
        env = env.env
    numbers = [int(limit) for limit in limits if isinstance(limit, int) and limit > 0]
    return min(numbers, default=None)
