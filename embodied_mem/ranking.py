"""How parts of a recall's score are weighed: every part is a calibrated similarity times a weight."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from embodied_mem.errors import InvalidQuery
from embodied_mem.log import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingWeights:
    """What a perfect match of each kind adds to a score; all finite and >= 0.

    Attributes:
        task: The asked task's text against the experience's.
        state: The asked state against the experience's.
        text: Free text against the best of task, state and outcome texts.
        vector: Each given vector against the experience's of the same field.
        embedding: All asked text against the experience's, by a learnt embedder.
        hashed_embedding: The same by the offline hashed embedder, which ranks worse than words do and
            therefore only breaks ties.
        trust: The posterior mean of "acting on it helped" above or below one half, so it adds -w/2 to w/2.
    """

    task: float = 1.0
    state: float = 0.5
    text: float = 1.0
    vector: float = 1.0
    embedding: float = 0.5
    hashed_embedding: float = 0.1
    trust: float = 0.4

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise InvalidQuery(f"weight {field.name} is {value}; expected a finite number of at least 0")


@dataclass(frozen=True, slots=True)
class Votes:
    """How often acting on an experience helped, and how often it did not."""

    helped: int = 0
    not_helped: int = 0

    @property
    def trust(self) -> float:
        """Mean of the Beta posterior (one vote for, one against beforehand) minus one half: -0.5 to 0.5."""
        return (1 + self.helped) / (2 + self.helped + self.not_helped) - 0.5


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score, which is the sum of its parts."""

    sequence: int
    score: float
    parts: Mapping[str, float]


def rank(
    found: Found, weights: Mapping[str, float], votes: Mapping[int, Votes], trust: float, limit: int
) -> list[Ranked]:
    """The best candidates by score, best first; equal scores newest first.

    Args:
        found: What a search gave back, newest first where it had nothing to match by; then that is the order.
        weights: Leg name to weight. A similarity below 0 counts as 0: it says "unlike" and no more.
        votes: Sequence number to votes; experiences nobody voted on are absent and get no such part.
        trust: Weight of the votes.
        limit: At most so many are given back.
    """
    if not weights:
        return [Ranked(sequence, 0.0, {}) for sequence in found.sequences[:limit]]
    similarities = np.column_stack([found.similarities[name] for name in weights])
    parts = np.maximum(similarities, 0.0) * np.array(list(weights.values()))
    trusts = [trust * votes[sequence].trust if sequence in votes else 0.0 for sequence in found.sequences]
    scores = parts.sum(axis=1) + np.array(trusts)
    result: list[Ranked] = []
    for row in np.lexsort((-np.array(found.sequences, dtype=np.int64), -scores))[:limit].tolist():
        sequence = found.sequences[row]
        named = dict(zip(weights, parts[row].tolist(), strict=True))
        if trust and sequence in votes:
            named["trust"] = trusts[row]
        result.append(Ranked(sequence, float(scores[row]), named))
    return result


def main_part(parts: Mapping[str, float]) -> str:
    """The name of the part that counts most; the first of equals."""
    return max(parts, key=lambda name: parts[name]) if any(value > 0 for value in parts.values()) else ""
