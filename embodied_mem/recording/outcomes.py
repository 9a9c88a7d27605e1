"""Who says how a recorded episode ended: a user's function, a reward rule, or nobody."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from embodied_mem.records.experience import Outcome, Status, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeSummary:
    """What an outcome rule is given about an episode.

    Attributes:
        task: What was asked for.
        first_state: The first observation, in words.
        last_state: The last one, in words.
        first_observation: The first observation, as the environment gave it.
        last_observation: The last one, as the environment gave it.
        info: The last `info`.
        reward: Sum of rewards; None if one was not finite.
        steps: Environment steps taken.
        terminated: Whether the environment said that the episode is over.
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
    """Success where the episode's reward is greater than a threshold; failure where it terminated otherwise.

    An episode truncated below the threshold is `truncated`; one whose reward is not finite `unverified`.

    Attributes:
        threshold: The reward that has to be exceeded.
        or_equal: Whether reaching the threshold is enough.
    """

    threshold: float = 0.0
    or_equal: bool = False

    def __call__(self, summary: EpisodeSummary) -> Status | None:
        """The status, or None where the reward decides nothing."""
        if summary.reward is None:
            return Status.UNVERIFIED
        if summary.reward > self.threshold or (self.or_equal and summary.reward == self.threshold):
            return Status.SUCCESS
        return Status.FAILURE if summary.terminated else None


_REWARD_RULE = re.compile(r"\s*reward\s*(>=|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


def parse_rule(text: str) -> RewardRule | None:
    """The rule that `reward>0` or `reward >= 475` names; None if the text names none."""
    match = _REWARD_RULE.fullmatch(text)
    return RewardRule(float(match[2]), or_equal=match[1] == ">=") if match else None


def default_outcome(summary: EpisodeSummary, explanation: str) -> Outcome:
    """What is known when nobody judged: truncated, or unverified."""
    status = Status.TRUNCATED if summary.truncated and not summary.terminated else Status.UNVERIFIED
    return Outcome(status=status, reward=summary.reward, explanation=explanation, steps=summary.steps)


def judge(summary: EpisodeSummary, rule: OutcomeRule | None, known: Outcome) -> Outcome:
    """The rule's verdict; what it leaves out is taken from what is known without it.

    Raises:
        InvalidRecord: The rule gave something that is not an outcome or a status.
    """
    verdict = None if rule is None else rule(summary)
    if verdict is None:
        return known
    if not isinstance(verdict, Outcome):
        return replace(known, status=cast(Status, verdict))  # Outcome checks it
    return replace(
        verdict,
        reward=known.reward if verdict.reward is None else verdict.reward,
        steps=known.steps if verdict.steps is None else verdict.steps,
        explanation=verdict.explanation or known.explanation,
    )
