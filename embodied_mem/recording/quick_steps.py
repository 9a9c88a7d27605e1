"""Where steps whose actions and rewards are plain numbers are noted until somebody looks at them."""

from collections.abc import Callable
from typing import Any, SupportsFloat, TypeAlias

import numpy as np

Result: TypeAlias = tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]

CAPACITY = 1_024  # steps that wait before they are folded into the log: bounds memory in an endless episode

# Values of these types cannot change after they were handed over, so that keeping a reference is enough.
PLAIN_ACTIONS = (int, np.integer)
PLAIN_REWARDS = (int, float, np.floating, np.integer)


class QuickSteps:
    """Two columns that are filled step by step, and used again for every episode.

    `RecordExperience.step` writes into them itself, because a CartPole step takes five to ten microseconds
    and a method call is a percent of that (docs/benchmarks.md, "What recording costs"). An IndexError there
    says that the step has to be looked at: the columns are full, or nothing is noted ahead (any more).

    Attributes:
        actions: The action of each step.
        rewards: Its reward.
        n: Where the next step goes; at the end of the columns where there is no room for it.
        env_step: Steps the wrapped environment.
        is_noting: Whether steps are noted.
        last: What it gave last: the pair of a reset, or the five of a step.
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
        """Let steps be noted.

        Args:
            room: How many at most, >= 1; the one after them has to be looked at.
            env_step: Steps the wrapped environment.
        """
        self.actions, self.rewards = self._columns
        self.n = self._first = max(CAPACITY - room, 0)
        self.env_step = env_step
        self.is_noting = True

    def stop(self, *, with_begun: bool = False) -> tuple[list[Any], list[Any]]:
        """The actions and rewards noted; from now on none is.

        Args:
            with_begun: Whether the action of the step that has no result yet is among the actions.
        """
        first, n, actions, rewards = self._first, self.n, self.actions, self.rewards
        self.n = self._first = CAPACITY
        self.is_noting = False
        self.actions, self.rewards = [], []  # a step that is under way meets them, and looks at its result
        return actions[first : n + with_begun], rewards[first:n]


def _nothing(action: Any) -> Result:
    """What stands for the environment's step until steps are noted."""
    raise AssertionError(f"no step was to be noted, and {action!r} is one")
