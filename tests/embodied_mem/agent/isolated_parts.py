"""Worlds and planners that the process of an isolated episode imports by name."""

import os
import time
from typing import Any

import numpy as np

from embodied_mem.agent import PolicySkill
from embodied_mem.records import Outcome, SkillCall, Status
from embodied_mem.records.decisions import Act, Context, Decision
from embodied_mem.records.episodes import Trace
from embodied_mem.records.skills import Observation, Skill
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

GO = SkillCall("go_to", {"object": "chest"})


class BadEnv(KeyDoorEnv):
    """Does something bad at its third step."""

    def __init__(self, fault: str) -> None:
        super().__init__(max_steps=10)
        self.fault = fault

    def reset(self, **arguments: Any) -> Any:
        if self.fault == "hangs at reset":
            time.sleep(60)
        if self.fault == "dies at reset":
            os._exit(4)
        return super().reset(**arguments)

    def step(self, action: Any) -> Any:
        if self._steps == 2 and self.fault == "hangs":
            time.sleep(60)
        if self._steps == 2 and self.fault == "dies":
            os._exit(4)
        if self._steps == 2 and self.fault == "is killed":
            os.kill(os.getpid(), 9)
        return super().step(action)


class SeeingWorld(KeyDoorWorld):
    """A world with an image."""

    def observe(self, observation: Any, info: Any) -> Observation:
        seen = super().observe(observation, info)
        image = np.full((2, 2, 3), self.state["held"], np.uint8)
        return Observation(text=seen.text, images={"front": image}, raw=observation)


def make_bad_world(fault: str) -> KeyDoorWorld:
    return KeyDoorWorld(BadEnv(fault))


class Looking:
    """A judge that tells which pictures it saw."""

    def judge(self, trace: Trace) -> Outcome:
        raise AssertionError("the agent asks with images")

    def judge_with_images(self, trace: Trace, images: Any) -> Outcome:
        told = ", ".join(f"{name} {image.shape} {image.max()}" for name, image in images.items())
        return Outcome(status=Status.SUCCESS, explanation=told)


class GoPlanner:
    """Goes to the chest for ever; hangs or raises on request."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault

    def decide(self, context: Context) -> Decision:
        if context.history and self.fault == "hangs":
            time.sleep(60)
        if context.history and self.fault == "raises":
            raise ValueError("no plan")
        return Act(plan=(GO,), cost={"tokens": 2.0})

    def describe(self) -> Any:
        return {"name": "go", "model": "none"}


def make_waiting_policy() -> PolicySkill:
    class Waiting:
        def initial_state(self) -> None:
            return None

        def act(self, observation: Any, state: None) -> tuple[Any, None]:
            return np.int64(0), None

    return PolicySkill(skill=Skill(name="wait"), make=lambda world, rng: Waiting(), max_steps=3)
