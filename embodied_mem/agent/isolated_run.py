"""`IsolatedRun`: an episode that is played in a process of its own and ended from here if it hangs."""

import asyncio
import dataclasses
import inspect
import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from embodied_mem.agent.answers import Answers, expect, run_awaitable
from embodied_mem.agent.episode_process import EpisodeProcess
from embodied_mem.agent.episode_recall import as_recollection
from embodied_mem.agent.episode_run import Setup
from embodied_mem.contracts import HasHorizon, KeepsImages
from embodied_mem.errors import EpisodeError, InvalidQuery
from embodied_mem.isolation.json_process import ProcessEnded
from embodied_mem.isolation.recipe import Recipe
from embodied_mem.records.decisions import CallRecord
from embodied_mem.records.episodes import DecisionRecord, Reflection, Trace
from embodied_mem.records.experience import Outcome, Task
from embodied_mem.records.json_values import JsonObject, clean_text, error_text, to_json_object
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.queries import Query
from embodied_mem.records.record_json import record_from_json, record_to_json
from embodied_mem.records.skills import Observation

logger = logging.getLogger(__name__)

T = TypeVar("T")

START_LIMIT_S = 300.0  # for imports and for making a world and a planner, such as starting a simulator
GRACE_S = 1.0  # beyond max_seconds, in which the episode ends by itself if it can
TICK_S = 0.05  # how often limits are checked while nothing arrives


@dataclass(slots=True)
class _SoFar:
    """What the process has told of its episode."""

    task: Task | None = None
    first: ObservationRecord = field(default_factory=ObservationRecord)
    calls: list[CallRecord] = field(default_factory=list)
    decisions: list[DecisionRecord] = field(default_factory=list)

    @property
    def last(self) -> ObservationRecord:
        return self.calls[-1].after if self.calls else self.first


class IsolatedRun:
    """Plays one episode in an `EpisodeProcess`; the same from outside as an `EpisodeRun`.

    Args:
        world: How to make the world.
        planner: How to make the planner.
        policies: How to make the policies.
        setup: The agent's settings; its planner and policies are not used.
        answers: Waits for asynchronous answers.
        process: Where to play.
        episode: Id of the episode.

    Attributes:
        raised: The exception to raise after the episode was recorded.
        first: The images of the first observation, if memory keeps images or the judge looks at them.
        last: The images of the last one.
        description: What the planner says of itself.
    """

    def __init__(
        self,
        world: Recipe,
        planner: Recipe,
        policies: Sequence[Recipe],
        setup: Setup,
        *,
        answers: Answers,
        process: EpisodeProcess,
        episode: str,
    ) -> None:
        self.raised: BaseException | None = None
        self.first = self.last = Observation(text="")
        self.description: JsonObject = {"name": planner.factory}
        self._recipes = {"world": world, "planner": planner}
        self._policies = policies
        self._setup, self._answers, self._process, self._episode = setup, answers, process, episode
        self._so_far = _SoFar()
        self._part_error: Exception | None = None
        self._end: Mapping[str, Any] | None = None
        self._seed: int | None = None
        self._began_s = time.monotonic()
        self._is_playing = False

    async def play(self, *, seed: int | None, options: Mapping[str, Any] | None) -> Trace:
        """Play until the episode ends, by itself or by a limit.

        Raises:
            EpisodeError: The world or the planner could not be made.
            InvalidRecord: The options are not JSON.
        """
        self._seed = seed
        return await self._of_process(self._play, options)

    async def reflect(self, outcome: Outcome) -> Reflection:
        """Return what the planner learnt from the episode; nothing if its process is gone.

        Raises:
            EpisodeError: The planner raised, or took longer than `max_seconds`.
        """
        return await self._of_process(self._reflect, outcome)

    async def _of_process(self, ask: Callable[[Any], T], argument: Any) -> T:
        """Return an answer of the process, which is ended if there is none: what it does is then unknown."""
        try:
            return await self._answers.call(ask, argument, cancel=self._cancel)
        except BaseException:
            self._process.close()
            raise

    def _cancel(self) -> None:
        self.raised = asyncio.CancelledError()

    def _play(self, options: Mapping[str, Any] | None) -> Trace:
        self._began_s = time.monotonic()
        try:
            self._running = self._process.running()
            self._running.send(self._order(options))
            while self._end is None:
                for message in self._running.receive(TICK_S):
                    self._take(message)
                ended_by = self._limit_exceeded() if self._end is None else ""
                if ended_by:
                    logger.error("the episode is ended by %s: its process is killed", ended_by)
                    return self._cut_short(ended_by)
            return self._whole(self._end)
        except ProcessEnded as ended:
            activity, _, _ = self._process.heartbeat.read()
            ended_by = "reset_error" if activity == "reset" or not self._so_far.task else "error"
            return self._cut_short(ended_by, error=_how(ended))
        except (KeyboardInterrupt, SystemExit) as error:
            self.raised = error
            return self._cut_short("cancelled")

    def _reflect(self, outcome: Outcome) -> Reflection:
        if self._end is None:
            return Reflection()
        self._began_s = time.monotonic()
        try:
            self._running.send({"do": "reflect", "outcome": record_to_json(outcome)})
            while not (ended_by := self._limit_exceeded()):
                for message in self._running.receive(TICK_S):
                    if message["event"] == "failed":
                        raise EpisodeError(f"the planner could not reflect: {message['message']}")
                    return record_from_json(Reflection, message["reflection"])
        except ProcessEnded as ended:
            raise EpisodeError(f"the planner could not reflect: {_how(ended)}") from None
        raise self.raised or EpisodeError(f"the planner's reflection took longer than limits.{ended_by}")

    def _order(self, options: Mapping[str, Any] | None) -> dict[str, Any]:
        setup, memory = self._setup, self._setup.memory
        return {
            "do": "play",
            **{name: record_to_json(recipe) for name, recipe in self._recipes.items()},
            "policies": [record_to_json(recipe) for recipe in self._policies],
            "limits": dataclasses.asdict(setup.limits),
            "seed": self._seed,
            "options": None if options is None else to_json_object(options, field="options"),
            "episode": self._episode,
            "guard_leakage": setup.guard_leakage,
            "has_memory": memory is not None,
            "horizon": memory.horizon() if isinstance(memory, HasHorizon) else None,
            "has_answer": setup.answer is not None,
            "wants_images": isinstance(memory, KeepsImages) or self._setup.wants_images,
            "is_quiet": self._process.is_quiet,
            "heartbeat": str(self._process.heartbeat.path),
        }

    def _take(self, message: dict[str, Any]) -> None:
        match message["event"]:
            case "playing":
                self.description, self._is_playing = message["planner"], True
                self._process.heartbeat.unlink()  # both sides have it open
                self._began_s = time.monotonic()
            case "begun":
                self._so_far.task = record_from_json(Task, message["task"])
                self._so_far.first = record_from_json(ObservationRecord, message["first"])
            case "decided":
                self._so_far.decisions.append(record_from_json(DecisionRecord, message["record"]))
            case "called":
                self._so_far.calls.append(record_from_json(CallRecord, message["record"]))
            case "recall":
                self._running.send(self._recall(record_from_json(Query, message["query"])))
            case "ask":
                self._running.send(self._answer(message))
            case "ended":
                self._end = message
            case "failed":
                raise EpisodeError(f"the episode could not be played: {message['message']}")

    def _recall(self, query: Query) -> dict[str, Any]:
        assert self._setup.memory is not None
        try:
            found: Any = self._setup.memory.recall(query)
            found = as_recollection(run_awaitable(found) if inspect.isawaitable(found) else found)
        except InvalidQuery as error:
            return {"refused": str(error)}
        except Exception as error:
            return self._noted(error)
        return {
            "hits": [record_to_json(hit) for hit in found],
            "n_candidates": found.n_candidates,
            "is_exact": found.is_exact,
        }

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._setup.answer is not None
        try:
            answer: Any = self._setup.answer(message["question"], Observation(text=message["seen"]))
            answer = run_awaitable(answer) if inspect.isawaitable(answer) else answer
            return {"answer": expect(str, answer, said_by="Agent.answer")}
        except Exception as error:
            return self._noted(error)

    def _noted(self, error: Exception) -> dict[str, Any]:
        self._part_error = error  # raised again once the episode is recorded, if it ended by it
        return {"error": error_text(error)}

    def _limit_exceeded(self) -> str:
        """Return the limit that the process is beyond, or "cancelled"; empty if it may go on."""
        limits, spent_s = self._setup.limits, time.monotonic() - self._began_s
        if self.raised is not None:
            return "cancelled"
        if not self._is_playing:
            return "start_seconds" if spent_s > START_LIMIT_S else ""
        _, since_s, _ = self._process.heartbeat.read()
        if limits.max_step_seconds is not None and since_s > limits.max_step_seconds:
            return "max_step_seconds"
        if limits.max_seconds is not None and spent_s > limits.max_seconds + GRACE_S:
            return "max_seconds"
        return ""

    def _whole(self, end: Mapping[str, Any]) -> Trace:
        self.first = Observation(text="", images=_images(end.get("first_images")))
        self.last = Observation(text="", images=_images(end.get("last_images")))
        trace = end["trace"]
        if trace["ended_by"] in ("memory_error", "answer_error"):
            self.raised = self._part_error
        return Trace(
            task=self._task(),
            first=self._so_far.first,
            last=record_from_json(ObservationRecord, trace.pop("last")),
            calls=tuple(self._so_far.calls),
            decisions=tuple(self._so_far.decisions),
            **trace,
        )

    def _cut_short(self, ended_by: str, *, error: str = "") -> Trace:
        """Kill the process, and return the trace of what it told."""
        _, _, n_steps = self._process.heartbeat.read()
        self._process.close()
        self._end = None
        so_far = self._so_far
        return Trace(
            task=self._task(),
            seed=self._seed,
            first=so_far.first,
            last=so_far.last,
            calls=tuple(so_far.calls),
            decisions=tuple(so_far.decisions),
            steps=n_steps if so_far.task else 0,
            reward=None,  # of the steps since the last call nothing is known
            is_terminated=False,
            is_truncated=True,
            ended_by=ended_by,
            error=clean_text(error),
            n_recalls=sum(bool(decision.recalled) for decision in so_far.decisions),
        )

    def _task(self) -> Task:
        world = self._recipes["world"]
        return self._so_far.task or Task("", kind=str(world.options.get("name", world.factory)))


def _images(said: Mapping[str, Any] | None) -> dict[str, Any]:
    if not said:
        return {}
    return {name: record_from_json(np.ndarray, image) for name, image in said.items()}


def _how(ended: ProcessEnded) -> str:
    if ended.status >= 0:
        return f"the process of the episode ended with exit status {ended.status}"
    return f"the process of the episode was ended by {signal.Signals(-ended.status).name}"
