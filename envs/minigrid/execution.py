"""A running skill call: a generator of actions that ends in a result."""

from collections.abc import Generator
from typing import TypeAlias

from embodied_mem.envs.building import MAX_CALL_STEPS, GeneratorExecution, SkillFailed
from embodied_mem.envs.minigrid import codes
from embodied_mem.records.skills import Observation

__all__ = ["MAX_CALL_STEPS", "SkillExecution", "SkillFailed", "Steps"]

Steps: TypeAlias = Generator[int, Observation, None]


class SkillExecution(GeneratorExecution):
    """Runs a skill of the controller; the world's map must be up to date when `advance` is called.

    Every call costs at least one step, however it ends: a failure must not be free, and "go to" missions are
    only verified when the agent acts.
    """

    def __init__(self, steps: Steps, *, name: str, idle_action: int = codes.DONE) -> None:
        super().__init__(steps, name=name, idle_action=idle_action)
