"""One episode of the agent loop: the planner's decisions, and the trace of what happened."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from embodied_mem.agent.answers import Answers, answers_async, expect
from embodied_mem.agent.call_history import CallHistory
from embodied_mem.agent.episode_recall import EpisodeRecall
from embodied_mem.agent.perceived import record_of, scene_of
from embodied_mem.agent.plan_run import PlanRun
from embodied_mem.agent.policy_skill import PolicySkill
from embodied_mem.agent.world_answers import execution_of, skills_of
from embodied_mem.agent.world_session import WorldSession
from embodied_mem.contracts import (
    AsyncMemory,
    CanHold,
    Execution,
    FollowsDemonstration,
    HasDemonstration,
    Memory,
    Planner,
    PlansEpisodes,
    Reflector,
    ShortTermMemory,
    World,
)
from embodied_mem.errors import EpisodeError, ModelError
from embodied_mem.isolation.heartbeat import Heartbeat
from embodied_mem.records.decisions import (
    Act,
    Ask,
    Budget,
    CallRecord,
    Context,
    Continue,
    Decision,
    Stop,
    Trigger,
    no_scene,
)
from embodied_mem.records.episodes import DecisionRecord, Reflection, Trace
from embodied_mem.records.experience import Outcome, SkillCall, Task
from embodied_mem.records.json_values import clean_text, to_json_object
from embodied_mem.records.limits import Limits
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.skills import Detail, Observation, Skill

Answer: TypeAlias = Callable[[str, Observation], "str | Awaitable[str]"]

_CANCELLED = asyncio.CancelledError, KeyboardInterrupt, SystemExit

PLANNER_STREAM = 1  # second word of the planner's seed, so it differs from the environment's random stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an agent gives to each of its episodes; see `Agent`."""

    planner: Planner | None  # None: another process makes it
    memory: Memory | AsyncMemory | None
    limits: Limits
    guard_leakage: bool = False
    answer: Answer | None = None
    policies: Sequence[PolicySkill] = ()
    short_term: ShortTermMemory | None = None
    wants_images: bool = False  # the judge looks at the last images


class Listener:
    """Told what happens in an episode, as it happens; the base class ignores it."""

    def begun(self, task: Task, first: ObservationRecord) -> None:
        """The world was reset."""

    def decided(self, record: DecisionRecord) -> None:
        """The planner decided."""

    def called(self, record: CallRecord) -> None:
        """A call ended."""


class EpisodeRun:
    """Plays one episode; build a new one for each.

    Args:
        world: The world.
        setup: The agent's settings.
        answers: Waits for asynchronous answers.
        episode: Id of the episode.
        listener: Told what happens.
        heartbeat: Where to note when a call of the environment begins and ends; None: nowhere.

    Attributes:
        raised: The exception to raise after the episode was recorded: of memory, or a cancellation.
        first: The first observation, with its images.
        description: What the planner says of itself.

    Raises:
        InvalidRecord: The planner's description is not a JSON object.
    """

    def __init__(
        self,
        world: World,
        setup: Setup,
        *,
        answers: Answers,
        episode: str,
        listener: Listener | None = None,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        planner = setup.planner
        assert planner is not None
        self._planner: Planner = planner.for_episode() if isinstance(planner, PlansEpisodes) else planner
        self.description = to_json_object(self._planner.describe(), field="planner.describe()")
        self.raised: BaseException | None = None
        self.first = Observation(text="")
        self._world, self._setup, self._answers, self._episode = world, setup, answers, episode
        self._listener = listener or Listener()
        self._session = WorldSession(world, setup.limits, short_term=setup.short_term, heartbeat=heartbeat)
        self._policies = {policy.skill.name: policy for policy in setup.policies}
        self._plans = PlanRun(self._session, setup.limits, self._start, self._listener.called)
        self._scene = scene_of(world)
        self._recent = setup.short_term.view if setup.short_term is not None else no_scene
        is_slow = answers_async(setup.memory, "recall") and not answers_async(self._planner, "decide")
        self._decides_in_thread = is_slow  # its recalls wait, and other episodes go on meanwhile
        self._decisions: list[DecisionRecord] = []
        self._n_questions = 0
        self._seed: int | None = None
        self._played: Trace | None = None

    @property
    def last(self) -> Observation:
        """The last observation, with its images."""
        return self._session.observation

    async def play(self, *, seed: int | None, options: Mapping[str, Any] | None) -> Trace:
        """Reset the world and play until the episode ends; see `raised` for what else to do.

        Raises:
            EmbodiedMemError: The world refused the seed or options, or lacks a package.
        """
        self._seed, setup = seed, self._setup
        self._rng = np.random.default_rng(None if seed is None else [seed, PLANNER_STREAM])
        self._session.begin(seed, options)
        self.first = self._session.observation
        self._listener.begun(self._session.task, record_of(self.first))
        hidden = self._session.task.instance if setup.guard_leakage else ""
        self._recall = EpisodeRecall(setup.memory, limit=setup.limits.max_recalls, hidden_instance=hidden)
        try:
            await self._decide_and_act()
        except BaseException as error:  # the agent raises it again after the episode is recorded
            self.raised = error
            if isinstance(error, _CANCELLED):
                self._plans.stop()
                self._session.end("cancelled", is_truncated=True)
            else:
                self._session.fail(error)
        finally:  # also if the planner raised: a running skill must be stopped
            self._plans.stop()
        self._played = self._trace()
        return self._played

    async def reflect(self, outcome: Outcome) -> Reflection:
        """Return what the planner learnt from the episode; nothing if it is not a `Reflector`."""
        if self._played is None or not isinstance(self._planner, Reflector):
            return Reflection()
        return await self._answers.of(self._planner.reflect(self._played, outcome))

    async def _decide_and_act(self) -> None:
        if isinstance(self._planner, FollowsDemonstration):
            self._planner.follow(self._demonstration())
        trigger, answer = Trigger.START, ""
        while not self._session.ended_by:
            decision = await self._decide(trigger, answer)
            answer = ""
            if self._session.ended_by:
                return
            if isinstance(decision, Stop):
                self._session.end("planner")
            elif isinstance(decision, Ask):
                trigger, answer = Trigger.ANSWER, await self._ask(decision.question)
            else:
                trigger = self._carry_out(decision)

    def _demonstration(self) -> Sequence[SkillCall]:
        if not isinstance(self._world, HasDemonstration):
            name = type(self._world).__name__
            raise EpisodeError(f"{name} has no demonstration to follow; choose another planner to learn from")
        return self._world.demonstration()

    # Deciding

    async def _decide(self, trigger: Trigger, answer: str) -> Decision:
        """Return the planner's decision; `Continue` if the episode ended instead."""
        if len(self._decisions) >= self._setup.limits.max_decisions:
            self._session.end("max_decisions", is_truncated=True)
            return Continue()
        skills = self._skills()
        if skills is None:
            return Continue()  # the world raised, which ended the episode
        try:
            decision = await self._answer_of_planner(self._context(trigger, answer, skills))
            self._check(decision)
        except Exception as error:  # of a planner, a model behind it, or memory
            if isinstance(error, ModelError) and error.cost:  # earlier answers were paid for
                self._record_decision(Stop("the model gave no further answer", cost=error.cost), trigger)
            self._fail(error)
            return Continue()
        self._record_decision(decision, trigger)
        return decision

    async def _answer_of_planner(self, context: Context) -> Decision:
        decide: Callable[[Context], Decision | Awaitable[Decision]] = self._planner.decide
        answer: Decision | Awaitable[Decision]
        if self._decides_in_thread:
            answer = await self._answers.call(decide, context)
        else:
            answer = decide(context)
        meanwhile = self._hold if isinstance(self._world, CanHold) else None
        return await self._answers.of(answer, timeout_s=self._session.seconds_left, meanwhile=meanwhile)

    def _hold(self) -> bool:
        """Take one step of standing still; False if it ended the episode."""
        world = self._world
        assert isinstance(world, CanHold)
        self._session.attempt(lambda: self._session.step(world.hold_action()))
        return not self._session.ended_by

    def _check(self, decision: Decision) -> None:
        if not isinstance(decision, Act | Ask | Stop | Continue):
            raise EpisodeError(f"the planner answered {decision!r}; expected Act, Ask, Stop or Continue")
        if isinstance(decision, Continue) and self._plans.is_idle:
            raise EpisodeError(
                "the planner answered Continue but no plan is running; answer Act, Ask or Stop"
            )

    def _fail(self, error: Exception) -> None:
        left_s = self._session.seconds_left
        if isinstance(error, TimeoutError) and left_s is not None and left_s <= 0:
            self._session.end("max_seconds", is_truncated=True)
        elif self._recall.error is not None:
            self.raised = self._recall.error
            self._session.fail(self._recall.error, ended_by="memory_error")
        else:
            self._session.fail(error, ended_by="planner_error")

    def _skills(self) -> Sequence[Skill] | None:
        return cast("Sequence[Skill] | None", self._session.attempt(self._skills_now))

    def _skills_in_full(self) -> Sequence[Skill]:
        return self._skills_now(detail="full")

    def _skills_now(self, **detail: Detail) -> Sequence[Skill]:
        skills = skills_of(self._world.skills(self._session.observation, **detail))
        return [*skills, *(policy.skill for policy in self._policies.values())] if self._policies else skills

    def _context(self, trigger: Trigger, answer: str, skills: Sequence[Skill]) -> Context:
        return Context(
            trigger=trigger,
            task=self._session.task,
            observation=self._session.observation,
            skills=skills,
            skills_in_full=self._skills_in_full,
            episode=self._episode,
            recall=self._recall,
            rng=self._rng,
            scene=self._scene,
            recent=self._recent,
            budget=self._budget(),
            history=CallHistory(self._plans.calls),
            answer=answer,
        )

    def _budget(self) -> Budget:
        limits = self._setup.limits
        return Budget(
            steps=self._session.steps_left,
            calls=limits.max_calls - len(self._plans.calls),
            recalls=self._recall.left,
            questions=limits.max_questions - self._n_questions,
            seconds=self._session.seconds_left,
        )

    def _record_decision(self, decision: Decision, trigger: Trigger) -> None:
        act = decision if isinstance(decision, Act) else None
        match decision:
            case Ask(question):
                reason = question
            case Act(reason=reason) | Stop(reason):
                pass
            case Continue():
                reason = ""
        record = DecisionRecord(
            index=len(self._decisions),
            step=self._session.steps,
            trigger=trigger,
            plan=act.plan if act else (),
            recalled=self._recall.take_records(),
            shown=decision.shown,
            acted_on=act.acted_on if act else (),
            obstacle=act.obstacle if act else "",
            reason=clean_text(reason),
            cost=decision.cost,
        )
        self._decisions.append(record)
        self._listener.decided(record)

    async def _ask(self, question: str) -> str:
        if self._setup.answer is None or self._n_questions >= self._setup.limits.max_questions:
            return ""
        self._n_questions += 1
        try:
            answer = await self._answers.of(self._setup.answer(question, self._session.observation))
            return clean_text(expect(str, answer, said_by="Agent.answer"))
        except Exception as error:
            self._session.fail(error, ended_by="answer_error")
            raise

    # Acting

    def _carry_out(self, decision: Act | Continue) -> Trigger:
        if isinstance(decision, Act):
            self._plans.replace(
                decision.plan, review_after=decision.review_after_steps, decision=len(self._decisions) - 1
            )
        return self._plans.advance()

    def _start(self, call: SkillCall) -> Execution:
        policy = self._policies.get(call.name)
        if policy is not None:
            return policy.start(self._world, call, seed=self._seed)
        return execution_of(self._world.start(call))

    # Recording

    def _trace(self) -> Trace:
        session = self._session
        goal_reached = session.goal_reached()  # first, because a check that raises ends the episode
        return Trace(
            task=session.task,
            seed=self._seed,
            first=record_of(self.first),
            last=record_of(session.observation),
            calls=tuple(self._plans.calls),
            decisions=tuple(self._decisions),
            steps=session.steps,
            reward=session.reward,
            is_terminated=session.is_terminated,
            is_truncated=session.is_truncated,
            ended_by=session.ended_by,
            error=session.error,
            goal_reached=goal_reached,
            info=session.info(),
            step_limit=session.step_limit,
            n_recalls=self._recall.n_answered,
            n_recalls_refused=self._recall.n_refused,
        )
