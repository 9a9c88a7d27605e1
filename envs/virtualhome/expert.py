"""The upper bound: the dataset's gold programs, action by action."""

from typing import Any

from embodied_mem.envs.virtualhome.actions import INDEX, SAME_AS, Action, action
from embodied_mem.envs.virtualhome.env import VirtualHomeEnv
from embodied_mem.envs.virtualhome.problems import gold_program
from embodied_mem.errors import EpisodeError


class GoldPolicy:
    """Takes the actions of the gold program; its state is the number of lines that are done.

    It reads whether a walk is over from the environment, so `act` must be called once for each step.
    """

    def __init__(self, env: VirtualHomeEnv) -> None:
        self._env = env
        self._program = gold_program(env.problem)

    def initial_state(self) -> int:
        """No line is done."""
        return 0

    def act(self, observation: Any, state: int) -> tuple[Action, int]:
        """The next action.

        Raises:
            EpisodeError: The program has come to its end.
        """
        if state >= len(self._program):
            raise EpisodeError(f"the gold program of {self._env.problem.id} ended without reaching its goal")
        line = self._program[state]
        name = SAME_AS.get(line.action, line.action)
        if name not in INDEX:
            raise EpisodeError(f"the gold program of {self._env.problem.id} has the unknown action {name}")
        act = action(name, *line.objects)
        return act, state + (not self._env.is_walk_ahead(act))
