"""`PolicySkill`: a policy that an agent can call like a skill of the world."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from embodied_mem.contracts import Policy, World
from embodied_mem.errors import EpisodeError, InvalidRecord
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import clean_text
from embodied_mem.records.skills import Observation, Skill, SkillResult, SkillStatus, check_call

POLICY_STREAM = 2  # second word of a policy's seed; the planner's is 1

MakePolicy: TypeAlias = Callable[[World, np.random.Generator], Policy[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySkill:
    """A skill of the agent that a policy carries out, until the episode ends or `max_steps` is reached.

    Attributes:
        skill: Its name and description; its parameters, if any, are not passed to the policy.
        make: Returns the policy for one call, from the world and a seeded generator.
        max_steps: Steps after which the call succeeds, >= 1; None: it goes on until it gives up or the
            episode ends.

    Raises:
        InvalidRecord: `max_steps` is below 1 or not an integer.
    """

    skill: Skill
    make: MakePolicy
    max_steps: int | None = None

    def __post_init__(self) -> None:
        steps = self.max_steps
        if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
            raise InvalidRecord(f"max_steps is {steps!r}; expected an integer of at least 1, or None")

    def start(self, world: World, call: SkillCall, *, seed: int | None) -> "PolicyExecution":
        """Start the policy.

        Raises:
            InvalidRecord: The arguments do not fit the skill.
        """
        check_call(call, (self.skill,))
        rng = np.random.default_rng(None if seed is None else [seed, POLICY_STREAM])
        return PolicyExecution(lambda: self.make(world, rng), max_steps=self.max_steps)


class PolicyExecution:
    """A running policy; an `Execution`.

    Args:
        make: Returns the policy; called at the first step.
        max_steps: See `PolicySkill`.
    """

    def __init__(self, make: Callable[[], Policy[Any]], *, max_steps: int | None = None) -> None:
        self._make, self._max_steps = make, max_steps
        self._policy: Policy[Any] | None = None
        self._state: Any = None  # its type is the policy's own
        self._n_steps = 0
        self._result: SkillResult | None = None

    def advance(self, observation: Observation) -> Any:
        """Return the policy's action; the result once it reached its limit or gave up."""
        if self._result is None and self._n_steps == self._max_steps:
            self._result = SkillResult(status=SkillStatus.SUCCESS)
        if self._result is not None:
            return self._result
        try:
            return self._act(observation)
        except EpisodeError as stuck:
            reason = f"the policy gave up: {clean_text(stuck)}"
            self._result = SkillResult(status=SkillStatus.FAILURE, reason=reason, obstacle="stuck")
            return self._result

    def cancel(self) -> SkillResult:
        """Cancel the call; a call that has ended keeps its result."""
        self._result = self._result or SkillResult(status=SkillStatus.CANCELLED, reason="cancelled")
        return self._result

    def _act(self, observation: Observation) -> Any:
        if self._policy is None:
            self._policy = self._make()
            self._state = self._policy.initial_state()
        action, self._state = self._policy.act(observation.raw, self._state)
        self._n_steps += 1
        return action
