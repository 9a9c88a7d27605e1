"""The outermost wrapper of a MiniGrid world: keeps the last action and the end of the episode."""

import contextlib
import io
from typing import Any, SupportsFloat

import gymnasium as gym


class StepRecorder(gym.Wrapper[Any, Any, Any, Any]):
    """Records the last step and changes nothing.

    Attributes:
        last_action: The action of the last step; None after a reset.
        step_count: Steps since the last reset.
        is_goal_reached: Whether the episode was ended by the environment with a reward above zero.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.last_action: Any = None
        self.step_count = 0
        self.is_goal_reached = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset; suppresses what MiniGrid prints while it looks for a solvable level."""
        self.last_action = None
        self.step_count = 0
        self.is_goal_reached = False
        with contextlib.redirect_stdout(io.StringIO()):
            return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step, and record the action and the end of the episode."""
        observation, reward, is_terminated, is_truncated, info = self.env.step(action)
        self.last_action = action
        self.step_count += 1
        self.is_goal_reached = bool(is_terminated and float(reward) > 0)
        return observation, reward, is_terminated, is_truncated, info
