"""From a query to ranked experiences: legs, priors, contrast, and the words that say why each came back."""

from collections.abc import Sequence

from embodied_mem.codec import experience_from_document
from embodied_mem.contracts import Backend, Embedder
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.filters import Equals, In, Where, all_of
from embodied_mem.log import Search, Span, TextLeg, VectorLeg
from embodied_mem.queries import Query
from embodied_mem.ranking import Ranked, RankingWeights, main_part, rank
from embodied_mem.records import Experience, Recalled, Status
from embodied_mem.spaces import FieldVector
from embodied_mem.views.log_views import LogViews

TEXT_FIELD = "text"  # the field of the vectors the memory makes itself
MAX_EXACT_POOL = 1000  # up to so many candidates, every one is ranked with its trust

_FAILED = (Status.FAILURE.value, Status.TIMEOUT.value, Status.TRUNCATED.value)


class Retrieval:
    """Answers queries over one log; asked by `ExperienceMemory`, which holds the lock.

    Args:
        backend: The log.
        views: What feedback and withdrawals in it say; caught up by the caller.
        embedder: Embeds the texts of queries; None compares words alone.
        weights: What each part counts.
    """

    def __init__(
        self, backend: Backend, views: LogViews, embedder: Embedder[str] | None, weights: RankingWeights
    ) -> None:
        self.backend = backend
        self.embedder = embedder
        self.weights = weights
        self._views = views

    def recall(self, query: Query) -> list[Recalled]:
        """At most `query.k` experiences, best first."""
        legs = self._legs(query)
        spans = self._views.visible(query.as_of)
        ranked = self._ranked(query, legs, spans, query.where)
        chosen = self._with_contrast(query, legs, spans, ranked)
        return [self._recalled(item, reason) for item, reason in chosen]

    def _legs(self, query: Query) -> tuple[TextLeg | VectorLeg, ...]:
        """What to compare by; what the query leaves empty has no leg and so no part."""
        task = "" if query.task is None else query.task.text
        texts = [
            TextLeg("task", task, ("task",), self.weights.task),
            TextLeg("state", query.state, ("state",), self.weights.state),
            TextLeg("text", query.text, ("task", "state", "outcome"), self.weights.text),
        ]
        given = [VectorLeg(_part_name(v.field), v, self.weights.vector) for v in query.vectors]
        is_hashed = isinstance(self.embedder, HashedEmbedder)
        weight = self.weights.hashed_embedding if is_hashed else self.weights.embedding
        together = " ".join(part for part in (task, query.state, query.text) if part)
        vectors = embedded_text(self.embedder, together) if weight else ()
        embedded = [VectorLeg("embedding", vector, weight) for vector in vectors]
        return (*(leg for leg in texts if leg.text.strip()), *given, *embedded)

    def _ranked(
        self, query: Query, legs: Sequence[TextLeg | VectorLeg], spans: tuple[Span, ...], where: Where
    ) -> list[Ranked]:
        """The best candidates whose score is high enough; the newest where there is nothing to match by."""
        pool_size = max(MAX_EXACT_POOL, 10 * query.k) if legs else query.k
        found = self.backend.search(Search(legs=tuple(legs), where=where, spans=spans, k=pool_size))
        weights = {leg.name: leg.weight for leg in legs}
        votes = self._views.votes(spans) if legs else {}
        ranked = rank(found, weights, votes, self.weights.trust, limit=query.k)
        return [item for item in ranked if item.score >= query.min_score]

    def _with_contrast(
        self,
        query: Query,
        legs: Sequence[TextLeg | VectorLeg],
        spans: tuple[Span, ...],
        ranked: Sequence[Ranked],
    ) -> list[tuple[Ranked, str]]:
        """The best with their reasons, some of the places given to the best of the opposite outcome."""
        reasons = {item.sequence: _reason(item, is_first=place == 0) for place, item in enumerate(ranked)}
        n_opposite = min(query.contrast, query.k - 1)
        opposite_outcome = self._opposite_of(ranked[0]) if ranked and n_opposite > 0 else None
        if opposite_outcome is None:
            return [(item, reasons[item.sequence]) for item in ranked]
        name, where = opposite_outcome
        opposite = self._ranked(query, legs, spans, all_of(query.where, where))[:n_opposite]
        reasons |= {
            item.sequence: f"contrast: a {name} of a similar task{_mostly(item)}" for item in opposite
        }
        taken = {item.sequence for item in opposite}
        others = [item for item in ranked if item.sequence not in taken][: query.k - len(opposite)]
        chosen = sorted([*others, *opposite], key=lambda item: (-item.score, -item.sequence))
        return [(item, reasons[item.sequence]) for item in chosen]

    def _opposite_of(self, best: Ranked) -> tuple[str, Where] | None:
        """Name and filter of the opposite outcome; an unjudged or cancelled attempt has none."""
        outcome = self._experience_at(best.sequence).outcome
        if outcome.is_success:
            return "failure", In("outcome.status", _FAILED)
        if outcome.status.value in _FAILED:
            return "success", Equals("outcome.status", Status.SUCCESS.value)
        return None

    def _experience_at(self, sequence: int) -> Experience:
        entry = self._views.entry_at(sequence)
        return experience_from_document(entry.payload, entry.vectors)

    def _recalled(self, item: Ranked, reason: str) -> Recalled:
        return Recalled(
            experience=self._experience_at(item.sequence),
            score=item.score,
            parts=dict(item.parts),
            reason=reason,
        )


def embedded_text(embedder: Embedder[str] | None, text: str) -> tuple[FieldVector, ...]:
    """The text's vector as a field of its own; none without an embedder or a word."""
    if embedder is None or not text.strip():
        return ()
    values = embedder.embed([text])[0]
    return (FieldVector(field=TEXT_FIELD, space=embedder.space, values=values),)


def _part_name(field: str) -> str:
    return f"vector {field}" if field in ("task", "state", "text", "embedding", "trust") else field


def _reason(item: Ranked, *, is_first: bool) -> str:
    if not item.parts:
        return "newest" if is_first else "recent"
    return f"{'best match' if is_first else 'match'}{_mostly(item)}"


def _mostly(item: Ranked) -> str:
    name = main_part(item.parts)
    if not name:
        return ", though nothing is shared" if item.parts else ""
    return f", mostly by {name} ({item.parts[name]:.2f} of {item.score:.2f})"
