"""Buffer for steps with plain-number actions and rewards, processed in batches."""

from collections.abc import Callable
from typing import Any, SupportsFloat, TypeAlias

import numpy as np

Result: TypeAlias = tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]

CAPACITY = 1_024  # steps buffered before they are added to the log; bounds memory in an endless episode

# Values of these types are immutable, so keeping a reference is safe.
PLAIN_ACTIONS = (int, np.integer)
PLAIN_REWARDS = (int, float, np.floating, np.integer)


class QuickSteps:
    """Two columns, actions and rewards, filled step by step and reused for every episode.

    `RecordExperience.step` writes into them directly: a CartPole step takes five to ten microseconds and a
    method call is one percent of that (docs/benchmarks.md, "What recording costs"). An IndexError there means
    that the step needs the slow path: the columns are full, or buffering is off.

    Attributes:
        actions: The action of each step.
        rewards: The reward of each step.
        n: Index of the next step; the length of the columns if they are full.
        env_step: Steps the wrapped environment.
        is_noting: Whether steps are buffered.
        last: The environment's last result: the pair of a reset, or the five values of a step.
    """

    __slots__ = ("_columns", "_first", "actions", "env_step", "is_noting", "last", "n", "rewards")

    def __init__(self) -> None:
        self._columns: tuple[list[Any], list[Any]] = [None] * CAPACITY, [None] * CAPACITY
        self.actions: list[Any] = []
        self.rewards: list[Any] = []
        self.n = self._first = CAPACITY
        self.env_step: Callable[[Any], Result] = _nothing
        self.is_noting = False
        self.last: tuple[Any, ...] = (None, {})

    def begin(self, room: int, env_step: Callable[[Any], Result]) -> None:
        """Start buffering.

        Args:
            room: Maximum number of steps, >= 1; the next one takes the slow path.
            env_step: Steps the wrapped environment.
        """
        self.actions, self.rewards = self._columns
        self.n = self._first = max(CAPACITY - room, 0)
        self.env_step = env_step
        self.is_noting = True

    def stop(self, *, with_begun: bool = False) -> tuple[list[Any], list[Any]]:
        """Stop buffering and return the buffered actions and rewards.

        Args:
            with_begun: Whether to include the action of the step that has no result yet.
        """
        first, n, actions, rewards = self._first, self.n, self.actions, self.rewards
        self.n = self._first = CAPACITY
        self.is_noting = False
        self.actions, self.rewards = [], []  # a step in progress then raises IndexError: slow path
        return actions[first : n + with_begun], rewards[first:n]


def _nothing(action: Any) -> Result:
    """Placeholder for the environment's step while buffering is off."""
    raise AssertionError(f"buffering is off, but step {action!r} was buffered")
