"""Parts of an agent that do what they should not; made in this process, or by name in another."""

import os
import subprocess
import sys
import time
from typing import Any

import numpy as np

from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import Act, Ask, Context, Decision
from embodied_mem.records.episodes import Reflection, Trace
from embodied_mem.records.experience import Outcome
from embodied_mem.records.skills import Observation
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

GO = SkillCall("go_to", {"object": "chest"})
MINUTE_S = 60


class Panic(BaseException):
    """What a library written in Rust raises."""


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


class HostileEnv(KeyDoorEnv):
    """Does something bad at its second step."""

    def __init__(self, fault: str = "") -> None:
        super().__init__(max_steps=10)
        self.fault = fault

    def step(self, action: Any) -> Any:
        if self._steps == 1:
            getattr(self, self.fault.replace(" ", "_"), lambda: None)()
        return super().step(action)

    def panics(self) -> None:
        raise Panic("index out of bounds")

    def raises_the_unprintable(self) -> None:
        raise Unprintable

    def exits(self) -> None:
        sys.exit(3)

    def reads_input(self) -> None:
        input()

    def prints_bytes(self) -> None:
        sys.stdout.buffer.write(b"\xff\x00")
        sys.stdout.fileno()
        os.write(1, b'\xff\n{"event": "ended"}\n')

    def forks_and_dies(self) -> None:
        if not os.fork():
            time.sleep(MINUTE_S)
            os._exit(0)
        os._exit(5)

    def starts_a_program(self) -> None:
        process = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({MINUTE_S})"])
        process.returncode = 0  # no warning that it is still running


class HostileWorld(KeyDoorWorld):
    """Answers wrongly."""

    def __init__(self, fault: str = "") -> None:
        super().__init__(HostileEnv(fault))
        self.fault = fault

    def observe(self, observation: Any, info: Any) -> Observation:
        seen = super().observe(observation, info)
        is_later = self.env.unwrapped._steps > 0
        if self.fault == "observes nothing" and is_later:
            return None  # type: ignore[return-value]
        wrong: dict[str, Any] = {
            "is nowhere": {"position_m": (float("nan"), 0.0)},
            "shows an object": {"images": {"front": np.array([object()])}},
            "shows a list": {"images": [1]},
            "says too much": {"text": "x" * (16 * 1024 * 1024 + 1)},
        }
        if is_later and self.fault in wrong:
            return Observation(**{"text": seen.text, **wrong[self.fault]})
        numbers = np.array([1.0, 2.0], np.float32)
        return Observation(text=seen.text, pose=numbers, position_m=numbers)  # type: ignore[arg-type]

    def skills(self, observation: Observation, **detail: Any) -> Any:
        if self.fault == "has no skills":
            return None
        return super().skills(observation, **detail)

    def start(self, call: SkillCall) -> Any:
        return None if self.fault == "starts nothing" else super().start(call)

    def goal_reached(self) -> Any:
        return np.bool_(super().goal_reached())


class HostilePlanner:
    """Goes to the chest for ever; asks, or hangs while it reflects, on request."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault

    def decide(self, context: Context) -> Decision:
        if context.history and self.fault == "asks":
            return Ask("where is it?")
        if context.history and self.fault == "panics":
            raise Panic("index out of bounds")
        return Act(plan=(GO,))

    def describe(self) -> Any:
        return {"name": "hostile"}

    def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        if self.fault == "hangs":
            time.sleep(MINUTE_S)
        return Reflection()
