"""A running skill call: a generator of actions that ends in a result."""

from collections.abc import Generator
from typing import TypeAlias

from embodied_mem.envs.minigrid import codes
from embodied_mem.records.skills import Observation, SkillResult, SkillStatus

MAX_CALL_STEPS = 1000

Steps: TypeAlias = Generator[int, None, None]


class SkillFailed(Exception):
    """Raised inside a skill when it cannot continue; carries the result."""

    def __init__(self, obstacle: str, reason: str, *subjects: str) -> None:
        super().__init__(reason)
        self.result = SkillResult(
            status=SkillStatus.FAILURE, reason=reason, obstacle=obstacle, subjects=subjects
        )


class SkillExecution:
    """Runs a skill one environment action at a time.

    Every call costs at least one step, however it ends: a failure must not be free, and "go to" missions are
    only verified when the agent acts.
    """

    def __init__(self, steps: Steps, *, name: str, idle_action: int = codes.DONE) -> None:
        self._steps = steps
        self._name = name
        self._idle_action = idle_action
        self._step_count = 0
        self._result: SkillResult | None = None

    def advance(self, observation: Observation) -> SkillResult | int:
        """The next action, or the result; the world's map must be up to date when this is called."""
        if self._result is None:
            self._result, action = self._next_action()
            if self._result is None or self._step_count == 0:
                self._step_count += 1
                return action
        return self._result

    def cancel(self) -> SkillResult:
        """Cancel the call; a call that has ended keeps its result."""
        self._steps.close()
        if self._result is None:
            self._result = SkillResult(status=SkillStatus.CANCELLED)
        return self._result

    def _next_action(self) -> tuple[SkillResult | None, int]:
        if self._step_count >= MAX_CALL_STEPS:
            self._steps.close()
            reason = f"{self._name} came to no end in {MAX_CALL_STEPS} steps"
            return SkillFailed("no_progress", reason).result, self._idle_action
        try:
            return None, next(self._steps)
        except StopIteration:
            return SkillResult(status=SkillStatus.SUCCESS), self._idle_action
        except SkillFailed as failure:
            return failure.result, self._idle_action
