"""From a query to ranked experiences: legs, priors, contrast, and the words that say why each came back."""

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from embodied_mem.backend_capabilities import CountsVectors, HasReading, HasTimes
from embodied_mem.codec import experience_from_log
from embodied_mem.contracts import Backend, Embedder, EmbedsQueries
from embodied_mem.diversity import Likeness, choose_diverse, pool_size
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import InvalidQuery
from embodied_mem.filters import Equals, In, Where, all_of, asks_by_id
from embodied_mem.log import EntryKind, Found, Leg, PriorLeg, Search, TextLeg, VectorLeg
from embodied_mem.priors import Priors
from embodied_mem.queries import Query
from embodied_mem.ranking import FAILED, Ranked, RankingWeights, main_part, picked, rank, total_scores
from embodied_mem.recent_experiences import RecentExperiences
from embodied_mem.recollection import Recollection
from embodied_mem.records import Experience, Recalled, Status
from embodied_mem.spaces import FieldVector
from embodied_mem.views.log_values import EVERY_HIT
from embodied_mem.views.log_views import LogViews, representatives
from embodied_mem.views.view import NO_SEQUENCES, Sequences

logger = logging.getLogger(__name__)

TEXT_FIELD = "text"  # the field of the vectors the memory makes itself
EMBEDDING = "embedding"  # the part of a score that they give

FIELDS_OF = {"task": ("task",), "state": ("state",), "text": ("task", "state", "outcome")}

_OWN_PARTS = ("task", "state", "text", EMBEDDING, "trust", "recency", "outcome", "surprise", "utility")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query made ready: the search behind it, and how many each representative stands for."""

    query: Query
    search: Search
    stands_for: dict[int, int] = dataclasses.field(default_factory=dict)


class Retrieval:
    """Answers queries over one log; asked by `ExperienceMemory`, which holds the lock.

    Args:
        backend: The log.
        views: What is derived from it; caught up at each recall.
        embedder: Embeds the texts of queries; None compares words alone.
        weights: What each part counts.
        clock: Seconds since the Unix epoch, up to which ages are counted.
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
        self._recent = RecentExperiences()
        self._generation = views.generation
        self._reading = backend.reading if isinstance(backend, HasReading) else nullcontext
        self._times = backend if isinstance(backend, HasTimes) else None
        self._counting = backend if isinstance(backend, CountsVectors) else None  # until it was asked

    def recall(self, query: Query) -> Recollection:
        """At most `query.k` experiences, best first."""
        # Before anything is read: an embedder takes its time, and is the user's own.
        legs: tuple[Leg, ...] = (*self._text_legs(query), *self._vector_legs(query))
        with self._reading():
            self._views.catch_up()
            recalled = self._recalled(query, legs)
            if self._counting is not None and any(leg.name == EMBEDDING for leg in legs):
                self._tell_of_the_unembedded(self._counting)
            return recalled

    def _tell_of_the_unembedded(self, backend: CountsVectors) -> None:
        """Once: their part `embedding` is 0 whatever is asked, which looks as if they had been compared."""
        self._counting = None
        n_without = backend.n_without_vector(TEXT_FIELD)
        if n_without and self.embedder is not None:
            logger.warning(
                "%d experiences have no vector of the embedder %s and are compared by words alone; to embed "
                "them: MemoryStore.reembed, or embodied-mem memory reembed FOLDER --embedder NAME",
                n_without,
                self.embedder.space,
            )

    def _recalled(self, query: Query, legs: tuple[Leg, ...]) -> Recollection:
        asked = self._asked(query, legs)
        found = self.backend.search(asked.search)
        if query.order != "best":
            found = self._by_time(asked, found)
        ranked = _good_enough(query, rank(found, asked.search.legs))
        best = ranked[: query.k]
        chosen = self._diverse(asked, ranked) if query.diversity else best
        reasons = _reasons(query, chosen, best)
        chosen, reasons = self._with_contrast(asked, chosen, reasons)
        experiences = self._experiences_at([item.sequence for item in chosen])
        hits = [
            _hit(item, experiences[item.sequence], reasons[item.sequence], asked.stands_for)
            for item in chosen
            if item.sequence in experiences  # else it was purged since it was found
        ]
        return Recollection(hits, n_candidates=found.n_candidates, is_exact=found.is_exact)

    def _asked(self, query: Query, legs: tuple[Leg, ...]) -> _Asked:
        spans = self._views.visible(self._as_of(query))
        shows_archived = query.include_archived or asks_by_id(query.where)
        without = NO_SEQUENCES if shows_archived else self._views.archived(spans)
        stands_for: dict[int, int] = {}
        if query.distinct:
            others, stands_for = self._duplicates(Search(where=query.where, spans=spans, without=without))
            without = np.union1d(without, others)
        if legs:  # priors only order what there is something to match by; nothing asked gives the newest
            now_s = self._clock() if query.as_of_s is None else query.as_of_s
            legs = (*legs, *self._priors.legs(spans, now_s=now_s))
        k = pool_size(query.k) if query.diversity else query.k
        k = EVERY_HIT if query.order != "best" else k
        left_out = without if len(without) else None
        search = Search(legs=legs, where=query.where, spans=spans, k=k, without=left_out)
        return _Asked(query, search, stands_for)

    def _as_of(self, query: Query) -> int | None:
        if query.as_of_s is None:
            return query.as_of
        if self._times is None:
            raise InvalidQuery(
                f"{type(self.backend).__name__} does not know when entries were written; give a sequence "
                "number, as_of, instead of as_of_s"
            )
        at = self._times.sequence_at(query.as_of_s)
        return at if query.as_of is None else min(at, query.as_of)

    def _text_legs(self, query: Query) -> list[TextLeg]:
        """What to compare texts by; what the query leaves empty has no leg and so no part."""
        task = "" if query.task is None else query.task.text
        texts = {"task": task, "state": query.state, "text": query.text}
        return [
            TextLeg(name, text, FIELDS_OF[name], getattr(self.weights, name))
            for name, text in texts.items()
            if text.strip()
        ]

    def _vector_legs(self, query: Query) -> list[VectorLeg]:
        given = [VectorLeg(_part_name(v.field), v, self.weights.vector) for v in query.vectors]
        is_hashed = isinstance(self.embedder, HashedEmbedder)
        weight = self.weights.hashed_embedding if is_hashed else self.weights.embedding
        task = "" if query.task is None else query.task.text
        together = " ".join(part for part in (task, query.state, query.text) if part)
        vectors = _embedded_query(self.embedder, together) if weight else ()
        return [*given, *(VectorLeg(EMBEDDING, vector, weight) for vector in vectors)]

    def _duplicates(self, search: Search) -> tuple[Sequences, dict[int, int]]:
        """All near duplicates but the first of each group that passes the filter, and how many there are."""
        sequences, leaders = self._views.duplicates(search.spans)
        has_others = np.isin(leaders, leaders[sequences != leaders])
        sequences, leaders = sequences[has_others], leaders[has_others]
        # A search of its own says which of them pass: a prior lifts them above everything else.
        marks = PriorLeg("is_one", sequences, np.ones(len(sequences)))
        found = self.backend.search(dataclasses.replace(search, legs=(marks,), k=len(sequences)))
        passing = np.array(found.sequences, np.int64)[np.array(found.similarities["is_one"]) > 0]
        passes = np.isin(sequences, passing)
        first, counts, others = representatives(sequences[passes], leaders[passes])
        return others, dict(zip(first.tolist(), counts.tolist(), strict=True))

    def _by_time(self, asked: _Asked, found: Found) -> Found:
        """The earliest or the latest that score enough, in that order; of one time as they were written."""
        query, sequences = asked.query, np.array(found.sequences, np.int64)
        times_s = self._views.times_s().of(sequences, default=np.nan)
        fits = (total_scores(found, asked.search.legs) >= query.min_score) & ~np.isnan(times_s)
        places = np.flatnonzero(fits)
        places = places[np.lexsort((sequences[places], times_s[places]))]
        first = places if query.order == "first" else places[::-1]
        return picked(found, first[: query.k].tolist())

    def _diverse(self, asked: _Asked, ranked: Sequence[Ranked]) -> list[Ranked]:
        """Some of the best that are unlike each other, best first."""
        similarity_legs = [leg for leg in asked.search.legs if not isinstance(leg, PriorLeg)]
        most = sum(leg.weight for leg in similarity_legs) or 1.0  # a perfect match is as relevant as 1
        experiences = self._experiences_at([item.sequence for item in ranked])
        ranked = [item for item in ranked if item.sequence in experiences]
        likeness = Likeness([experiences[item.sequence] for item in ranked])
        relevance = [item.score / most for item in ranked]
        places = choose_diverse(relevance, asked.query.k, asked.query.diversity, likeness)
        return [ranked[place] for place in sorted(places)]

    def _with_contrast(
        self, asked: _Asked, ranked: list[Ranked], reasons: dict[int, str]
    ) -> tuple[list[Ranked], dict[int, str]]:
        """The best with their reasons, some of the places given to the best of the opposite outcome."""
        k = asked.query.k
        n_opposite = min(asked.query.contrast, k - 1)
        opposite_outcome = self._opposite_of(ranked[0]) if ranked and n_opposite > 0 else None
        if opposite_outcome is None:
            return ranked, reasons
        name, where = opposite_outcome
        search = dataclasses.replace(asked.search, k=n_opposite, where=all_of(asked.query.where, where))
        opposite = _good_enough(asked.query, rank(self.backend.search(search), search.legs))
        reasons = reasons | {
            item.sequence: f"contrast: a {name} of a similar task{_mostly(item)}" for item in opposite
        }
        taken = {item.sequence for item in opposite}
        others = [item for item in ranked if item.sequence not in taken][: k - len(opposite)]
        return sorted([*others, *opposite], key=lambda item: (-item.score, -item.sequence)), reasons

    def _opposite_of(self, best: Ranked) -> tuple[str, Where] | None:
        """Name and filter of the opposite outcome; an unjudged or cancelled attempt has none."""
        experience = self._experiences_at([best.sequence]).get(best.sequence)
        status = "" if experience is None else experience.outcome.status.value
        if status == Status.SUCCESS:
            return "failure", In("outcome.status", FAILED)
        return ("success", Equals("outcome.status", Status.SUCCESS.value)) if status in FAILED else None

    def _experiences_at(self, sequences: Sequence[int]) -> dict[int, Experience]:
        """Those that are there, fetched at once; the last fetched are kept."""
        if self._generation != (generation := self._views.generation):
            self._recent, self._generation = RecentExperiences(), generation
        found = self._recent.those_of(sequences)
        missing = [at for at in dict.fromkeys(sequences) if at not in found]
        fetched: dict[int, Experience] = {}
        for logged in self.backend.get(missing) if missing else ():
            if logged is not None and logged.entry.kind == EntryKind.EXPERIENCE:
                entry = logged.entry
                fetched[logged.sequence] = experience_from_log(entry.payload, entry.vectors)
        self._recent.add(fetched)
        return found | fetched


def embedded_text(embedder: Embedder[str] | None, text: str) -> tuple[FieldVector, ...]:
    """The vector of a text to keep, as a field of its own; none without an embedder or a word."""
    if embedder is None or not text.strip():
        return ()
    values = embedder.embed([text])[0]
    return (FieldVector(field=TEXT_FIELD, space=embedder.space, values=values),)


def _embedded_query(embedder: Embedder[str] | None, text: str) -> tuple[FieldVector, ...]:
    """The same of a text that is asked, which some models want to be told."""
    if embedder is None or not text.strip():
        return ()
    if not isinstance(embedder, EmbedsQueries):
        return embedded_text(embedder, text)
    values = embedder.embed_queries([text])[0]
    return (FieldVector(field=TEXT_FIELD, space=embedder.space, values=values),)


def _part_name(field: str) -> str:
    return f"vector {field}" if field in _OWN_PARTS else field


def _good_enough(query: Query, ranked: Sequence[Ranked]) -> list[Ranked]:
    return [item for item in ranked if item.score >= query.min_score]


def _reasons(query: Query, chosen: Sequence[Ranked], best: Sequence[Ranked]) -> dict[int, str]:
    """Why each was chosen, by sequence number."""
    known = {item.sequence for item in best}
    return {
        item.sequence: f"{_place(query, place, item, is_best=item.sequence in known)}{_mostly(item)}"
        for place, item in enumerate(chosen)
    }


def _place(query: Query, place: int, item: Ranked, *, is_best: bool) -> str:
    if query.order != "best":
        return {"first": "earliest", "last": "latest"}[query.order] if place == 0 else "next in time"
    if not item.parts:
        return "newest" if place == 0 else "recent"
    if not is_best:
        return "unlike the better matches"
    return "best match" if place == 0 else "match"


def _mostly(item: Ranked) -> str:
    name = main_part(item.parts)
    if not name:
        return ", though nothing is shared" if item.parts else ""
    return f", mostly by {name} ({item.parts[name]:.2f} of {item.score:.2f})"


def _hit(item: Ranked, experience: Experience, reason: str, stands_for: Mapping[int, int]) -> Recalled:
    n_alike = stands_for.get(item.sequence, 1)
    if n_alike > 1:
        reason += f"; one of {n_alike:,} near duplicates"
    return Recalled(experience=experience, score=item.score, parts=item.parts, reason=reason, n_alike=n_alike)
