"""Data that a wrapper collects during an episode."""

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


@dataclass(slots=True, kw_only=True)  # not frozen: a frozen one makes a call per assignment
class EpisodeStart:
    """Start of an episode, or of a span of one.

    Attributes:
        task: The task.
        attempt: Id of this attempt at this episode.
        episode: Index of the episode in this environment, from 0.
        first_step: Environment step at the start of the span.
        span: Index of the span within the episode.
        seed: Seed of the reset; None if not given.
        observation: The first observation.
        state: The first observation in words.
        vectors: The first observation as a vector, if it is an array of numbers.
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
    """Collects one running episode in RAM; its methods run at every step and never raise."""

    __slots__ = ("bad_rewards", "first_bad", "plan", "reward", "start", "steps")

    def __init__(self, start: EpisodeStart, plan: ActionLog) -> None:
        self.start = start
        self.plan = plan
        self.steps = 0
        self.reward = 0.0
        self.bad_rewards = 0
        self.first_bad = ""

    def act(self, action: Any) -> None:
        """Add the action of the coming step."""
        self.plan.add(action)

    def result(self, reward: Any) -> None:
        """Add the reward of a completed step."""
        number = describe.reward_number(reward)
        if math.isfinite(number):
            self.reward += number
        else:
            self.bad_rewards += 1
            step = self.start.first_step + self.steps
            self.first_bad = self.first_bad or f"{describe.glimpse(reward, 40)} at step {step}"
        self.steps += 1

    def add_steps(self, actions: Sequence[Any], rewards: Sequence[Any]) -> None:
        """Add many steps at once; the last action may lack its reward."""
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
        """Sum of rewards; None if a reward or the sum is not finite."""
        return self.reward if not self.bad_rewards and math.isfinite(self.reward) else None

    @property
    def explanation(self) -> str:
        """The first bad reward and the number of bad rewards, in words; empty if there are none."""
        if not self.bad_rewards:
            return ""
        return f"reward was {self.first_bad}; {self.bad_rewards} of {self.steps} rewards were not finite"

    def summary(self, ending: "Ending") -> EpisodeSummary:
        """Return the episode as the input of an outcome rule."""
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
        """Return the start of the next span of this episode."""
        return replace(
            self.start,
            observation=observation,
            state=describe.observation_text(observation),
            vectors=first_vectors(observation),
            first_step=self.start.first_step + self.steps,
            span=self.start.span + 1,
        )

    def metadata(self, ending: "Ending") -> JsonObject:
        """Return the metadata; call it after `plan.calls()`, which updates the counts of omitted calls."""
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
    """End of an episode, or of a span of one.

    Attributes:
        observation: The last observation.
        info: The last `info`.
        terminated: Whether the environment terminated the episode.
        truncated: Whether a limit of the environment ended it.
        is_cut: Whether only the record ends and the episode continues.
        error: The exception that the environment raised, or None.
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
    """Return the total plus the rewards; NaN if they must be added one by one (a reward is not a number).

    Summed in order, as `EpisodeLog.result` does: a pairwise sum would differ in the last digit.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.add.accumulate(array("d", (total, *rewards)))[-1])
    except Exception:  # a custom reward type may raise anything
        return math.nan


def first_vectors(observation: Any) -> tuple[FieldVector, ...]:
    """Return the observation as a vector if it is an array of at most 4,096 finite numbers; else empty."""
    is_numeric = isinstance(observation, np.ndarray) and observation.dtype.kind in "biuf"
    if not is_numeric or not 1 <= observation.size <= MAX_VECTOR_NUMBERS:
        return ()
    field, space = _field_of(observation.shape)
    try:
        return (FieldVector(field=field, space=space, values=observation.reshape(-1)),)
    except InvalidRecord:  # not finite, possibly only in float32
        return ()


@lru_cache(maxsize=64)
def _field_of(shape: tuple[int, ...]) -> tuple[str, Space]:
    """Return the cached field and space of observations of a shape."""
    vector = observation_vector(np.zeros(shape))
    return vector.field, vector.space
