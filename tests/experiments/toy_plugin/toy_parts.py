"""A tiny world, planner and memory, seen by entry point alone as a plug-in is, also in worker processes.

`levers:<kind>`: five levers, of which one opens the door. Which one is the same in every episode of a kind,
so that it can be learnt. An environment variable slows steps down where a test wants to interrupt a run.
"""

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from embodied_mem.errors import EpisodeError
from embodied_mem.records import Experience, Outcome, Recalled, Receipt, SkillCall, Task, instance_id
from embodied_mem.records.decisions import Act, Context, Decision
from embodied_mem.records.episodes import Reflection, Trace
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.queries import Query
from embodied_mem.records.skills import Observation, Parameter, Skill, SkillResult, SkillStatus

N_LEVERS = 5
STEP_S = float(os.environ.get("TOY_STEP_S", "0"))


class LeversEnv(gym.Env[int, int]):
    """Five levers; the right one ends the episode with a reward of 1. The kind `broken` raises on step 2."""

    def __init__(self, kind: str) -> None:
        self.kind, self.max_steps = kind, 4
        self.right = sum(kind.encode()) % N_LEVERS
        self.n_steps, self.is_open = 0, False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.n_steps, self.is_open = 0, False
        print("a simulator that prints on reset")
        return int(self.np_random.integers(1000)), {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        time.sleep(STEP_S)
        self.n_steps += 1
        if self.kind == "broken" and self.n_steps == 2:
            raise RuntimeError("the lever came off")
        self.is_open = action == self.right
        return 0, float(self.is_open), self.is_open, self.n_steps >= self.max_steps, {}


class Pull:
    """One pull takes one step."""

    def __init__(self, lever: int) -> None:
        self.lever, self.is_pulled = lever, False

    def advance(self, observation: Observation) -> int | SkillResult:
        if self.is_pulled:
            return SkillResult(status=SkillStatus.FAILURE, reason="the door is shut", obstacle="shut")
        self.is_pulled = True
        return self.lever

    def cancel(self) -> SkillResult:
        return SkillResult(status=SkillStatus.CANCELLED)


class Levers:
    """Describes the levers; implements `World`, `HasExpert` and `HasGoalCheck`."""

    knowledge = ({"what": "which skills there are", "where": "skills"},)

    def __init__(self, kind: str) -> None:
        self.env, self.kind = LeversEnv(kind), f"levers:{kind}"
        self.room = 0

    def begin(self, observation: Any, info: Any, *, seed: int | None) -> Task:
        self.room = observation
        return Task(
            f"open the door of hall {self.env.kind}",
            kind=self.kind,
            instance=instance_id(self.kind, seed=seed),
        )

    def observe(self, observation: Any, info: Any) -> Observation:
        return Observation(text=f"room {self.room}, {self.env.n_steps} pulls so far", raw=observation)

    def skills(self, observation: Observation, *, detail: str = "signature") -> list[Skill]:
        return [Skill(name="pull", parameters=(Parameter(name="lever", choices=tuple(range(N_LEVERS))),))]

    def start(self, call: SkillCall) -> Pull:
        return Pull(int(call.arguments["lever"]))  # type: ignore[arg-type]

    def goal_reached(self) -> bool:
        return self.env.is_open

    def expert(self, rng: np.random.Generator) -> "LeverExpert":
        return LeverExpert(self.env)


class LeverExpert:
    """Knows the right lever, except in the kind `hard`."""

    def __init__(self, env: LeversEnv) -> None:
        self.env = env

    def initial_state(self) -> None:
        return None

    def act(self, observation: Any, state: None) -> tuple[int, None]:
        if self.env.kind == "hard":
            raise EpisodeError("no idea")
        return self.env.right, None


def make_levers(kind: str) -> Levers:
    return Levers(kind)


class Puller:
    """Pulls what was right before, one recalled lever after the other, and a random lever otherwise."""

    def __init__(self, k: int = 2) -> None:
        self.k = k

    def decide(self, context: Context) -> Decision:
        hits = context.recall(Query(task=context.task, state=context.observation.text, k=self.k))
        known = [hit for hit in hits if hit.experience.kind == "repair"][len(context.history) :]
        if known:
            return Act(plan=known[0].experience.plan, acted_on=(known[0].experience.id,))
        lever = int(context.rng.integers(N_LEVERS))
        return Act(plan=(SkillCall("pull", {"lever": lever}),))

    def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        acted_on = [key for decision in trace.decisions for key in decision.acted_on]
        feedback = dict.fromkeys(acted_on, outcome.is_success)
        if not outcome.is_success:
            return Reflection(feedback=feedback)
        learnt = Experience(
            kind="repair",
            task=trace.task,
            state=trace.first_state,
            plan=(trace.calls[-1].call,),
            outcome=outcome,
            metadata={"obstacle": "shut"},
        )
        return Reflection(experiences=(learnt,), feedback=feedback)

    def describe(self) -> JsonObject:
        return {"name": "puller", "k": self.k}


class CostlyPuller(Puller):
    """Each decision has this cost."""

    def __init__(self, cost: dict[str, float], k: int = 2) -> None:
        super().__init__(k)
        self.cost = cost

    def decide(self, context: Context) -> Decision:
        return dataclasses.replace(super().decide(context), cost=self.cost)


class BrokenPlanner(Puller):
    """Fails in its fourth decision."""

    n_decisions = 0

    def decide(self, context: Context) -> Decision:
        self.n_decisions += 1
        if self.n_decisions == 4:
            raise ZeroDivisionError("a planner's mistake")
        return super().decide(context)


class StrictJudge:
    """Calls only what took at most this many steps a success."""

    def __init__(self, level: int = 1) -> None:
        self.level = level

    def judge(self, trace: Trace) -> Outcome:
        is_won = bool(trace.goal_reached) and trace.steps <= self.level
        return Outcome(status="success" if is_won else "failure", steps=trace.steps)


class Moralist:
    """Derives one lesson from each episode."""

    def __init__(self, folder: Path, seed: int, level: int) -> None:
        self.folder, self.seed, self.level = folder, seed, level

    def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        return Reflection(experiences=(Experience(kind="lesson", task=trace.task, outcome=outcome),))


def make_moralist(folder: Path, *, seed: int, level: int = 0) -> Moralist:
    return Moralist(folder, seed, level)


class ForgetfulList:
    """A stranger's memory: a list in this process, without horizon and without a way back."""

    def __init__(self) -> None:
        self.experiences: list[Experience] = []

    def record(self, experience: Experience) -> Receipt:
        self.experiences.append(experience)
        return Receipt(experience.id)

    def recall(self, query: Query, /) -> list[Recalled]:
        kind = query.task.kind if query.task else ""
        newest = [e for e in reversed(self.experiences) if e.task.kind == kind and e.kind == "repair"][
            : query.k
        ]
        return [Recalled(experience=e, score=1.0, parts={"kind": 1.0}, reason="same kind") for e in newest]

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        if all(e.id != experience_id for e in self.experiences):
            raise LookupError(experience_id)


def make_forgetful_list(path: Path, *, seed: int) -> ForgetfulList:
    return ForgetfulList()


class BrokenMemory(ForgetfulList):
    """A memory that cannot answer."""

    def recall(self, query: Query, /) -> list[Recalled]:
        raise OSError("the disk is gone")


def make_broken_memory(path: Path, *, seed: int, **options: Any) -> BrokenMemory:
    return BrokenMemory()


FAULTS = ("raises", "hangs", "dies", "dead at reset", "gives NaN")


class FaultyLeversEnv(LeversEnv):
    """A stand-in for a bad simulator: each fault in a fifth of the seeds."""

    fault = ""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        observation = super().reset(seed=seed)
        self.fault = FAULTS[(seed or 0) % len(FAULTS)]
        if self.fault == "dead at reset":
            raise ConnectionRefusedError("no simulator at this port")
        return observation

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        observation, reward, *rest = super().step(action)
        if self.fault == "raises":
            raise RuntimeError("the lever came off")
        if self.fault == "hangs":
            time.sleep(60)
        if self.fault == "dies":
            os._exit(3)
        return observation, float("nan") if self.fault == "gives NaN" else reward, *rest  # type: ignore[return-value]


def make_faulty_levers(kind: str) -> Levers:
    world = Levers(kind)
    world.env = FaultyLeversEnv(kind)
    return world
