"""The world's side of an episode: reset, steps, rewards and the cause of its end."""

import logging
import math
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from embodied_mem.contracts import HasGoalCheck, World
from embodied_mem.errors import EmbodiedMemError, EpisodeError
from embodied_mem.recording import describe
from embodied_mem.records.experience import Task
from embodied_mem.records.json_values import JsonObject, clean_text
from embodied_mem.records.limits import Limits
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
        error: The exception that the world raised; empty if none.
    """

    task: Task
    observation: Observation

    def __init__(self, world: World, limits: Limits) -> None:
        self.world = world
        self.steps = 0
        self.is_terminated = self.is_truncated = False
        self.ended_by = ""
        self.error = ""
        self._limits = limits
        self._started_s = time.monotonic()
        self._reward, self._bad_reward_step = 0.0, -1
        self._info: Mapping[str, Any] = {}

    def begin(self, seed: int | None, options: Mapping[str, Any] | None) -> None:
        """Reset the environment and begin the episode in the world.

        Raises:
            EpisodeError: `reset`, `begin` or `observe` raised.
        """
        try:
            raw, info = self.world.env.reset(seed=seed, options=None if options is None else dict(options))
            self.task = self.world.begin(raw, info, seed=seed)
            self.observation = self.world.observe(raw, info)
        except EmbodiedMemError:
            raise
        except Exception as error:
            raise EpisodeError(
                f"could not begin an episode in {type(self.world).__name__} with seed {seed}: "
                f"{type(error).__name__}: {error}; check reset(), begin() and observe()"
            ) from error

    def step(self, action: Any) -> None:
        """Take one step and check whether it ended the episode."""
        raw, reward, terminated, truncated, info = self.world.env.step(action)
        self.steps += 1
        self._info = info
        self._add_reward(reward)
        self.observation = self.world.observe(raw, info)
        if terminated or truncated:
            self.is_terminated = bool(terminated)
            self.end("environment", is_truncated=bool(truncated) and not terminated)
        elif self.steps_left is not None and self.steps_left <= 0:
            self.end("max_steps", is_truncated=True)
        elif self.seconds_left is not None and self.seconds_left <= 0:
            self.end("max_seconds", is_truncated=True)

    def attempt(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        """Call the world; if it raises, end the episode with that error and return None."""
        try:
            return ask(*arguments)
        except Exception as error:  # a simulator or its adapter may raise anything
            self.fail(error)
            return None

    def fail(self, error: Exception) -> None:
        """Log an exception of the world; it ends the episode unless the episode already ended."""
        trail = clean_text("".join(traceback.format_exception(error)))  # log handlers fail on lone surrogates
        logger.error("the world raised in step %d\n%s", self.steps, trail)
        if not self.ended_by:
            self.error = clean_text(f"{type(error).__name__}: {error}")[:2_000]
            self.end("error", is_truncated=True)

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

    def goal_reached(self) -> bool | None:
        """Return the result of the world's goal check; None if it has none."""
        reached: bool | None = None
        if isinstance(self.world, HasGoalCheck):
            reached = self.attempt(self.world.goal_reached)
        return reached

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
