"""Data that a wrapper collects during an episode."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np

from embodied_mem.recording import describe
from embodied_mem.recording.dimension_names import Parts
from embodied_mem.recording.outcomes import EpisodeSummary
from embodied_mem.recording.plan_log import ActionLog
from embodied_mem.records.experience import Task
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.observation_keys import observation_keys
from embodied_mem.records.spaces import FieldVector

MAX_SEED_BITS = 1_024  # written out in 309 digits; a longer seed is named by its length and hash
MAX_SEED_CHARS = 400


@dataclass(slots=True, kw_only=True)  # not frozen: a frozen one makes a call per assignment
class EpisodeStart:
    """Start of an episode, or of a span of one.

    Attributes:
        task: The task.
        attempt: Id of this attempt at this episode.
        episode: Index of the episode in this environment, from 0.
        first_step: Environment step at the start of the span.
        span: Index of the span within the episode.
        seed: Seed of the reset, as text if it is longer than 64 bits; None if not given.
        observation: The first observation.
        state: The first observation in words.
        vectors: The keys of the first observation.
        parts: Names of the numbers of an observation.
    """

    task: Task
    attempt: str
    episode: int
    seed: int | str | None
    observation: Any
    state: str
    vectors: tuple[FieldVector, ...]
    parts: Parts = ()
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
            last_state=describe.observation_text(ending.observation, self.start.parts),
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
            state=describe.observation_text(observation, self.start.parts),
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
    """Return the vectors by which an observation is found again; what cannot be compared has none."""
    try:
        return observation_keys(observation).vectors
    except Exception:  # reading a simulator's object may raise anything
        return ()


def plain_seed(seed: Any) -> int | str | None:
    """Return a seed as an integer of at most 64 bits, else as text.

    Gymnasium takes integers of any length, and other environments anything.
    """
    if seed is None:
        return None
    if not isinstance(seed, int | np.integer):
        return describe.glimpse(seed, MAX_SEED_CHARS)
    number = int(seed)
    if -(2**63) <= number < 2**63:
        return number
    if number.bit_length() <= MAX_SEED_BITS:
        return str(number)
    digest = blake2b(f"{number:x}".encode(), digest_size=16).hexdigest()
    return f"{number.bit_length()} bits with blake2b {digest}"
