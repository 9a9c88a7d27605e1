"""Steps whose actions and rewards are plain numbers: noted in a quarter of a microsecond each."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

CAPACITY = 1_024  # steps that wait before they are folded into the log: bounds memory in an endless episode

# Values of these types cannot change after they were handed over, so that keeping a reference is enough.
PLAIN_ACTIONS = (int, np.integer)
PLAIN_REWARDS = (int, float, np.floating, np.integer)


class StepOwner(Protocol):
    """Who is called when keeping a reference is not enough."""

    def step_carefully(self, action: Any) -> Any:
        """Take this step the long way."""
        ...

    def note_break(self, error: Exception) -> None:
        """The environment raised in the step that was begun."""
        ...

    def note_end(self, result: Any) -> None:
        """The step gave this result, which ends the episode or has an unknown shape."""
        ...


class QuickSteps:
    """Notes the steps of one episode, or as many of them as fit; `step` takes the place of the wrapper's own.

    A closure over two lists, because a CartPole step takes five to ten microseconds, and the attributes and
    method calls of the long way another 1.3 (docs/benchmarks.md, "What recording costs").

    Args:
        owner: Who is called when keeping a reference is not enough.
        env_step: Steps the wrapped environment.
        room: How many steps may be noted, >= 1; the one after them is taken the long way.
    """

    def __init__(self, owner: StepOwner, env_step: Callable[[Any], Any], room: int) -> None:
        actions: list[Any] = [None] * min(room, CAPACITY)
        rewards: list[Any] = [None] * len(actions)
        n = 0
        last: Any = None

        def step(action: Any) -> Any:
            nonlocal n, last
            try:
                actions[n] = action
            except IndexError:  # full; or stopped, and somebody kept this function
                return owner.step_carefully(action)
            try:
                result = env_step(action)
            except Exception as error:
                owner.note_break(error)
                raise
            try:  # by index, which is faster than unpacking; the first step, taken the long way, had five
                rewards[n] = result[1]
                is_over = result[2] or result[3]
            except Exception:  # the long way says what is wrong with it
                is_over = True
            if is_over:
                owner.note_end(result)
            else:
                n += 1
                last = result
            return result

        def stop(n_begun: int) -> tuple[list[Any], list[Any], Any]:
            noted = actions[: n + n_begun], rewards[:n], last
            actions.clear()
            return noted

        self.step = step
        self._stop = stop

    def stop(self, *, with_begun: bool) -> tuple[list[Any], list[Any], Any]:
        """The actions and rewards noted, and the last result; from now on `step` goes the long way.

        Args:
            with_begun: Whether the action of the step that has no result yet is among the actions.
        """
        return self._stop(int(with_begun))
