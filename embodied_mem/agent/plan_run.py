"""Carries out plans in a world: starts calls, steps the environment, and records what came of each call."""

import dataclasses
from collections import deque
from collections.abc import Callable, Sequence

from embodied_mem.agent.world_session import WorldSession
from embodied_mem.contracts import Execution, HasStopAction
from embodied_mem.errors import EpisodeError, InvalidRecord, UnknownName
from embodied_mem.records.decisions import CallRecord, Trigger
from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import clean_text
from embodied_mem.records.limits import Limits
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.skills import SkillResult, SkillStatus


@dataclasses.dataclass(slots=True)
class _Start:
    """The moment a call started at."""

    call: SkillCall
    step: int
    before: ObservationRecord
    reward_before: float | None


class PlanRun:
    """The plans of one episode.

    Args:
        session: The world's side of the episode.
        limits: Limits of the episode.
        start: Starts a call; raises `UnknownName` or `InvalidRecord` if the call is invalid.
        on_call: Called with each finished call.

    Attributes:
        calls: Every finished call, oldest first.
    """

    def __init__(
        self,
        session: WorldSession,
        limits: Limits,
        start: Callable[[SkillCall], Execution],
        on_call: Callable[[CallRecord], None],
    ) -> None:
        self.calls: list[CallRecord] = []
        self._session, self._limits, self._start, self._on_call = session, limits, start, on_call
        self._pending: deque[SkillCall] = deque()
        self._running: tuple[_Start, Execution] | None = None
        self._decision = 0
        self._review_after: int | None = None
        self._review_at: int | None = None
        self._n_invalid = 0

    @property
    def is_idle(self) -> bool:
        """Whether no call runs or waits."""
        return self._running is None and not self._pending

    def replace(self, plan: Sequence[SkillCall], *, review_after: int | None, decision: int) -> None:
        """Cancel the running call and take this plan, made by the decision of this index."""
        self.stop()
        self._decision = decision
        self._pending = deque(plan)
        self._review_after = review_after

    def advance(self) -> Trigger:
        """Run the plan until the next decision is due or the episode ends."""
        self._review_at = None if self._review_after is None else self._session.steps + self._review_after
        while not self._session.ended_by:
            if self.is_idle:
                return Trigger.DONE
            if self._running is None and not self._start_next():
                return Trigger.FAILURE
            if self._running is None:
                continue  # a limit ended the episode
            step = self._session.attempt(self._running[1].advance, self._session.observation)
            if self._session.ended_by:
                break
            if isinstance(step, SkillResult):
                self._finish(step)
                if not step.is_success:
                    self._pending.clear()
                    return Trigger.FAILURE
                continue
            self._session.attempt(self._session.step, step)
            if self._review_at is not None and self._session.steps >= self._review_at:
                return Trigger.STEP
        return Trigger.DONE

    def stop(self) -> None:
        """Cancel the running call, if there is one, and take its stop action, if it has one."""
        if self._running is None:
            return
        _, execution = self._running
        result = self._session.attempt(execution.cancel)
        if not self._session.ended_by and not isinstance(result, SkillResult):
            self._session.fail(EpisodeError(f"cancel() gave {result!r:.200}; expected a SkillResult"))
        if self._session.ended_by:
            result = SkillResult(
                status=SkillStatus.ENDED, reason=f"the episode was ended by {self._session.ended_by}"
            )
        if self._session.can_step and isinstance(execution, HasStopAction):
            self._session.attempt(lambda: self._session.step(execution.stop_action()))
        self._finish(result)

    def _start_next(self) -> bool:
        """Start the next call; return False if the call is invalid."""
        if len(self.calls) >= self._limits.max_calls:
            self._session.end("max_calls", is_truncated=True)
            return True
        call = self._next_call()
        try:
            execution = self._start(call)
        except (UnknownName, InvalidRecord) as error:
            self._reject(call, str(error))
            return False
        except Exception as error:  # raised by the world
            self._session.fail(error)
            return True
        self._running = self._start_of(call), execution
        return True

    def _start_of(self, call: SkillCall) -> _Start:
        now = self._session
        return _Start(call, now.steps, now.perceived, now.reward)

    def _next_call(self) -> SkillCall:
        call = self._pending.popleft()
        if call.count > 1:
            self._pending.appendleft(dataclasses.replace(call, count=call.count - 1))
            call = dataclasses.replace(call, count=1)
        return call

    def _reject(self, call: SkillCall, reason: str) -> None:
        self._n_invalid += 1
        self._pending.clear()
        result = SkillResult(status=SkillStatus.FAILURE, reason=clean_text(reason), obstacle="invalid")
        self._append(self._start_of(call), result)
        if self._n_invalid > self._limits.max_invalid_calls:
            self._session.end("max_invalid_calls", is_truncated=True)

    def _finish(self, result: SkillResult) -> None:
        assert self._running is not None
        (start, _), self._running = self._running, None
        self._append(start, result)

    def _append(self, start: _Start, result: SkillResult) -> None:
        record = CallRecord(
            call=start.call,
            result=result,
            first_step=start.step,
            last_step=self._session.steps,
            decision=self._decision,
            before=start.before,
            after=self._session.perceived,
            reward=self._session.reward_since(start.reward_before),
        )
        self.calls.append(record)
        self._on_call(record)
