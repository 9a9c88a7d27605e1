"""Controls: memories that change one aspect of the memory they wrap.

All of them query the wrapped memory, so filters, the horizon of the episode and the leakage guard apply to
them too. Random draws are stateless: they depend on the lifetime's seed and the query, so a resumed run draws
the same.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from embodied_mem.contracts import CanClose, CanWithdraw, HasHorizon, Memory
from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.records import Experience, Recalled, Receipt
from embodied_mem.records.answers import EVERY_FIELD, answers_of, refuse_unanswerable
from embodied_mem.records.filters import Equals, Not, all_of, to_document
from embodied_mem.records.json_values import JsonValue, canonical
from embodied_mem.records.queries import MAX_K, Query

_CANDIDATE_FIELDS = ("where", "as_of", "as_of_s", "distinct", "include_archived")  # which bound a draw, too


class NoMemory:
    """Stores nothing and recalls nothing, which keeps to every bound of a query."""

    answers = EVERY_FIELD

    def record(self, experience: Experience) -> Receipt:
        """Acknowledge and discard the experience."""
        return Receipt(experience.id)

    def recall(self, query: Query, /) -> list[Recalled]:
        """Return no hits."""
        return []

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Reject the feedback: nothing can have been recalled.

        Raises:
            UnknownName: Always.
        """
        raise unknown_name("experience", experience_id, ())

    def horizon(self) -> int:
        """Always 0."""
        return 0

    def withdraw(self, after: int) -> None:
        """Do nothing."""


class Control:
    """Base of the controls: passes everything but `recall` to the wrapped memory.

    A control is asked what the wrapped memory is asked, so it rejects what that cannot answer. It may replace
    what a field does, as a draw replaces the ranking; each control says so.

    Args:
        inner: The wrapped memory.
        seed: Seed of the lifetime.
    """

    def __init__(self, inner: Memory, *, seed: int) -> None:
        self.inner = inner
        self.seed = seed
        self._candidates: tuple[str, list[Recalled]] | None = None

    @property
    def answers(self) -> frozenset[str]:
        """Names of the fields of `Query` that the wrapped memory answers."""
        return answers_of(self.inner)

    def record(self, experience: Experience) -> Receipt:
        """Record the experience in the wrapped memory."""
        return self.inner.record(experience)

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Pass the feedback to the wrapped memory."""
        self.inner.feedback(experience_id, helped=helped)

    def horizon(self) -> int:
        """The wrapped memory's horizon; 0 if it has none."""
        return self.inner.horizon() if isinstance(self.inner, HasHorizon) else 0

    def withdraw(self, after: int) -> None:
        """Withdraw from the wrapped memory.

        Raises:
            ExperimentError: The wrapped memory cannot withdraw.
        """
        if not isinstance(self.inner, CanWithdraw):
            raise ExperimentError(
                f"{type(self.inner).__name__} cannot withdraw the entries of an unfinished episode"
            )
        self._candidates = None
        self.inner.withdraw(after)

    def close(self) -> None:
        """Close the wrapped memory if it can be closed."""
        if isinstance(self.inner, CanClose):
            self.inner.close()

    def hits(self, query: Query) -> list[Recalled]:
        """The wrapped memory's own hits."""
        return self.inner.recall(self._answerable(query))

    def candidates(self, query: Query) -> list[Recalled]:
        """Every experience that passes the query's filter and horizon, in the wrapped memory's own order.

        Raises:
            UnanswerableQuery: The wrapped memory cannot answer a field of the query.
        """
        query = self._answerable(query)
        refuse_unanswerable(query, answers=self.answers, memory=type(self.inner).__name__)
        kept: dict[str, Any] = {name: getattr(query, name) for name in _CANDIDATE_FIELDS}
        query = Query(**kept, k=MAX_K, min_score=-float("inf"))
        if query.as_of is None:
            return self.inner.recall(query)
        # The log up to a sequence number does not change, and an episode often repeats a filter.
        key = canonical(
            [query.as_of_s, query.distinct, query.include_archived, query.as_of, to_document(query.where)]
        )
        if self._candidates is None or self._candidates[0] != key:
            self._candidates = (key, self.inner.recall(query))
        return self._candidates[1]

    def rng(self, query: Query, n_candidates: int) -> np.random.Generator:
        """Random generator for this query.

        Sequence numbers, ids and filters do not enter its seed: they differ between an uninterrupted run and
        one that was killed and resumed, while the query and the number of candidates do not.
        """
        task = query.task
        asked: list[JsonValue] = [query.text, query.state, query.k, n_candidates]
        asked += [task.text, task.kind, task.instance] if task else []
        digest = hashlib.sha256(canonical(asked).encode())
        for vector in query.vectors:
            digest.update(vector.values.tobytes())
        return np.random.default_rng([self.seed, int.from_bytes(digest.digest()[:8], "big")])

    def _answerable(self, query: Query) -> Query:
        return query if isinstance(self.inner, HasHorizon) else dataclasses.replace(query, as_of=None)


class RandomMemory(Control):
    """`query.k` experiences drawn uniformly from the same filtered candidates.

    A draw has no score, so the query's minimums do not apply. That makes this control harder to beat: where
    the wrapped memory returns two hits that fit, this one returns k.
    """

    def recall(self, query: Query, /) -> list[Recalled]:
        """Random candidates, each with a score of 0."""
        candidates = self.candidates(query)
        n = min(query.k, len(candidates))
        drawn = self.rng(query, len(candidates)).choice(len(candidates), size=n, replace=False)
        return [_unscored(candidates[i], "control: drawn at random") for i in drawn]


class RecencyMemory(Control):
    """The newest `query.k` of the same filtered candidates, regardless of score."""

    def recall(self, query: Query, /) -> list[Recalled]:
        """The newest candidates, each with a score of 0."""
        return [_unscored(hit, "control: the newest") for hit in self.candidates(query)[: query.k]]


class ShuffledMemory(Control):
    """The right experiences with wrong content: plan and outcome come from other candidates."""

    def recall(self, query: Query, /) -> list[Recalled]:
        """The wrapped memory's hits with the plan and outcome of other candidates.

        A hit without another candidate to swap with is left out, so the right content is never returned.
        """
        hits = self.hits(query)
        candidates = self.candidates(query) if hits else []
        rng = self.rng(query, len(candidates))
        return [swapped for hit in hits if (swapped := _swapped(hit, candidates, rng)) is not None]


class WithoutKindMemory(Control):
    """The wrapped memory without experiences of the current task kind."""

    def recall(self, query: Query, /) -> list[Recalled]:
        """The wrapped memory's hits from other task kinds.

        Raises:
            ExperimentError: The query names no task kind.
        """
        if query.task is None or not query.task.kind:
            raise ExperimentError(
                "the planner's query names no task kind, so without_kind cannot leave it out"
            )
        other_kinds = Not(Equals("task.kind", query.task.kind))
        return self.hits(dataclasses.replace(query, where=all_of(query.where, other_kinds)))


def _unscored(hit: Recalled, reason: str) -> Recalled:
    return Recalled(experience=hit.experience, score=0.0, parts={}, reason=reason)


def _swapped(hit: Recalled, candidates: Sequence[Recalled], rng: np.random.Generator) -> Recalled | None:
    donors = [other.experience for other in candidates if other.experience.id != hit.experience.id]
    if not donors:
        return None
    donor = donors[int(rng.integers(len(donors)))]
    experience = hit.experience.replace(plan=donor.plan, outcome=donor.outcome)
    return dataclasses.replace(
        hit, experience=experience, reason="control: plan and outcome of another experience"
    )
