"""The agent loop: observe, recall, decide, act, judge, reflect, record; uses only contracts."""

import contextlib
import dataclasses
import logging
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import embodied_mem
from embodied_mem.agent.answers import Answers, answers_async, expect, is_in_loop, run_to_end
from embodied_mem.agent.beside_planner import BesidePlanner, together
from embodied_mem.agent.episode_experiences import decision_experiences, episode_experience
from embodied_mem.agent.episode_process import EpisodeProcess, EpisodeProcesses
from embodied_mem.agent.episode_run import Answer, EpisodeRun, Setup
from embodied_mem.agent.episode_writer import EpisodeWriter
from embodied_mem.agent.isolated_run import IsolatedRun
from embodied_mem.agent.judging import GoalJudge
from embodied_mem.agent.policy_skill import PolicySkill
from embodied_mem.contracts import (
    AsyncMemory,
    Judge,
    JudgesImages,
    KeepsImages,
    Memory,
    Planner,
    Reflector,
    ShortTermMemory,
    World,
)
from embodied_mem.errors import EmbodiedMemError, EpisodeError, unknown_name
from embodied_mem.isolation.recipe import Recipe, recipe_of
from embodied_mem.memory.modes import Mode
from embodied_mem.records.episodes import Episode, Reflection, Trace, added_costs
from embodied_mem.records.experience import Attachment, Origin, Outcome, Scope
from embodied_mem.records.json_values import JsonObject, error_text
from embodied_mem.records.limits import Limits
from embodied_mem.records.record_checks import checked_count

__all__ = ["Agent", "Limits", "Mode"]

logger = logging.getLogger(__name__)


class Agent:
    """Plays episodes of any `World` with any `Planner`, and records them in any `Memory`.

    One agent may play several episodes at once, each in its own world, if its planner is a `PlansEpisodes` or
    keeps no state.

    Args:
        planner: Makes the decisions; or how to make it, if all episodes are isolated.
        memory: Memory to recall from and record into; None: none.
        mode: `learn` reads and writes, `frozen` only reads, `off` does neither.
        judge: Judges how an episode ended; default: the world's goal check.
        reflector: Derives knowledge from an episode; default: the planner, if it is a `Reflector`. Wrap it in
            `BesidePlanner` to record its lessons beside the planner's own.
        limits: Limits of an episode.
        scope: Scope of the recorded experiences; an empty `world` becomes the task's kind.
        guard_leakage: Hide experiences of the task instance being solved, as an experiment must.
        answer: Answers a planner's `Ask`; None: the answer is empty.
        policies: Policies that planners can call like skills of the world.
        short_term: Holds what is true now; planners read it as `context.recent`. It holds one episode at a
            time, so an agent with one plays one episode at a time.
        record_decisions: Also record one experience of the kind `decision` for each call.
    """

    def __init__(
        self,
        *,
        planner: Planner | Recipe,
        memory: Memory | AsyncMemory | None = None,
        mode: Mode = "learn",
        judge: Judge | None = None,
        reflector: Reflector | None = None,
        limits: Limits | None = None,
        scope: Scope | None = None,
        guard_leakage: bool = False,
        answer: Answer | None = None,
        policies: Sequence[PolicySkill | Recipe] = (),
        short_term: ShortTermMemory | None = None,
        record_decisions: bool = False,
    ) -> None:
        if mode not in ("learn", "frozen", "off"):
            raise unknown_name("memory mode", mode, ("learn", "frozen", "off"))
        _check_part("planner", planner, Planner | Recipe, "methods decide and describe")
        optional: Sequence[tuple[str, object, Any, str]] = (
            ("memory", memory, Memory, "record, recall and feedback"),
            ("judge", judge, Judge, "a method judge"),
            ("reflector", reflector, Reflector, "a method reflect"),
            ("limits", limits, Limits, "Limits, such as Limits(max_steps=60)"),
            ("scope", scope, Scope, "a Scope, such as Scope(agent='robot-1')"),
            ("answer", answer, Callable, "a function of a question and an observation"),
            ("short_term", short_term, ShortTermMemory, "begin, perceive and view"),
        )
        for called, part, contract, expected in optional:
            if part is not None:
                _check_part(called, part, contract, expected)
        for policy in policies:
            _check_part("a policy", policy, PolicySkill | Recipe, "a PolicySkill, or how to make one")
        self.planner = planner
        self.memory = None if mode == "off" else memory
        self.mode = mode
        self.judge: Judge = judge or GoalJudge()
        self.reflector = reflector
        self.limits = limits or Limits()
        self.scope = scope or Scope()
        self.guard_leakage = guard_leakage
        self.answer = answer
        self.policies = tuple(policies)
        self.short_term = short_term
        self.record_decisions = record_decisions
        self._processes = EpisodeProcesses()
        weakref.finalize(self, self._processes.close)

    def run_episode(
        self,
        world: World | Recipe,
        *,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        attempt: str | None = None,
        episode: int | None = None,
        isolate: bool | EpisodeProcess = False,
    ) -> Episode:
        """Play one episode to its end.

        An exception of the world or the planner ends the episode and is recorded. An exception of memory, the
        judge or the reflector, and Ctrl-C, are raised after what happened so far was recorded.

        Args:
            world: The world to play in, or how to make it; a `Recipe` is played in a process of its own.
            seed: Seeds the environment and the planner's generator; None leaves both unseeded.
            options: Reset options of the environment.
            attempt: Id of this attempt, the prefix of the ids of its experiences; generated if not given.
            episode: Index of the episode, for the origin of its experiences.
            isolate: Play in a process of its own, which is killed where the world or a planner hangs beyond
                `limits.max_step_seconds` or `max_seconds`, and whose death ends the episode and not the
                program. World, planner and policies must be made by name or by a `Recipe`. A process given
                here is used and not closed.

        Raises:
            EpisodeError: The argument is not a world; or something answers asynchronously while an event loop
                is running in this thread (await `run_episode_async` there).
            InvalidRecord: The seed, attempt or episode is invalid; the message names it.
        """
        if is_in_loop() and (answers_async(self.planner, "decide") or answers_async(self.memory, "recall")):
            raise EpisodeError(
                "an event loop is running in this thread and the planner or memory is asynchronous; "
                "await agent.run_episode_async(...) instead"
            )
        answers = Answers(in_loop=False)
        return run_to_end(self._play(answers, world, seed, options, attempt, episode, isolate))

    async def run_episode_async(
        self,
        world: World | Recipe,
        *,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        attempt: str | None = None,
        episode: int | None = None,
        isolate: bool | EpisodeProcess = False,
    ) -> Episode:
        """Play one episode to its end; see `run_episode`.

        While a planner, memory, judge or reflector of one episode waits, other episodes go on.
        """
        answers = Answers(in_loop=True)
        return await self._play(answers, world, seed, options, attempt, episode, isolate)

    async def _play(
        self,
        answers: Answers,
        world: World | Recipe,
        seed: int | None,
        options: Mapping[str, Any] | None,
        attempt: str | None,
        index: int | None,
        isolate: bool | EpisodeProcess,
    ) -> Episode:
        origin = Origin(run=self.scope.run, attempt=attempt or uuid.uuid4().hex, episode=index)
        with self._run(world, answers, origin.attempt, isolate) as run:
            trace = await run.play(seed=_checked_seed(seed), options=options)
            outcome, failure = await self._judged(run, trace, answers)
            memory = self.memory if self.mode == "learn" else None
            if memory is None:
                return _raise_or_return(failure, Episode(trace=trace, outcome=outcome))
            writer = EpisodeWriter(
                memory, answers, self._scope_of(trace), _origin(origin, trace, run.description)
            )
            writer.add([episode_experience(trace, outcome, attachments=_images(memory, run))])
            if self.record_decisions:
                writer.add(decision_experiences(trace, outcome), under="decision")
            await writer.record()  # before reflecting, which may take minutes
            reflection = Reflection()
            if failure is None:
                reflection, failure = await self._reflection(run, trace, outcome, answers)
        writer.add(reflection.experiences)
        await writer.record()
        if failure is not None:
            raise failure
        for experience_id, helped in reflection.feedback.items():
            await writer.feedback(experience_id, helped=helped)
        cost = added_costs(outcome.cost, reflection.cost)
        return Episode(
            trace=trace,
            outcome=dataclasses.replace(outcome, cost=cost),
            recorded=tuple(writer.ids),
            feedback=dict(reflection.feedback),
        )

    @contextlib.contextmanager
    def _run(
        self, world: World | Recipe, answers: Answers, attempt: str, isolate: bool | EpisodeProcess
    ) -> Iterator[EpisodeRun | IsolatedRun]:
        """Give what plays the episode: in this process, or in one of its own."""
        if not isolate and not isinstance(world, Recipe) and not isinstance(self.planner, Recipe):
            _check_world(world)
            yield EpisodeRun(world, self._setup(self.planner), answers=answers, episode=attempt)
            return
        if self.short_term is not None:
            raise EpisodeError("short_term does not reach an isolated episode; leave one of them out")
        recipes = recipe_of(world, called="world"), recipe_of(self.planner, called="planner")
        policies = [recipe_of(policy, called="policy") for policy in self.policies]
        process = isolate if isinstance(isolate, EpisodeProcess) else self._processes.take()
        setup = self._setup(None)
        try:
            yield IsolatedRun(*recipes, policies, setup, answers=answers, process=process, episode=attempt)
        finally:
            if process is not isolate:
                self._processes.give_back(process)

    def close(self) -> None:
        """End the processes of isolated episodes; closing twice is allowed."""
        self._processes.close()

    def _setup(self, planner: Planner | None) -> Setup:
        return Setup(
            planner=planner,
            memory=self.memory,
            limits=self.limits,
            guard_leakage=self.guard_leakage,
            answer=self.answer,
            policies=[policy for policy in self.policies if isinstance(policy, PolicySkill)],
            short_term=self.short_term,
            wants_images=isinstance(self.judge, JudgesImages),
        )

    async def _judged(
        self, run: EpisodeRun | IsolatedRun, trace: Trace, answers: Answers
    ) -> tuple[Outcome, BaseException | None]:
        """Return the outcome, and the exception to raise once it is recorded."""
        failure, judge = run.raised, self.judge
        if failure is not None:  # the judge may need what just failed
            return GoalJudge().judge(trace), failure
        try:
            if isinstance(judge, JudgesImages):
                answer = judge.judge_with_images(trace, run.last.images)
            else:
                answer = judge.judge(trace)
            outcome = expect(Outcome, await answers.of(answer), said_by="the judge")
        except BaseException as error:
            said = f"the judge raised {error_text(error)}"[:2_000]
            outcome, failure = Outcome(reward=trace.reward, explanation=said, steps=trace.steps), error
        return dataclasses.replace(outcome, cost=added_costs(trace.cost, outcome.cost)), failure

    async def _reflection(
        self, run: EpisodeRun | IsolatedRun, trace: Trace, outcome: Outcome, answers: Answers
    ) -> tuple[Reflection, BaseException | None]:
        """Return what was learnt, and the exception to raise once the episode is recorded."""
        try:
            own = Reflection()
            if self.reflector is None or isinstance(self.reflector, BesidePlanner):
                own = expect(Reflection, await run.reflect(outcome), said_by="the reflector")
            if self.reflector is None:
                return own, None
            other = await answers.of(self.reflector.reflect(trace, outcome))
            return together(own, expect(Reflection, other, said_by="the reflector")), None
        except BaseException as error:
            return Reflection(), error

    def _scope_of(self, trace: Trace) -> Scope:
        return dataclasses.replace(self.scope, world=self.scope.world or trace.task.kind)


def _check_part(called: str, part: object, contract: Any, expected: str) -> None:
    if isinstance(part, type):
        raise EpisodeError(f"{called} is the class {part.__name__}; expected an instance of it")
    if not isinstance(part, contract):
        raise EpisodeError(f"{called} is {type(part).__name__}; expected {expected}")


def _checked_seed(seed: int | None) -> int | None:
    return None if seed is None else checked_count(seed, field="seed")


def _origin(begun: Origin, trace: Trace, description: JsonObject) -> Origin:
    return dataclasses.replace(
        begun,
        first_step=0,
        last_step=trace.steps,
        planner=str(description.get("name", "")),
        model=str(description.get("model", "")),
        versions={"embodied_mem": embodied_mem.__version__, "environment": trace.task.kind},
    )


def _check_world(world: World) -> None:
    if all(hasattr(world, name) for name in ("env", "begin", "observe", "skills", "start")):
        return
    if hasattr(world, "step") and hasattr(world, "reset"):
        raise EpisodeError(
            f"world is the environment {type(world).__name__}; wrap it: "
            "embodied_mem.envs.gym_world.GymWorld(env), or make_world('gym:<id>')"
        )
    raise EpisodeError(
        f"world is {type(world).__name__}; expected a World with env, begin, observe, skills and start, such "
        "as make_world('babyai:GoToObj')"
    )


def _images(memory: Memory | AsyncMemory, run: EpisodeRun | IsolatedRun) -> tuple[Attachment, ...]:
    """Store the first and last images of an episode in a memory that keeps images."""
    if not isinstance(memory, KeepsImages):
        return ()
    kept: list[Attachment] = []
    moments = (("first", run.first), ("last", run.last))
    for moment, observation in moments:
        for name, image in observation.images.items():
            try:
                kept.append(memory.keep_image(image, role=f"{moment}/{name}"))
            except EmbodiedMemError as error:  # over the quota, a full disk, or not a valid image
                logger.warning("the image %s/%s is not kept: %s", moment, name, error)
    return tuple(kept)


def _raise_or_return(failure: BaseException | None, episode: Episode) -> Episode:
    if failure is not None:
        raise failure
    return episode
