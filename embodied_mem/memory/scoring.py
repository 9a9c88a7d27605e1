"""Scores of a recall: every part is a calibrated number times a weight."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import InvalidQuery
from embodied_mem.records.experience import FAILED, Status
from embodied_mem.records.log import Found, Leg, PriorLeg, VectorLeg

N_OUTCOME_CLASSES = 3  # succeeded, failed, neither

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", float, Floats)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingWeights:
    """Weight of each score part: the amount that a part of 1 adds; all finite and >= 0, 0 disables a part.

    The first six weigh similarities to the query. The others weigh priors, which do not depend on the query
    and apply only if it has something to match by.

    Attributes:
        task: Query task text against the experience's task text.
        state: Query state against the experience's state.
        text: Free text against the best of task, state and outcome texts.
        vector: Each given vector against the experience's vector of the same field.
        embedding: All query text against the experience's text, by a learnt embedder.
        hashed_embedding: The same by the offline hashed embedder, which ranks worse than words and so only
            breaks ties.
        trust: Posterior mean of "acting on it helped" minus one half, so it adds -w/2 to w/2; see `trust_of`.
        recency: Recency, see `recency_of`.
        outcome: Quality of the outcome, see `outcome_value`.
        surprise: Unexpectedness of the outcome, see `surprise_of`.
        utility: Use and helpfulness, see `utility_of`.
        half_life_s: Not a weight: the age in seconds, > 0, at which recency is one half.
    """

    task: float = 1.0
    state: float = 0.5
    text: float = 1.0
    vector: float = 1.0
    embedding: float = 0.5
    hashed_embedding: float = 0.1
    trust: float = 0.4
    recency: float = 0.0
    outcome: float = 0.0
    surprise: float = 0.0
    utility: float = 0.0
    half_life_s: float = 86_400.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (isinstance(value, int | float | np.number) and math.isfinite(value) and value >= 0):
                raise InvalidQuery(
                    f"weight {field.name} is {value!r}; expected a finite number of at least 0"
                )
        if not self.half_life_s:
            raise InvalidQuery("half_life_s is 0; expected seconds above 0 (recency=0 disables recency)")


def trust_of(helped: Number, not_helped: Number) -> Number:
    """Return the mean of the Beta posterior with prior Beta(1, 1), minus one half: -0.5 to 0.5."""
    return (1 + helped) / (2 + helped + not_helped) - 0.5


def recency_of(age_s: Floats, half_life_s: float) -> Floats:
    """Return the recency 0.5 ** (age / half-life).

    Computed from time and not from list position, where the code of Generative Agents counts from the wrong
    end and prefers the oldest.

    Args:
        age_s: (n,) seconds; negative ages, from a clock that went backwards, count as 0.
        half_life_s: Half-life in seconds, > 0.

    Returns:
        (n,) in [0, 1].
    """
    return np.exp2(-np.maximum(age_s, 0.0) / half_life_s)


def outcome_value(status: str) -> float:
    """Return the value of an outcome: 1 for success, 0.5 if unverified, otherwise 0."""
    return {Status.SUCCESS.value: 1.0, Status.UNVERIFIED.value: 0.5}.get(status, 0.0)


def outcome_class(status: str) -> str:
    """Return `success`, `failure` (including timeout and truncated) or `neither` (cancelled, unverified)."""
    return Status.SUCCESS.value if status == Status.SUCCESS else "failure" if status in FAILED else "neither"


def surprise_of(n_same: int, n_all: int) -> float:
    """Return 1 - p of an outcome, p by Laplace's rule of succession over the outcome classes: in (0, 1).

    Args:
        n_same: Number of earlier experiences of the task kind with the same outcome class.
        n_all: Number of earlier experiences of the task kind.
    """
    return 1 - (n_same + 1) / (n_all + N_OUTCOME_CLASSES)


def utility_of(uses: Number, helped: Number, not_helped: Number) -> Number:
    """Return the utility of an experience: in [0, 1), 0 if it was never used.

    m / (m + 1) * (1 + helped) / (2 + helped + not_helped) with m = uses + helped: grows with every use and
    every helpful vote, and falls with every unhelpful vote.

    Args:
        uses: Number of later experiences that list it as recalled.
        helped: Votes that acting on it helped.
        not_helped: Votes that acting on it did not help.
    """
    evidence = uses + helped
    return evidence / (evidence + 1) * (1 + helped) / (2 + helped + not_helped)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score, the sum of its parts, and the similarities without their weights."""

    sequence: int
    score: float
    parts: Mapping[str, float]
    similarities: Mapping[str, float]


def rank(found: Found, legs: Sequence[Leg]) -> list[Ranked]:
    """Return the found entries with parts and scores, in the order found.

    A prior is a part only of the entries that have a value for it.

    Args:
        found: Result of a search by these legs.
        legs: The legs of the search.
    """
    parts: list[dict[str, float]] = [{} for _ in found.sequences]
    similar: list[dict[str, float]] = [{} for _ in found.sequences]
    for leg in legs:
        _add_part(leg, found, parts, similar)
    return list(map(_ranked, found.sequences, parts, similar))


def total_scores(found: Found, legs: Sequence[Leg]) -> Floats:
    """Return (n,) the score of each found entry, equal to the scores of `rank`."""
    total = np.zeros(len(found.sequences))
    for leg in legs:
        values = np.array(found.similarities[leg.name], np.float64)
        total += leg.weight * (np.maximum(values, leg.floor) if isinstance(leg, VectorLeg) else values)
    return total


def picked(found: Found, places: Sequence[int]) -> Found:
    """Return the found entries at these positions, in that order."""
    columns = {name: tuple(column[at] for at in places) for name, column in found.similarities.items()}
    sequences = tuple(found.sequences[at] for at in places)
    return Found(sequences, columns, found.n_candidates, found.is_exact)


def _ranked(sequence: int, parts: Mapping[str, float], similar: Mapping[str, float]) -> Ranked:
    return Ranked(sequence, sum(parts.values(), 0.0), parts, similar)


def _add_part(
    leg: Leg, found: Found, parts: Sequence[dict[str, float]], similar: Sequence[dict[str, float]]
) -> None:
    """Add the part of a leg to the parts of each that was found, and its similarity if it is one."""
    values = found.similarities[leg.name]
    if not isinstance(leg, PriorLeg):
        floor = leg.floor if isinstance(leg, VectorLeg) else -math.inf
        for each, alike, similarity in zip(parts, similar, values, strict=True):
            alike[leg.name] = similarity + 0.0  # -0 becomes 0
            each[leg.name] = leg.weight * max(floor, alike[leg.name])
        return
    has_value = _isin_sorted(leg.sequences, np.array(found.sequences, np.int64)).tolist()
    for each, value, has in zip(parts, values, has_value, strict=True):
        if has:
            each[leg.name] = leg.weight * value


def _isin_sorted(ascending: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return (n,) whether `ascending` contains each wanted number; faster than np.isin for a few in many."""
    if not len(ascending):
        return np.zeros(len(wanted), np.bool_)
    at = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return ascending[at] == wanted  # type: ignore[no-any-return]


def main_part(parts: Mapping[str, float]) -> str:
    """Return the name of the largest part, empty if none is above 0; ties: the first."""
    name = max(parts, key=parts.__getitem__, default="")
    return name if name and parts[name] > 0 else ""
