"""Outcome of a recorded episode: by a user's function, a reward rule or the environment, or unverified."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from embodied_mem.records.arrays import as_array
from embodied_mem.records.experience import Outcome, Status, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeSummary:
    """Input of an outcome rule.

    Attributes:
        task: The task.
        first_state: The first observation, in words.
        last_state: The last observation, in words.
        first_observation: The environment's first observation.
        last_observation: The environment's last observation.
        info: The last `info`.
        reward: Sum of rewards; None if one was not finite.
        steps: Environment steps taken.
        terminated: Whether the environment terminated the episode.
        truncated: Whether a limit of the environment ended it.
    """

    task: Task
    first_state: str
    last_state: str
    first_observation: Any  # an environment's observation may be of any type
    last_observation: Any
    info: Mapping[str, Any]
    reward: float | None
    steps: int
    terminated: bool
    truncated: bool


OutcomeRule: TypeAlias = Callable[[EpisodeSummary], Outcome | Status | str | None]


@dataclass(frozen=True, slots=True)
class RewardRule:
    """Success if the episode's reward exceeds a threshold, failure if it terminated without.

    An episode truncated below the threshold is `truncated`; one without a finite reward is `unverified`.

    Attributes:
        threshold: The reward to exceed.
        or_equal: Whether reaching the threshold is enough.
    """

    threshold: float = 0.0
    or_equal: bool = False

    def __call__(self, summary: EpisodeSummary) -> Status | None:
        """Return the status, or None if the episode was truncated below the threshold."""
        if summary.reward is None:
            return Status.UNVERIFIED
        if summary.reward > self.threshold or (self.or_equal and summary.reward == self.threshold):
            return Status.SUCCESS
        return Status.FAILURE if summary.terminated else None


SUCCESS_KEYS = ("success", "is_success")


def success_in_info(summary: EpisodeSummary) -> Status | None:
    """The default rule: what the last `info` says under `success` or `is_success`, a truth value or 0 or 1.

    Without success an episode that terminated is a failure. None, so that nothing changes, if it was
    truncated or if the environment says nothing.
    """
    for key in SUCCESS_KEYS:
        is_success = _truth_of(summary.info, key)
        if is_success is not None:
            return Status.SUCCESS if is_success else Status.FAILURE if summary.terminated else None
    return None


def _truth_of(info: Any, key: str) -> bool | None:
    """Return True for 1 and False for 0, of any type and library; None for anything else."""
    try:
        value = info.get(key)
    except Exception:  # not a mapping, or that of a simulator, which may raise anything
        return None
    array = as_array(value)
    number = array.item() if array is not None and array.size == 1 else value
    return bool(number) if isinstance(number, bool | int | float) and number in (0, 1) else None


_REWARD_RULE = re.compile(r"\s*reward\s*(>=|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


def parse_rule(text: str) -> RewardRule | None:
    """Parse a rule such as `reward>0` or `reward >= 475`; None if the text is not a rule."""
    match = _REWARD_RULE.fullmatch(text)
    return RewardRule(float(match[2]), or_equal=match[1] == ">=") if match else None


def default_outcome(summary: EpisodeSummary, explanation: str) -> Outcome:
    """Return the outcome if no rule decides: truncated or unverified."""
    status = Status.TRUNCATED if summary.truncated and not summary.terminated else Status.UNVERIFIED
    return Outcome(status=status, reward=summary.reward, explanation=explanation, steps=summary.steps)


def judge(summary: EpisodeSummary, rule: OutcomeRule | None, known: Outcome) -> Outcome:
    """Return the rule's outcome, with missing fields filled from `known`; `known` if it returned None.

    Raises:
        InvalidRecord: The rule returned neither an outcome nor a valid status.
    """
    verdict = None if rule is None else rule(summary)
    if verdict is None:
        return known
    if not isinstance(verdict, Outcome):
        return replace(known, status=cast(Status, verdict))  # Outcome validates the status
    return replace(
        verdict,
        reward=known.reward if verdict.reward is None else verdict.reward,
        steps=known.steps if verdict.steps is None else verdict.steps,
        explanation=verdict.explanation or known.explanation,
    )
