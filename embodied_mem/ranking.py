"""How parts of a recall's score are weighed: every part is a calibrated number times a weight."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import InvalidQuery
from embodied_mem.log import Found, Leg, PriorLeg
from embodied_mem.records import Status

FAILED = (Status.FAILURE.value, Status.TIMEOUT.value, Status.TRUNCATED.value)
N_OUTCOME_CLASSES = 3  # succeeded, failed, neither

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", float, Floats)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingWeights:
    """What each part adds to a score where it is perfect; all finite and >= 0, and 0 switches a part off.

    The first six are similarities to what is asked. The others are there whatever is asked, so they only
    order what a query has something to match by.

    Attributes:
        task: The asked task's text against the experience's.
        state: The asked state against the experience's.
        text: Free text against the best of task, state and outcome texts.
        vector: Each given vector against the experience's of the same field.
        embedding: All asked text against the experience's, by a learnt embedder.
        hashed_embedding: The same by the offline hashed embedder, which ranks worse than words do and
            therefore only breaks ties.
        trust: The posterior mean of "acting on it helped" above or below one half, so it adds -w/2 to w/2;
            see `trust_of`.
        recency: How lately it happened, see `recency_of`.
        outcome: How well it ended, see `outcome_value`.
        surprise: How unexpected its outcome was, see `surprise_of`.
        utility: How much it was used and helped, see `utility_of`.
        half_life_s: No weight: the age in seconds, > 0, at which recency has fallen to one half.
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
            raise InvalidQuery("half_life_s is 0; expected seconds above 0 (recency=0 switches recency off)")


def trust_of(helped: Number, not_helped: Number) -> Number:
    """Mean of the Beta posterior (one vote for, one against beforehand) minus one half: -0.5 to 0.5."""
    return (1 + helped) / (2 + helped + not_helped) - 0.5


def recency_of(age_s: Floats, half_life_s: float) -> Floats:
    """How lately something happened, 0.5 ** (age / half-life): the newer, the higher.

    By the time it happened and not by its place among others, where Generative Agents' code counts from the
    wrong end and prefers the oldest.

    Args:
        age_s: (n,) seconds; negative ones, of a clock that went backwards, count as 0.
        half_life_s: Above 0.

    Returns:
        (n,) in [0, 1].
    """
    return np.exp2(-np.maximum(age_s, 0.0) / half_life_s)


def outcome_value(status: str) -> float:
    """How well an attempt ended: 1 for success, 0.5 if nobody judged it, otherwise 0."""
    return {Status.SUCCESS.value: 1.0, Status.UNVERIFIED.value: 0.5}.get(status, 0.0)


def outcome_class(status: str) -> str:
    """`success`, `failure` (also out of time or cut off) or `neither` (cancelled, not judged)."""
    return Status.SUCCESS.value if status == Status.SUCCESS else "failure" if status in FAILED else "neither"


def surprise_of(n_same: int, n_all: int) -> float:
    """1 - p of an outcome, p by Laplace's rule of succession over the classes of outcome: in (0, 1).

    Args:
        n_same: How many earlier experiences of the kind of task ended in the same class.
        n_all: How many there are of that kind.
    """
    return 1 - (n_same + 1) / (n_all + N_OUTCOME_CLASSES)


def utility_of(uses: Number, helped: Number, not_helped: Number) -> Number:
    """How useful an experience has been: in [0, 1), 0 if it was never used.

    m / (m + 1) * (1 + helped) / (2 + helped + not_helped) with m = uses + helped: it grows with every use and
    every vote that acting on it helped, and falls with every vote that it did not.

    Args:
        uses: How often a later experience lists it as recalled.
        helped: Votes that acting on it helped.
        not_helped: Votes that it did not.
    """
    evidence = uses + helped
    return evidence / (evidence + 1) * (1 + helped) / (2 + helped + not_helped)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score, which is the sum of its parts."""

    sequence: int
    score: float
    parts: Mapping[str, float]


def rank(found: Found, legs: Sequence[Leg]) -> list[Ranked]:
    """What was found with its parts and score, in the order found.

    A similarity below 0 counts as 0: it says "unlike" and no more. A prior is a part of those entries alone
    that have one.

    Args:
        found: What a search by these legs gave back.
        legs: What it was searched by.
    """
    columns = [(leg.name, _parts(leg, found)) for leg in legs]
    result = []
    for row, sequence in enumerate(found.sequences):
        parts = {name: part for name, column in columns if (part := column[row]) is not None}
        result.append(Ranked(sequence, sum(parts.values(), 0.0), parts))
    return result


def total_scores(found: Found, legs: Sequence[Leg]) -> Floats:
    """(n,) the score of each that was found by these legs, as `rank` says it."""
    total = np.zeros(len(found.sequences))
    for leg in legs:
        values = np.array(found.similarities[leg.name], np.float64)
        total += leg.weight * (values if isinstance(leg, PriorLeg) else np.maximum(values, 0.0))
    return total


def picked(found: Found, places: Sequence[int]) -> Found:
    """Some of what was found, in the order of these places."""
    columns = {name: tuple(column[at] for at in places) for name, column in found.similarities.items()}
    sequences = tuple(found.sequences[at] for at in places)
    return Found(sequences, columns, found.n_candidates, found.is_exact)


def _parts(leg: Leg, found: Found) -> list[float | None]:
    similarities = found.similarities[leg.name]
    if not isinstance(leg, PriorLeg):
        return [leg.weight * max(0.0, similarity) for similarity in similarities]
    has_value = _holds(leg.sequences, np.array(found.sequences, np.int64)).tolist()
    return [leg.weight * value if has else None for value, has in zip(similarities, has_value, strict=True)]


def _holds(ascending: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """(n,) whether each wanted number is there; a few are looked up in many."""
    if not len(ascending):
        return np.zeros(len(wanted), np.bool_)
    at = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return ascending[at] == wanted  # type: ignore[no-any-return]


def main_part(parts: Mapping[str, float]) -> str:
    """The name of the part that counts most; the first of equals."""
    name = max(parts, key=parts.__getitem__, default="")
    return name if name and parts[name] > 0 else ""
