"""What a wrapper gathers while an episode runs."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from embodied_mem.errors import InvalidRecord
from embodied_mem.recording import describe
from embodied_mem.recording.outcomes import EpisodeSummary
from embodied_mem.recording.plan_log import ActionLog
from embodied_mem.records.experience import Task
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.queries import observation_vector
from embodied_mem.records.spaces import FieldVector, Space

MAX_VECTOR_NUMBERS = 4_096


@dataclass(slots=True, kw_only=True)  # not frozen: that makes each assignment a call, once an episode
class EpisodeStart:
    """What is known when an episode, or a span of one, begins.

    Attributes:
        task: What is asked for.
        attempt: Id of this attempt at this episode.
        episode: Its index, from 0, for this environment.
        first_step: The environment step at which the span begins.
        span: Index of the span within the episode.
        seed: The seed of the reset; None if it had none.
        observation: The first observation.
        state: The same in words.
        vectors: The same as a vector, where it is an array of numbers.
    """

    task: Task
    attempt: str
    episode: int
    seed: int | None
    observation: Any
    state: str
    vectors: tuple[FieldVector, ...]
    first_step: int = 0
    span: int = 0


class EpisodeLog:
    """Gathers one running episode in RAM; its methods are on the step path and never raise."""

    __slots__ = ("bad_rewards", "first_bad", "plan", "reward", "start", "steps")

    def __init__(self, start: EpisodeStart, plan: ActionLog) -> None:
        self.start = start
        self.plan = plan
        self.steps = 0
        self.reward = 0.0
        self.bad_rewards = 0
        self.first_bad = ""

    def act(self, action: Any) -> None:
        """Note the action that is about to be taken."""
        self.plan.add(action)

    def result(self, reward: Any) -> None:
        """Note that the environment took the step."""
        number = describe.reward_number(reward)
        if math.isfinite(number):
            self.reward += number
        else:
            self.bad_rewards += 1
            step = self.start.first_step + self.steps
            self.first_bad = self.first_bad or f"{describe.glimpse(reward, 40)} at step {step}"
        self.steps += 1

    def take_in(self, actions: Sequence[Any], rewards: Sequence[Any]) -> None:
        """Note many steps at once; the last of the actions may have no result."""
        self.plan.extend(actions)
        total = _sum_after(self.reward, rewards)
        if math.isfinite(total):
            self.reward = total
            self.steps += len(rewards)
        else:
            for reward in rewards:
                self.result(reward)

    @property
    def total_reward(self) -> float | None:
        """Sum of rewards; None if one was not finite, or if their sum is not."""
        return self.reward if not self.bad_rewards and math.isfinite(self.reward) else None

    @property
    def explanation(self) -> str:
        """What was wrong with the rewards; empty if nothing."""
        if not self.bad_rewards:
            return ""
        return f"reward was {self.first_bad}; {self.bad_rewards} of {self.steps} rewards were not finite"

    def summary(self, ending: "Ending") -> EpisodeSummary:
        """The episode as an outcome rule sees it."""
        return EpisodeSummary(
            task=self.start.task,
            first_state=self.start.state,
            last_state=describe.observation_text(ending.observation),
            first_observation=self.start.observation,
            last_observation=ending.observation,
            info=ending.info,
            reward=self.total_reward,
            steps=self.steps,
            terminated=ending.terminated,
            truncated=ending.truncated,
        )

    def next_span(self, observation: Any) -> EpisodeStart:
        """The beginning of the span after this one, in the same episode."""
        return replace(
            self.start,
            observation=observation,
            state=describe.observation_text(observation),
            vectors=first_vectors(observation),
            first_step=self.start.first_step + self.steps,
            span=self.start.span + 1,
        )

    def metadata(self, ending: "Ending") -> JsonObject:
        """What is kept beside the plan; asked for after the plan's calls, which count what they leave out."""
        result: JsonObject = {"terminated": ending.terminated, "truncated": ending.truncated}
        if self.start.seed is not None:
            result["seed"] = self.start.seed
        if ending.is_cut or self.start.span:
            result["span"] = self.start.span
        if self.bad_rewards:
            result["bad_rewards"] = self.bad_rewards
        info = describe.small_json(ending.info)
        return {**result, **({"info": info} if info else {}), **self.plan.metadata()}


@dataclass(slots=True, kw_only=True)  # not frozen, as above
class Ending:
    """How an episode, or a span of one, came to an end.

    Attributes:
        observation: The last observation.
        info: The last `info`.
        terminated: Whether the environment said that the episode is over.
        truncated: Whether a limit of the environment ended it.
        is_cut: Whether only the record was cut and the episode goes on.
        error: What the environment raised, if it did.
    """

    observation: Any
    info: Mapping[str, Any]
    terminated: bool = False
    truncated: bool = False
    is_cut: bool = False
    error: Exception | None = None

    @property
    def is_over(self) -> bool:
        """Whether the environment ended the episode."""
        return self.terminated or self.truncated


def _sum_after(total: float, rewards: Sequence[Any]) -> float:
    """The total with the rewards added one after the other; NaN where one has to be looked at by itself.

    One after the other, as `EpisodeLog.result` adds them: a pairwise sum would differ in the last digit.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.add.accumulate(array("d", (total, *rewards)))[-1])
    except Exception:  # an environment's own type may raise anything
        return math.nan


def first_vectors(observation: Any) -> tuple[FieldVector, ...]:
    """The observation as a vector, if it is an array of at most 4,096 finite numbers."""
    is_numeric = isinstance(observation, np.ndarray) and observation.dtype.kind in "biuf"
    if not is_numeric or not 1 <= observation.size <= MAX_VECTOR_NUMBERS:
        return ()
    field, space = _field_of(observation.shape)
    try:
        return (FieldVector(field=field, space=space, values=observation.reshape(-1)),)
    except InvalidRecord:  # not finite, also once in float32
        return ()


@lru_cache(maxsize=64)
def _field_of(shape: tuple[int, ...]) -> tuple[str, Space]:
    """Field and space of observations of a shape, the same objects for every episode."""
    vector = observation_vector(np.zeros(shape))
    return vector.field, vector.space
