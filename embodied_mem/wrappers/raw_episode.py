"""An episode as it was stepped, described by nobody yet: what is handed from one process to another."""

import math
import operator
import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from embodied_mem import describe
from embodied_mem.json_values import JsonObject
from embodied_mem.records import SkillCall, Task
from embodied_mem.spaces import FieldVector
from embodied_mem.wrappers.episode_log import (
    ActionLog,
    Ending,
    EpisodeLog,
    EpisodeStart,
    MakePlan,
    sum_after,
)

MAX_WAITING = (
    1_000_000  # steps of one episode; beyond, its plan is shortened and its rewards added up at once
)
NO_TASK = Task("")


@dataclass(slots=True, kw_only=True)
class RawStart(EpisodeStart):
    """The start of an episode whose task, state and vectors are left for later.

    Attributes:
        info: The first `info`.
        options: Of the reset.
    """

    task: Task = NO_TASK
    attempt: str = ""
    state: str = ""
    vectors: tuple[FieldVector, ...] = ()
    info: Mapping[str, Any]
    options: Mapping[str, Any] | None


class RawActions:
    """The actions of a running episode as they are; a plan where one of them is no number below 256.

    Args:
        make_plan: Makes the plan.
    """

    __slots__ = ("_actions", "_make_plan", "_plan")

    takes_numbers = True

    def __init__(self, make_plan: MakePlan) -> None:
        self._make_plan = make_plan
        self._plan: ActionLog | None = None
        self._actions: list[Any] = []

    def add(self, action: Any) -> None:
        """Note one action; never raises, whatever the agent sent."""
        if self._plan is None:
            try:
                self._actions.append(operator.index(action))
                return
            except Exception:  # what it is, is the plan's business
                pass
        self.plan.add(action)

    def extend(self, actions: Sequence[Any]) -> None:
        """Note many actions that cannot change any more."""
        if self._plan is None and len(self._actions) < MAX_WAITING:
            self._actions = _joined(self._actions, actions)
        else:
            self.plan.extend(actions)

    @property
    def plan(self) -> ActionLog:
        """The same as a plan, which takes over from here."""
        if self._plan is None:
            self._plan = self._make_plan()
            self._plan.extend(self._actions)
            self._actions = []
        return self._plan

    @property
    def codes(self) -> bytes | None:
        """All actions as bytes; None where they are a plan."""
        try:
            return bytes(bytearray(self._actions)) if self._plan is None else None  # faster than `bytes`
        except Exception:
            return None

    def calls(self) -> tuple[SkillCall, ...]:
        """The plan so far."""
        return self.plan.calls()

    def metadata(self) -> JsonObject:
        """What the plan left out."""
        return self.plan.metadata()


@dataclass(frozen=True, slots=True)
class MadePlan:
    """A plan that was made by the process that stepped.

    Attributes:
        made: Its calls.
        said: What it left out.
    """

    made: tuple[SkillCall, ...]
    said: JsonObject
    takes_numbers = False

    def add(self, action: Any) -> None:
        """Nothing is stepped any more."""

    def extend(self, actions: Sequence[Any]) -> None:
        """Nothing is stepped any more."""

    def calls(self) -> tuple[SkillCall, ...]:
        """The plan."""
        return self.made

    def metadata(self) -> JsonObject:
        """What it left out."""
        return self.said


class RawLog(EpisodeLog):
    """Gathers an episode whose rewards are added up later."""

    __slots__ = ("_rewards",)

    def __init__(self, start: EpisodeStart, plan: ActionLog) -> None:
        super().__init__(start, plan)
        self._rewards: list[Any] = []

    def result(self, reward: Any) -> None:
        """Note that the environment took the step."""
        number = describe.reward_number(reward)
        if math.isfinite(number):
            self._rewards.append(number)
            self.steps += 1
        else:
            self._add_up()
            super().result(reward)

    def take_in(self, actions: Sequence[Any], rewards: Sequence[Any]) -> None:
        """Note many steps at once, whose values cannot change any more."""
        self.plan.extend(actions)
        self._rewards = _joined(self._rewards, rewards)
        self.steps += len(rewards)
        if len(self._rewards) > MAX_WAITING:
            self._add_up()

    def figures(self) -> tuple[tuple[int, float, int, str], tuple[bytes, int]]:
        """Steps, sum of rewards, faults and the first of them; then the rewards to be added and how often.

        Most environments give the same one at each step.
        """
        rewards = self._rewards
        try:  # as array("d") would have them, in a third of the time
            is_same = len(rewards) > 1 and rewards.count(rewards[0]) == len(rewards)
            once = rewards[:1] if is_same else rewards
            waiting = struct.pack(f"{len(once)}d", *once), len(rewards) if is_same else 1
        except Exception:  # an environment's own type may raise anything
            self._add_up()
            waiting = b"", 1
        steps = self.steps - len(self._rewards)
        return (steps, self.reward, self.bad_rewards, self.first_bad), waiting

    def _add_up(self) -> None:
        """Do now what was left for later."""
        waiting, self._rewards = self._rewards, []
        self.steps -= len(waiting)
        total = sum_after(self.reward, waiting)
        if math.isfinite(total):
            self.reward = total
            self.steps += len(waiting)
        else:
            for reward in waiting:
                super().result(reward)


def _joined(before: list[Any], after: Sequence[Any]) -> list[Any]:
    """Both, one after the other; where there is nothing before, the list itself and no copy of it."""
    if not before and type(after) is list:
        return after
    before += after
    return before


Parts: TypeAlias = tuple[Any, ...]


class Ended(NamedTuple):
    """An episode that waits to be sent.

    Attributes:
        log: What was gathered.
        ending: How it ended.
        observation: The last one, which the environment may write over.
        info: The last one.
        happened_at_s: When, in seconds since the Unix epoch.
        metadata: Kept with the experience.
    """

    log: RawLog
    ending: Ending
    observation: Any
    info: Mapping[str, Any]
    happened_at_s: float
    metadata: Mapping[str, Any]


def packed(ended: Ended) -> Parts:
    """All from which an experience is made as plain tuples, which are sent three times as fast as records."""
    log, ending, observation, info, happened_at_s, metadata = ended
    start, error = log.start, ending.error
    assert isinstance(start, RawStart)
    codes = log.plan.codes if isinstance(log.plan, RawActions) else None
    return (
        (_flat(start.observation), start.episode, start.seed, start.options, start.first_step, start.span),
        (_flat(observation), ending.terminated, ending.truncated, ending.is_cut),
        (start.info, info),
        (log.plan.calls(), log.plan.metadata()) if codes is None else codes,
        *log.figures(),
        None if error is None else (type(error).__name__, describe.glimpse(error, 1_000)),
        happened_at_s,
        metadata,
    )


def _flat(observation: Any) -> tuple[Any, ...]:
    """An observation; of an array its bytes, which are sent in a quarter of the time."""
    if type(observation) is np.ndarray and observation.dtype.kind in "biuf":
        return observation.tobytes(), observation.dtype.str, observation.shape
    return (observation,)


def _unflat(sent: Any, form: str = "", shape: tuple[int, ...] = ()) -> Any:
    """The observation again."""
    return np.ndarray(shape, form, bytearray(sent)) if form else sent


def without_infos(parts: Parts) -> Parts:
    """The same with no more of the infos than is short JSON."""
    return (*parts[:2], tuple(map(describe.small_json, parts[2])), *parts[3:])


@dataclass(slots=True)  # not frozen, as in `episode_log`
class Unpacked:
    """What was packed.

    Attributes:
        start: How the episode began.
        ending: How it ended; its error says the same as the environment's.
        plan: Its actions, as bytes where each is a number below 256.
        figures: Steps, rewards and faults that were added up already.
        rewards: Those that were not.
        happened_at_s: When, in seconds since the Unix epoch.
        metadata: Kept with the experience.
    """

    start: RawStart
    ending: Ending
    plan: bytes | MadePlan
    figures: tuple[int, float, int, str]
    rewards: "array[float]"
    happened_at_s: float
    metadata: Mapping[str, Any]

    @classmethod
    def of(cls, parts: Parts) -> "Unpacked":
        """From the tuple that was sent."""
        start, ending, (first_info, last_info), plan, figures, rewards, error, happened_at_s, metadata = parts
        first, episode, seed, options, first_step, span = start
        observation, terminated, truncated, is_cut = ending
        return cls(
            start=RawStart(
                info=first_info,
                observation=_unflat(*first),
                episode=episode,
                seed=seed,
                options=options,
                first_step=first_step,
                span=span,
            ),
            ending=Ending(
                observation=_unflat(*observation),
                info=last_info,
                terminated=terminated,
                truncated=truncated,
                is_cut=is_cut,
                # Of the same name, for the message: the environment's own class may not be known here.
                error=None if error is None else type(error[0], (Exception,), {})(error[1]),
            ),
            plan=plan if isinstance(plan, bytes) else MadePlan(*plan),
            figures=figures,
            rewards=array("d", rewards[0]) * rewards[1],
            happened_at_s=happened_at_s,
            metadata=metadata,
        )

    def fill(self, log: EpisodeLog) -> None:
        """Let a log that is still empty hold the episode."""
        if isinstance(self.plan, MadePlan):
            log.plan = self.plan
        log.steps, log.reward, log.bad_rewards, log.first_bad = self.figures
        log.take_in(self.plan if isinstance(self.plan, bytes) else (), self.rewards)
