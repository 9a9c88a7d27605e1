"""From a query to ranked experiences: search legs, priors, contrast, and the reason of each hit."""

import dataclasses
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from embodied_mem.backends.capabilities import CanSearchMany, CountsVectors, HasReading, HasTimes
from embodied_mem.contracts import Backend, Embedder
from embodied_mem.embedders.checked import embedded, embedded_queries
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import InvalidQuery, UnanswerableQuery
from embodied_mem.memory.diversity import Likeness, choose_diverse, pool_size
from embodied_mem.memory.kept_experiences import KeptExperiences
from embodied_mem.memory.priors import Priors
from embodied_mem.memory.recall_many import RecalledMany, search_one_by_one
from embodied_mem.memory.scoring import Ranked, RankingWeights, main_part, picked, rank, total_scores
from embodied_mem.memory.views.log_values import EVERY_HIT
from embodied_mem.memory.views.log_views import LogViews, representatives
from embodied_mem.memory.views.view import NO_SEQUENCES, Sequences
from embodied_mem.records.experience import FAILED, Experience, Recalled, Status
from embodied_mem.records.filters import Equals, In, Where, all_of, asks_by_id
from embodied_mem.records.log import Found, Leg, PriorLeg, Search, SimilarityLeg, TextLeg, VectorLeg
from embodied_mem.records.queries import Query
from embodied_mem.records.recollection import Recollection
from embodied_mem.records.spaces import FieldVector, Vectors
from embodied_mem.text.words import MAX_INDEXED_CHARS

logger = logging.getLogger(__name__)

TEXT_FIELD = "text"  # field of the vectors that the memory computes itself
EMBEDDING = "embedding"  # score part of those vectors
CUT_NOTE = f"; only about {MAX_INDEXED_CHARS:,} characters of a longer text were compared"

FIELDS_OF = {"task": ("task",), "state": ("state",), "text": ("task", "state", "outcome")}

NAMED_PARTS = frozenset({*FIELDS_OF, EMBEDDING})  # a query may weigh them also where it does not ask by them
_OWN_PARTS = ("task", "state", "text", EMBEDDING, "trust", "recency", "outcome", "surprise", "utility")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A query with its search, and the number of near duplicates by sequence number of the representative."""

    query: Query
    search: Search
    n_alike: dict[int, int] = dataclasses.field(default_factory=dict)


class Retrieval:
    """Answers queries over one log; the caller (`ExperienceMemory`) must hold its lock.

    Args:
        backend: The log.
        views: Views of the log; updated at each recall.
        embedder: Embeds the texts of queries; None compares words only.
        weights: Weights of the parts.
        clock: Returns seconds since the Unix epoch, the reference of ages.
    """

    def __init__(
        self,
        backend: Backend,
        views: LogViews,
        embedder: Embedder[str] | None,
        weights: RankingWeights,
        clock: Callable[[], float],
    ) -> None:
        self.backend = backend
        self.embedder = embedder
        self.weights = weights
        self._views = views
        self._priors = Priors(views, weights)
        self._clock = clock
        self._kept = KeptExperiences(backend)
        self._reading = backend.reading if isinstance(backend, HasReading) else nullcontext
        self._times = backend if isinstance(backend, HasTimes) else None
        self._counting = backend if isinstance(backend, CountsVectors) else None  # None once it was called

    def recall(self, query: Query) -> Recollection:
        """Return at most `query.k` experiences, best first."""
        # Outside of the read transaction, because a user's embedder may be slow.
        legs: list[SimilarityLeg] = [*self._text_legs(query)]
        if query.vectors or self.embedder is not None:
            # Beside a text, an unlike vector says as little as none; alone, its order is all there is.
            legs += self._vector_legs(query, floor=0.0 if legs else -math.inf)
        if query.min_similarity is not None:
            legs = _with_minimums(legs, query.min_similarity)
        if query.weights is not None:
            legs = _with_weights(legs, query.weights)
        with self._reading() as head:
            self._views.catch_up(head)
            recalled = self._recalled(query, legs)
            if self.embedder is not None and self._counting is not None:
                self._warn_of_missing_vectors(self._counting, legs)
            return recalled

    def recall_many(self, query: Query, vectors: Vectors) -> RecalledMany:
        """Return what `recall` does for many vectors, each in place of the only vector of the query."""
        [vector] = query.vectors
        leg = VectorLeg(_part_name(vector.field), vector, self.weights.vector)
        with self._reading() as head:
            self._views.catch_up(head)
            search = self._prepare(query, [leg]).search
            if isinstance(self.backend, CanSearchMany):
                sequences, totals = self.backend.search_many(search, vectors)
            else:
                sequences, totals = search_one_by_one(self.backend, search, vectors)
            experiences = self._experiences_at(np.unique(sequences).tolist())
        ids = [[experiences[sequence].id for sequence in row] for row in sequences.tolist()]
        return RecalledMany(ids, totals.astype(np.float32))

    def _warn_of_missing_vectors(self, backend: CountsVectors, legs: Sequence[Leg]) -> None:
        """Warn once: without a vector the part `embedding` is always 0, as if the texts were unlike."""
        if all(leg.name != EMBEDDING for leg in legs):
            return
        self._counting = None
        n_without = backend.n_without_vector(TEXT_FIELD)
        if n_without and self.embedder is not None:
            logger.warning(
                "%d experiences have no vector of the embedder %s and are compared by words alone; to embed "
                "them: MemoryStore.reembed, or embodied-mem memory reembed FOLDER --embedder NAME",
                n_without,
                self.embedder.space,
            )

    def _recalled(self, query: Query, legs: Sequence[SimilarityLeg]) -> Recollection:
        prepared = self._prepare(query, legs)
        found = self.backend.search(prepared.search)
        if query.order != "best":
            found = self._by_time(prepared, found)
        ranked = rank(found, prepared.search.legs)
        if query.min_score > -math.inf:
            ranked = _above_min_score(query, ranked)
        best = ranked[: query.k]
        chosen = self._diverse(prepared, ranked) if query.diversity else best
        reasons = _reasons(query, chosen, best)
        if query.contrast:
            chosen, reasons = self._with_contrast(prepared, chosen, reasons)
        experiences = self._experiences_at([item.sequence for item in chosen])
        recalled = Recollection(n_candidates=found.n_candidates, is_exact=found.is_exact)
        longest = max(len(query.text), len(query.state), len(query.task.text) if query.task else 0)
        note = CUT_NOTE if longest > MAX_INDEXED_CHARS else ""
        for item in chosen:
            if item.sequence in experiences:  # else purged after the search
                experience = experiences[item.sequence]
                reason = f"{reasons[item.sequence]}{_missing_text(query, experience)}{note}"
                recalled.append(_hit(item, experience, reason, prepared.n_alike))
        return recalled

    def _prepare(self, query: Query, legs: Sequence[SimilarityLeg]) -> _Prepared:
        standing = self._views.standing(query.as_of if query.as_of_s is None else self._as_of(query))
        spans, without = standing.spans, standing.archived
        if len(without) and (query.include_archived or asks_by_id(query.where)):
            without = NO_SEQUENCES
        n_alike: dict[int, int] = {}
        if query.distinct:
            search = Search(where=query.where, spans=spans, without=without if len(without) else None)
            others, n_alike = self._duplicates(search, legs)
            without = np.union1d(without, others)
        priors: list[PriorLeg] = []
        if legs:  # without anything to match by, the newest are returned and priors do not apply
            now_s = self._clock() if query.as_of_s is None else query.as_of_s
            priors = self._priors.legs(standing, now_s=now_s)
        n_ranked = pool_size(query.k) if query.diversity else query.k
        k = EVERY_HIT if query.order != "best" else n_ranked
        hidden = without if len(without) else None
        return _Prepared(
            query,
            Search(legs=(*legs, *priors), where=query.where, spans=spans, k=k, without=hidden),
            n_alike,
        )

    def _as_of(self, query: Query) -> int:
        """The sequence number up to which a query with a time sees the log."""
        assert query.as_of_s is not None
        if self._times is None:
            raise UnanswerableQuery(
                f"{type(self.backend).__name__} does not store write times; use as_of with a sequence "
                "number instead of as_of_s"
            )
        at = self._times.sequence_at(query.as_of_s)
        return at if query.as_of is None else min(at, query.as_of)

    def _text_legs(self, query: Query) -> list[TextLeg]:
        """Return one leg for each text of the query that is not empty or has a minimum."""
        legs: list[TextLeg] = []
        texts = ("" if query.task is None else query.task.text, query.state, query.text)
        for (name, fields), text in zip(FIELDS_OF.items(), texts, strict=True):
            if text.strip() or name in (query.min_similarity or ()):
                legs.append(TextLeg(name, text, fields, getattr(self.weights, name)))
        return legs

    def _vector_legs(self, query: Query, *, floor: float) -> list[VectorLeg]:
        given = [VectorLeg(_part_name(v.field), v, self.weights.vector, floor=floor) for v in query.vectors]
        is_hashed = isinstance(self.embedder, HashedEmbedder)
        weight = self.weights.hashed_embedding if is_hashed else self.weights.embedding
        task = "" if query.task is None else query.task.text
        together = " ".join(part for part in (task, query.state, query.text) if part)
        vectors = _embedded_query(self.embedder, together) if weight else ()
        return [*given, *(VectorLeg(EMBEDDING, vector, weight, floor=floor) for vector in vectors)]

    def _duplicates(self, search: Search, legs: Sequence[SimilarityLeg]) -> tuple[Sequences, dict[int, int]]:
        """Return the near duplicates to exclude, and group sizes by the first member that passes.

        A member passes if it passes the filter and reaches the minimums of the legs.
        """
        sequences, leaders = self._views.duplicates(search.spans)
        has_others = np.isin(leaders, leaders[sequences != leaders])
        sequences, leaders = sequences[has_others], leaders[has_others]
        # A separate search applies the filter: the prior ranks the duplicates above all other entries.
        marks = PriorLeg("is_one", sequences, np.ones(len(sequences)))
        limits = [dataclasses.replace(leg, weight=0.0) for leg in legs if leg.minimum > -math.inf]
        found = self.backend.search(dataclasses.replace(search, legs=(marks, *limits), k=len(sequences)))
        passing = np.array(found.sequences, np.int64)[np.array(found.similarities["is_one"]) > 0]
        passes = np.isin(sequences, passing)
        first, counts, others = representatives(sequences[passes], leaders[passes])
        return others, dict(zip(first.tolist(), counts.tolist(), strict=True))

    def _by_time(self, prepared: _Prepared, found: Found) -> Found:
        """Return the earliest or latest that reach `min_score`, in that order; ties: by sequence number."""
        query, sequences = prepared.query, np.array(found.sequences, np.int64)
        times_s = self._views.times_s().of(sequences, default=np.nan)
        fits = (total_scores(found, prepared.search.legs) >= query.min_score) & ~np.isnan(times_s)
        places = np.flatnonzero(fits)
        places = places[np.lexsort((sequences[places], times_s[places]))]
        first = places if query.order == "first" else places[::-1]
        return picked(found, first[: query.k].tolist())

    def _diverse(self, prepared: _Prepared, ranked: Sequence[Ranked]) -> list[Ranked]:
        """Choose from the best by maximal marginal relevance; best first."""
        similarity_legs = [leg for leg in prepared.search.legs if not isinstance(leg, PriorLeg)]
        most = sum(leg.weight for leg in similarity_legs) or 1.0  # a perfect match is as relevant as 1
        experiences = self._experiences_at([item.sequence for item in ranked])
        ranked = [item for item in ranked if item.sequence in experiences]
        likeness = Likeness([experiences[item.sequence] for item in ranked])
        relevance = [item.score / most for item in ranked]
        places = choose_diverse(relevance, prepared.query.k, prepared.query.diversity, likeness)
        return [ranked[place] for place in sorted(places)]

    def _with_contrast(
        self, prepared: _Prepared, ranked: list[Ranked], reasons: dict[int, str]
    ) -> tuple[list[Ranked], dict[int, str]]:
        """Return hits and reasons, up to `contrast` hits replaced by the best of the opposite outcome."""
        k = prepared.query.k
        n_opposite = min(prepared.query.contrast, k - 1)
        opposite_outcome = self._opposite_of(ranked[0]) if ranked and n_opposite > 0 else None
        if opposite_outcome is None:
            return ranked, reasons
        name, where = opposite_outcome
        search = dataclasses.replace(prepared.search, k=n_opposite, where=all_of(prepared.query.where, where))
        opposite = _above_min_score(prepared.query, rank(self.backend.search(search), search.legs))
        reasons = reasons | {
            item.sequence: f"contrast: a {name} of a similar task{_part_text(item)}" for item in opposite
        }
        taken = {item.sequence for item in opposite}
        others = [item for item in ranked if item.sequence not in taken][: k - len(opposite)]
        return sorted([*others, *opposite], key=lambda item: (-item.score, -item.sequence)), reasons

    def _opposite_of(self, best: Ranked) -> tuple[str, Where] | None:
        """Return name and filter of the opposite outcome; None for an unjudged or cancelled attempt."""
        experience = self._experiences_at([best.sequence]).get(best.sequence)
        status = "" if experience is None else experience.outcome.status.value
        if status == Status.SUCCESS:
            return "failure", In("outcome.status", tuple(status.value for status in FAILED))
        return ("success", Equals("outcome.status", Status.SUCCESS.value)) if status in FAILED else None

    def _experiences_at(self, sequences: Sequence[int]) -> dict[int, Experience]:
        return self._kept.at(sequences, generation=self._views.generation)


def embedded_text(embedder: Embedder[str] | None, text: str) -> tuple[FieldVector, ...]:
    """Return the vector of a text to store, as field `text`; empty without an embedder or text."""
    if embedder is None or not text.strip():
        return ()
    [values] = embedded(embedder, [text])
    return (FieldVector(field=TEXT_FIELD, space=embedder.space, values=values),)


def _embedded_query(embedder: Embedder[str] | None, text: str) -> tuple[FieldVector, ...]:
    """Return the vector of a query text; some models embed queries differently."""
    if embedder is None or not text.strip():
        return ()
    [values] = embedded_queries(embedder, [text])
    return (FieldVector(field=TEXT_FIELD, space=embedder.space, values=values),)


def _with_minimums(legs: Sequence[SimilarityLeg], minimums: Mapping[str, float]) -> list[SimilarityLeg]:
    """Return the legs with their minimums.

    Raises:
        InvalidQuery: A minimum names a part that this memory does not compare for this query.
    """
    unknown = minimums.keys() - {leg.name for leg in legs}
    if unknown:
        raise InvalidQuery(
            f"min_similarity names {', '.join(sorted(unknown))}; this query is compared by "
            f"{', '.join(leg.name for leg in legs) or 'nothing'}"
        )
    return [dataclasses.replace(leg, minimum=minimums.get(leg.name, -math.inf)) for leg in legs]


def _with_weights(legs: Sequence[SimilarityLeg], weights: Mapping[str, float]) -> list[SimilarityLeg]:
    """Return the legs with the weights of the query; a part that it does not ask by has no leg."""
    unknown = weights.keys() - NAMED_PARTS - {leg.name for leg in legs}
    if unknown:
        raise InvalidQuery(
            f"weights names {', '.join(sorted(unknown))}; expected parts that are compared: "
            f"{', '.join(sorted(NAMED_PARTS | {leg.name for leg in legs}))}"
        )
    return [dataclasses.replace(leg, weight=weights.get(leg.name, leg.weight)) for leg in legs]


def _part_name(field: str) -> str:
    return f"vector {field}" if field in _OWN_PARTS else field


def _above_min_score(query: Query, ranked: Sequence[Ranked]) -> list[Ranked]:
    return [item for item in ranked if item.score >= query.min_score]


def _reasons(query: Query, chosen: Sequence[Ranked], best: Sequence[Ranked]) -> dict[int, str]:
    """Return the reason of each hit by sequence number."""
    known = None if chosen is best else {item.sequence for item in best}
    reasons = {}
    for place, item in enumerate(chosen):
        is_best = known is None or item.sequence in known
        reasons[item.sequence] = f"{_rank_text(query, place, item, is_best=is_best)}{_part_text(item)}"
    return reasons


def _rank_text(query: Query, place: int, item: Ranked, *, is_best: bool) -> str:
    if query.order != "best":
        return {"first": "earliest", "last": "latest"}[query.order] if place == 0 else "next in time"
    if not item.parts:
        return "newest" if place == 0 else "recent"
    if not is_best:
        return "unlike the better matches"
    return "best match" if place == 0 else "match"


def _part_text(item: Ranked) -> str:
    name = main_part(item.parts)
    if not name or item.parts[name] < 0.005:  # would be shown as 0.00
        return ", though nothing is shared" if item.parts else ""
    return f", mostly by {name} ({item.parts[name]:.2f} of {item.score:.2f})"


def _missing_text(query: Query, experience: Experience) -> str:
    """Say that an experience holds none of the vectors that the query compares, so that 0 means unknown."""
    asked = [vector.field for vector in query.vectors]
    held = {vector.field for vector in experience.vectors}
    return f"; it has no vector {', '.join(asked[:3])} to compare" if asked and held.isdisjoint(asked) else ""


def _hit(item: Ranked, experience: Experience, reason: str, group_sizes: Mapping[int, int]) -> Recalled:
    n_alike = group_sizes.get(item.sequence, 1)
    if n_alike > 1:
        reason += f"; one of {n_alike:,} near duplicates"
    return Recalled(
        experience=experience,
        score=item.score,
        parts=item.parts,
        reason=reason,
        n_alike=n_alike,
        similarities=item.similarities,
    )
