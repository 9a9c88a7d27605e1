"""One episode of the agent loop: decisions, calls, limits and the trace."""

import dataclasses
import inspect
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from embodied_mem.agent.episode_recall import EpisodeRecall
from embodied_mem.agent.world_session import WorldSession
from embodied_mem.contracts import Execution, HasSceneText, Memory, Planner, World
from embodied_mem.errors import EpisodeError, InvalidRecord, UnknownName
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
)
from embodied_mem.records.episodes import DecisionRecord, Trace
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import clean_text
from embodied_mem.records.limits import Limits
from embodied_mem.records.skills import Observation, Skill, SkillResult, SkillStatus

Answer: TypeAlias = Callable[[str, Observation], str]

PLANNER_STREAM = 1  # second word of the planner's seed, so it differs from the environment's random stream


@dataclasses.dataclass(slots=True)
class _RunningCall:
    call: SkillCall
    execution: Execution
    first_step: int


class EpisodeRun:
    """Plays one episode; build a new one for each."""

    def __init__(
        self,
        *,
        world: World,
        planner: Planner,
        memory: Memory | None,
        limits: Limits,
        guard_leakage: bool,
        answer: Answer | None,
    ) -> None:
        self._world, self._planner, self._memory = world, planner, memory
        self._session = WorldSession(world, limits)
        self._limits, self._guard_leakage, self._answer = limits, guard_leakage, answer
        # A function, so the map is described only for planners that read it.
        self._scene: Callable[[], str] = world.scene if isinstance(world, HasSceneText) else str
        self._calls: list[CallRecord] = []
        self._decisions: list[DecisionRecord] = []
        self._pending: deque[SkillCall] = deque()
        self._review_after: int | None = None
        self._running: _RunningCall | None = None
        self._review_at: int | None = None
        self._n_questions = self._n_invalid = 0

    async def play(self, *, seed: int | None, options: Mapping[str, Any] | None) -> Trace:
        """Reset the world and play until the episode ends."""
        self._rng = np.random.default_rng(None if seed is None else [seed, PLANNER_STREAM])
        self._session.begin(seed, options)
        first = self._session.observation
        hidden = self._session.task.instance if self._guard_leakage else ""
        self._recall = EpisodeRecall(self._memory, limit=self._limits.max_recalls, hidden_instance=hidden)
        try:
            await self._decide_and_act()
        finally:  # also if the planner raised or was cancelled: a running skill must be stopped
            self._stop_running_call()
        return self._trace(seed, first)

    async def _decide_and_act(self) -> None:
        trigger, answer = Trigger.START, ""
        while not self._session.ended_by:
            decision = await self._decide(trigger, answer)
            answer = ""
            if isinstance(decision, Stop):
                self._session.end("planner")
            elif isinstance(decision, Ask):
                trigger, answer = Trigger.ANSWER, self._ask(decision.question)
            else:
                trigger = self._carry_out(decision)

    # Deciding

    async def _decide(self, trigger: Trigger, answer: str) -> Decision:
        if len(self._decisions) >= self._limits.max_decisions:
            self._session.end("max_decisions", is_truncated=True)
            return Continue()
        skills = self._session.attempt(self._world.skills, self._session.observation)
        if skills is None:
            return Continue()  # the world raised, which ended the episode
        result = self._planner.decide(self._context(trigger, answer, skills))
        decision: Decision = await result if inspect.isawaitable(result) else result
        if not isinstance(decision, Act | Ask | Stop | Continue):
            raise EpisodeError(f"the planner answered {decision!r}; expected Act, Ask, Stop or Continue")
        self._record_decision(decision, trigger)
        return decision

    def _context(self, trigger: Trigger, answer: str, skills: Sequence[Skill]) -> Context:
        return Context(
            trigger=trigger,
            task=self._session.task,
            observation=self._session.observation,
            skills=skills,
            recall=self._recall,
            rng=self._rng,
            scene=self._scene,
            budget=self._budget(),
            history=tuple(self._calls),
            answer=answer,
        )

    def _budget(self) -> Budget:
        return Budget(
            steps=self._session.steps_left,
            calls=self._limits.max_calls - len(self._calls),
            recalls=self._recall.left,
            questions=self._limits.max_questions - self._n_questions,
            seconds=self._session.seconds_left,
        )

    def _record_decision(self, decision: Decision, trigger: Trigger) -> None:
        act = decision if isinstance(decision, Act) else Act(plan=())
        match decision:
            case Ask(question):
                reason = question
            case Act(reason=reason) | Stop(reason):
                pass
            case Continue():
                reason = ""
        self._decisions.append(
            DecisionRecord(
                index=len(self._decisions),
                step=self._session.steps,
                trigger=trigger,
                plan=act.plan,
                recalled=self._recall.take_records(),
                shown=act.shown,
                acted_on=act.acted_on,
                obstacle=act.obstacle,
                reason=clean_text(reason),
            )
        )

    def _ask(self, question: str) -> str:
        if self._answer is None or self._n_questions >= self._limits.max_questions:
            return ""
        self._n_questions += 1
        return clean_text(self._answer(question, self._session.observation))

    # Acting

    def _carry_out(self, decision: Act | Continue) -> Trigger:
        if isinstance(decision, Act):
            if not decision.plan:
                raise EpisodeError(
                    "the planner answered Act with an empty plan; answer Stop to end the episode"
                )
            self._stop_running_call()
            self._pending = deque(decision.plan)
            self._review_after = decision.review_after_steps
        elif self._running is None and not self._pending and not self._session.ended_by:
            raise EpisodeError(
                "the planner answered Continue but no plan is running; answer Act, Ask or Stop"
            )
        self._review_at = _after(self._session.steps, self._review_after)
        return self._advance()

    def _advance(self) -> Trigger:
        """Run the plan until the next decision is due or the episode ends."""
        while not self._session.ended_by:
            if self._running is None and not self._pending:
                return Trigger.DONE
            if self._running is None and not self._start_next():
                return Trigger.FAILURE
            if self._running is None:
                continue  # a limit ended the episode
            step = self._session.attempt(self._running.execution.advance, self._session.observation)
            if self._session.ended_by:
                break
            if isinstance(step, SkillResult):
                self._finish_call(step)
                if not step.is_success:
                    self._pending.clear()
                    return Trigger.FAILURE
                continue
            self._session.attempt(self._session.step, step)
            if self._review_at is not None and self._session.steps >= self._review_at:
                return Trigger.STEP
        return Trigger.DONE

    def _start_next(self) -> bool:
        """Start the next call; return False if the call is invalid."""
        if len(self._calls) >= self._limits.max_calls:
            self._session.end("max_calls", is_truncated=True)
            return True
        call = self._pending.popleft()
        if call.count > 1:
            self._pending.appendleft(dataclasses.replace(call, count=call.count - 1))
            call = dataclasses.replace(call, count=1)
        try:
            execution = self._world.start(call)
        except (UnknownName, InvalidRecord) as error:
            self._reject(call, str(error))
            return False
        except Exception as error:  # raised by the world
            self._session.fail(error)
            return True
        self._running = _RunningCall(call=call, execution=execution, first_step=self._session.steps)
        return True

    def _reject(self, call: SkillCall, reason: str) -> None:
        self._n_invalid += 1
        self._pending.clear()
        result = SkillResult(status=SkillStatus.FAILURE, reason=clean_text(reason), obstacle="invalid")
        self._append_call(call, result, self._session.steps)
        if self._n_invalid > self._limits.max_invalid_calls:
            self._session.end("max_invalid_calls", is_truncated=True)

    def _finish_call(self, result: SkillResult) -> None:
        assert self._running is not None
        self._append_call(self._running.call, result, self._running.first_step)
        self._running = None

    def _stop_running_call(self) -> None:
        if self._running is None:
            return
        result = self._session.attempt(self._running.execution.cancel)
        if not self._session.ended_by and not isinstance(result, SkillResult):
            self._session.fail(EpisodeError(f"cancel() gave {result!r:.200}; expected a SkillResult"))
        if self._session.ended_by:
            result = SkillResult(
                status=SkillStatus.ENDED, reason=f"the episode was ended by {self._session.ended_by}"
            )
        self._finish_call(result)

    def _append_call(self, call: SkillCall, result: SkillResult, first_step: int) -> None:
        self._calls.append(
            CallRecord(
                call=call,
                result=result,
                first_step=first_step,
                last_step=self._session.steps,
                decision=len(self._decisions) - 1,
            )
        )

    # Recording

    def _trace(self, seed: int | None, first: Observation) -> Trace:
        session = self._session
        goal_reached = session.goal_reached()  # first, because a check that raises ends the episode
        return Trace(
            task=session.task,
            seed=seed,
            first_state=first.text,
            last_state=session.observation.text,
            calls=tuple(self._calls),
            decisions=tuple(self._decisions),
            steps=session.steps,
            reward=session.reward,
            is_terminated=session.is_terminated,
            is_truncated=session.is_truncated,
            ended_by=session.ended_by,
            error=session.error,
            goal_reached=goal_reached,
            info=session.info(),
        )


def _after(step: int, more: int | None) -> int | None:
    return None if more is None else step + more
