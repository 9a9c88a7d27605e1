"""One episode of the agent loop: who is asked what, which limits hold, what is written down."""

import dataclasses
import inspect
import logging
import math
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from embodied_mem import describe
from embodied_mem.contracts import Execution, HasGoalCheck, HasSceneText, Memory, Planner, World
from embodied_mem.decisions import (
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
from embodied_mem.episode_recall import EpisodeRecall
from embodied_mem.episodes import DecisionRecord, Trace
from embodied_mem.errors import EmbodiedMemError, EpisodeError, InvalidRecord, UnknownName
from embodied_mem.json_values import clean_text
from embodied_mem.limits import Limits
from embodied_mem.records import SkillCall
from embodied_mem.skills import Observation, Skill, SkillResult, SkillStatus

log = logging.getLogger(__name__)

Answer: TypeAlias = Callable[[str, Observation], str]

PLANNER_STREAM = 1  # second word of the planner's seed, so that it never shares the environment's stream


@dataclasses.dataclass(slots=True)
class _RunningCall:
    call: SkillCall
    execution: Execution
    first_step: int


class EpisodeRun:
    """Plays one episode; made anew for each."""

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
        self._limits, self._guard_leakage, self._answer = limits, guard_leakage, answer
        # A function, because a map is put in words only for planners that read it.
        self._scene: Callable[[], str] = world.scene if isinstance(world, HasSceneText) else str
        self._calls: list[CallRecord] = []
        self._decisions: list[DecisionRecord] = []
        self._pending: deque[SkillCall] = deque()
        self._review_after: int | None = None
        self._running: _RunningCall | None = None
        self._review_at: int | None = None
        self._steps = self._n_questions = self._n_invalid = 0
        self._reward, self._bad_reward_step = 0.0, -1
        self._is_terminated = self._is_truncated = False
        self._ended_by = ""
        self._error = ""
        self._info: Mapping[str, Any] = {}

    async def play(self, *, seed: int | None, options: Mapping[str, Any] | None) -> Trace:
        """Reset the world and go on until something ends the episode."""
        self._started_s = time.monotonic()
        self._rng = np.random.default_rng(None if seed is None else [seed, PLANNER_STREAM])
        first = self._begin(seed, options)
        hidden = self._task.instance if self._guard_leakage else ""
        self._recall = EpisodeRecall(self._memory, limit=self._limits.max_recalls, hidden_instance=hidden)
        try:
            await self._go_on()
        finally:  # also where the planner raised or was cancelled: nothing may go on moving
            self._stop_running_call()
        return self._trace(seed, first)

    def _begin(self, seed: int | None, options: Mapping[str, Any] | None) -> Observation:
        try:
            raw, info = self._world.env.reset(seed=seed, options=None if options is None else dict(options))
            self._task = self._world.begin(raw, info, seed=seed)
            self._observation = self._world.observe(raw, info)
        except EmbodiedMemError:
            raise
        except Exception as error:
            raise EpisodeError(
                f"no episode began in {type(self._world).__name__} with seed {seed}: "
                f"{type(error).__name__}: {error}; reset(), begin() and observe() have to work first"
            ) from error
        return self._observation

    async def _go_on(self) -> None:
        trigger, answer = Trigger.START, ""
        while not self._ended_by:
            decision = await self._decide(trigger, answer)
            answer = ""
            if isinstance(decision, Stop):
                self._end("planner")
            elif isinstance(decision, Ask):
                trigger, answer = Trigger.ANSWER, self._ask(decision.question)
            else:
                trigger = self._carry_out(decision)

    # Deciding

    async def _decide(self, trigger: Trigger, answer: str) -> Decision:
        if len(self._decisions) >= self._limits.max_decisions:
            self._end("max_decisions", is_truncated=True)
            return Continue()
        skills = self._attempt(self._world.skills, self._observation)
        if skills is None:
            return Continue()  # the world broke, which ended the episode
        result = self._planner.decide(self._context(trigger, answer, skills))
        decision: Decision = await result if inspect.isawaitable(result) else result
        if not isinstance(decision, Act | Ask | Stop | Continue):
            raise EpisodeError(f"the planner answered {decision!r}; expected Act, Ask, Stop or Continue")
        self._note(decision, trigger)
        return decision

    def _context(self, trigger: Trigger, answer: str, skills: Sequence[Skill]) -> Context:
        return Context(
            trigger=trigger,
            task=self._task,
            observation=self._observation,
            skills=skills,
            recall=self._recall,
            rng=self._rng,
            scene=self._scene,
            budget=self._budget(),
            history=tuple(self._calls),
            answer=answer,
        )

    def _budget(self) -> Budget:
        limits = self._limits
        elapsed_s = time.monotonic() - self._started_s
        return Budget(
            steps=None if limits.max_steps is None else limits.max_steps - self._steps,
            calls=limits.max_calls - len(self._calls),
            recalls=self._recall.left,
            questions=limits.max_questions - self._n_questions,
            seconds=None if limits.max_seconds is None else limits.max_seconds - elapsed_s,
        )

    def _note(self, decision: Decision, trigger: Trigger) -> None:
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
                step=self._steps,
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
        return clean_text(self._answer(question, self._observation))

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
        elif self._running is None and not self._pending and not self._ended_by:
            raise EpisodeError(
                "the planner answered Continue but no plan is running; answer Act, Ask or Stop"
            )
        self._review_at = _after(self._steps, self._review_after)
        return self._advance()

    def _advance(self) -> Trigger:
        """Run the plan until the planner is to be asked again or the episode ends."""
        while not self._ended_by:
            if self._running is None and not self._pending:
                return Trigger.DONE
            if self._running is None and not self._start_next():
                return Trigger.FAILURE
            if self._running is None:
                continue  # a limit ended the episode
            step = self._attempt(self._running.execution.advance, self._observation)
            if self._ended_by:
                break
            if isinstance(step, SkillResult):
                self._finish_call(step)
                if not step.is_success:
                    self._pending.clear()
                    return Trigger.FAILURE
                continue
            self._attempt(self._step, step)
            if self._review_at is not None and self._steps >= self._review_at:
                return Trigger.STEP
        return Trigger.DONE

    def _start_next(self) -> bool:
        """Begin the next call; False if there is no such call."""
        if len(self._calls) >= self._limits.max_calls:
            self._end("max_calls", is_truncated=True)
            return True
        call = self._pending.popleft()
        if call.count > 1:
            self._pending.appendleft(dataclasses.replace(call, count=call.count - 1))
            call = dataclasses.replace(call, count=1)
        try:
            execution = self._world.start(call)
        except (UnknownName, InvalidRecord) as error:
            self._refuse(call, str(error))
            return False
        except Exception as error:  # the world broke
            self._fail(error)
            return True
        self._running = _RunningCall(call=call, execution=execution, first_step=self._steps)
        return True

    def _refuse(self, call: SkillCall, reason: str) -> None:
        self._n_invalid += 1
        self._pending.clear()
        result = SkillResult(status=SkillStatus.FAILURE, reason=clean_text(reason), obstacle="invalid")
        self._append_call(call, result, self._steps)
        if self._n_invalid > self._limits.max_invalid_calls:
            self._end("max_invalid_calls", is_truncated=True)

    def _finish_call(self, result: SkillResult) -> None:
        assert self._running is not None
        self._append_call(self._running.call, result, self._running.first_step)
        self._running = None

    def _stop_running_call(self) -> None:
        if self._running is None:
            return
        result = self._attempt(self._running.execution.cancel)
        if not self._ended_by and not isinstance(result, SkillResult):
            self._fail(EpisodeError(f"cancel() gave {result!r:.200}; expected a SkillResult"))
        if self._ended_by:
            result = SkillResult(
                status=SkillStatus.ENDED, reason=f"the episode was ended by {self._ended_by}"
            )
        self._finish_call(result)

    def _append_call(self, call: SkillCall, result: SkillResult, first_step: int) -> None:
        self._calls.append(
            CallRecord(
                call=call,
                result=result,
                first_step=first_step,
                last_step=self._steps,
                decision=len(self._decisions) - 1,
            )
        )

    def _step(self, action: Any) -> None:
        raw, reward, terminated, truncated, info = self._world.env.step(action)
        self._steps += 1
        self._info = info
        self._add_reward(reward)
        self._observation = self._world.observe(raw, info)
        if terminated or truncated:
            self._is_terminated = bool(terminated)
            self._end("environment", is_truncated=bool(truncated) and not terminated)
        elif self._limits.max_steps is not None and self._steps >= self._limits.max_steps:
            self._end("max_steps", is_truncated=True)
        elif self._out_of_time():
            self._end("max_seconds", is_truncated=True)

    def _out_of_time(self) -> bool:
        limit_s = self._limits.max_seconds
        return limit_s is not None and time.monotonic() - self._started_s >= limit_s

    def _add_reward(self, reward: Any) -> None:
        value = describe.reward_number(reward)
        if math.isfinite(value):
            self._reward += value
        elif self._bad_reward_step < 0:
            self._bad_reward_step = self._steps - 1

    def _end(self, ended_by: str, *, is_truncated: bool = False) -> None:
        if not self._ended_by:
            self._ended_by, self._is_truncated = ended_by, is_truncated

    def _attempt(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        """What the world answers; None where it raises, which ends the episode and is recorded as such."""
        try:
            return ask(*arguments)
        except Exception as error:  # whatever a simulator or its adapter raises
            self._fail(error)
            return None

    def _fail(self, error: Exception) -> None:
        trail = clean_text("".join(traceback.format_exception(error)))  # handlers choke on lone surrogates
        log.error("the world raised in step %d\n%s", self._steps, trail)
        if not self._ended_by:
            self._error = clean_text(f"{type(error).__name__}: {error}")[:2_000]
            self._end("error", is_truncated=True)

    # Writing down

    def _trace(self, seed: int | None, first: Observation) -> Trace:
        world = self._world
        goal_reached = self._attempt(world.goal_reached) if isinstance(world, HasGoalCheck) else None
        info = describe.small_json(self._info)
        if self._bad_reward_step >= 0:
            info["first_non_finite_reward_at_step"] = self._bad_reward_step
        return Trace(
            task=self._task,
            seed=seed,
            first_state=first.text,
            last_state=self._observation.text,
            calls=tuple(self._calls),
            decisions=tuple(self._decisions),
            steps=self._steps,
            reward=self._reward if self._bad_reward_step < 0 and math.isfinite(self._reward) else None,
            is_terminated=self._is_terminated,
            is_truncated=self._is_truncated,
            ended_by=self._ended_by,
            error=self._error,
            goal_reached=goal_reached,
            info=info,
        )


def _after(step: int, more: int | None) -> int | None:
    return None if more is None else step + more
