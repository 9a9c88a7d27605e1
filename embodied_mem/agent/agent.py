"""The agent loop: observe, recall, decide, act, judge, reflect, record; uses only contracts."""

import asyncio
import inspect
import uuid
from collections.abc import Coroutine, Mapping
from typing import Any

import embodied_mem
from embodied_mem.agent.episode_run import Answer, EpisodeRun
from embodied_mem.agent.judging import GoalJudge
from embodied_mem.contracts import Judge, Memory, Planner, Reflector, World
from embodied_mem.errors import EpisodeError, unknown_name
from embodied_mem.memory.modes import Mode
from embodied_mem.records.episodes import Episode, Reflection, Trace
from embodied_mem.records.experience import Experience, Kind, Origin, Outcome, Scope
from embodied_mem.records.json_values import JsonObject, to_json_object
from embodied_mem.records.limits import Limits

__all__ = ["Agent", "Limits", "Mode"]


MAX_PLAN_CALLS = 200  # in the record of an episode; its metadata counts the calls beyond


class Agent:
    """Plays episodes of any `World` with any `Planner`, and records them in any `Memory`.

    Args:
        planner: Makes the decisions.
        memory: Memory to recall from and record into; None: none.
        mode: `learn` reads and writes, `frozen` only reads, `off` does neither.
        judge: Judges how an episode ended; default: the world's goal check.
        reflector: Derives knowledge from an episode; default: the planner, if it is a `Reflector`.
        limits: Limits of an episode.
        scope: Scope of the recorded experiences; an empty `world` becomes the task's kind.
        guard_leakage: Hide experiences of the task instance being solved, as an experiment must.
        answer: Answers a planner's `Ask`; None: the answer is empty.
    """

    def __init__(
        self,
        *,
        planner: Planner,
        memory: Memory | None = None,
        mode: Mode = "learn",
        judge: Judge | None = None,
        reflector: Reflector | None = None,
        limits: Limits | None = None,
        scope: Scope | None = None,
        guard_leakage: bool = False,
        answer: Answer | None = None,
    ) -> None:
        if mode not in ("learn", "frozen", "off"):
            raise unknown_name("memory mode", mode, ("learn", "frozen", "off"))
        if not isinstance(planner, Planner):
            raise EpisodeError(f"planner is {type(planner).__name__}; expected methods decide and describe")
        if memory is not None and not isinstance(memory, Memory):
            raise EpisodeError(f"memory is {type(memory).__name__}; expected record, recall and feedback")
        self.planner = planner
        self.memory = None if mode == "off" else memory
        self.mode = mode
        self.judge: Judge = judge or GoalJudge()
        self.reflector: Reflector = reflector or (
            planner if isinstance(planner, Reflector) else _NoReflection()
        )
        self.limits = limits or Limits()
        self.scope = scope or Scope()
        self.guard_leakage = guard_leakage
        self.answer = answer

    def run_episode(
        self,
        world: World,
        *,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        attempt: str | None = None,
        episode: int | None = None,
    ) -> Episode:
        """Play one episode to its end.

        An exception of the world during the episode ends it and is recorded. An exception of the planner or
        the memory is raised to the caller, after the running call is cancelled.

        Args:
            world: The world to play in.
            seed: Seeds the environment and the planner's generator; None leaves both unseeded.
            options: Reset options of the environment.
            attempt: Id of this attempt, the prefix of the ids of its experiences; generated if not given.
            episode: Index of the episode, for the origin of its experiences.

        Raises:
            EpisodeError: The world could not begin; the planner's answer is invalid; or the planner is
                asynchronous and an event loop is running (await `run_episode_async` there).
        """
        coroutine = self.run_episode_async(
            world, seed=seed, options=options, attempt=attempt, episode=episode
        )
        if inspect.iscoroutinefunction(self.planner.decide):
            return _run_in_loop(coroutine)
        return _run_without_loop(coroutine)

    async def run_episode_async(
        self,
        world: World,
        *,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        attempt: str | None = None,
        episode: int | None = None,
    ) -> Episode:
        """Play one episode to its end; see `run_episode`.

        Episodes may run concurrently, each in its own world, if the planner keeps no state between decisions
        or does not await; otherwise give each its own agent and planner.
        """
        attempt = attempt or uuid.uuid4().hex
        description = to_json_object(self.planner.describe(), field="planner.describe()")
        run = EpisodeRun(
            world=world,
            planner=self.planner,
            memory=self.memory,
            limits=self.limits,
            guard_leakage=self.guard_leakage,
            answer=self.answer,
        )
        trace = await run.play(seed=seed, options=options)
        outcome = self.judge.judge(trace)
        if self.memory is None or self.mode != "learn":
            return Episode(trace=trace, outcome=outcome)
        reflection = self.reflector.reflect(trace, outcome)
        origin = self._origin(trace, description, attempt=attempt, episode=episode)
        recorded = self._record(self.memory, trace, outcome, reflection, origin)
        for experience_id, helped in reflection.feedback.items():
            self.memory.feedback(experience_id, helped=helped)
        return Episode(trace=trace, outcome=outcome, recorded=recorded, feedback=dict(reflection.feedback))

    def _origin(self, trace: Trace, description: JsonObject, *, attempt: str, episode: int | None) -> Origin:
        return Origin(
            run=self.scope.run,
            attempt=attempt,
            episode=episode,
            first_step=0,
            last_step=trace.steps,
            planner=str(description.get("name", type(self.planner).__name__)),
            model=str(description.get("model", "")),
            versions={"embodied_mem": embodied_mem.__version__, "environment": trace.task.kind},
        )

    def _record(
        self, memory: Memory, trace: Trace, outcome: Outcome, reflection: Reflection, origin: Origin
    ) -> tuple[str, ...]:
        scope = Scope(
            agent=self.scope.agent,
            world=self.scope.world or trace.task.kind,
            place=self.scope.place,
            person=self.scope.person,
            run=self.scope.run,
        )
        experiences = (_episode_experience(trace, outcome), *reflection.experiences)
        ids = []
        for index, experience in enumerate(experiences):
            receipt = memory.record(
                experience.replace(
                    id=f"{origin.attempt}/{index}",
                    scope=scope if experience.scope == Scope() else experience.scope,
                    origin=origin,
                )
            )
            ids.append(receipt.experience_id)
        return tuple(ids)


class _NoReflection:
    """A reflector that adds nothing to the episode's own record."""

    def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        return Reflection()


def _episode_experience(trace: Trace, outcome: Outcome) -> Experience:
    calls = [record.call for record in trace.calls]
    obstacles = sorted({record.result.obstacle for record in trace.calls if record.result.obstacle})
    recalled = [
        hit.experience_id for decision in trace.decisions for hit in decision.recalled if not hit.is_leak
    ]
    return Experience(
        kind=Kind.EPISODE,
        task=trace.task,
        state=trace.first_state,
        plan=tuple(calls[:MAX_PLAN_CALLS]),
        outcome=outcome,
        state_after=trace.last_state,
        recalled=tuple(dict.fromkeys(recalled)),
        metadata={
            "obstacles": list(obstacles),
            "calls": len(calls),
            "calls_left_out": max(0, len(calls) - MAX_PLAN_CALLS),
        },
    )


def _run_without_loop(coroutine: Coroutine[Any, Any, Episode]) -> Episode:
    # A synchronous planner never suspends, so no event loop is needed (it would open a socket pair).
    try:
        coroutine.send(None)
    except StopIteration as finished:
        episode: Episode = finished.value
        return episode
    coroutine.close()
    raise EpisodeError("the planner awaited in a synchronous run; declare decide as `async def`")


def _run_in_loop(coroutine: Coroutine[Any, Any, Episode]) -> Episode:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    coroutine.close()
    raise EpisodeError("an event loop is already running; await agent.run_episode_async(...) instead")
