"""`ExperienceMemory`, the library's own: keeps experiences in a log and ranks them by named parts."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Unpack

from embodied_mem.codec import experience_from_document, experience_to_document
from embodied_mem.contracts import Backend, Embedder
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import ConflictingId, InvalidQuery, InvalidRecord, UnknownName
from embodied_mem.json_values import JsonObject
from embodied_mem.log import Appended, Entry, EntryKind, Logged, Search, Span
from embodied_mem.queries import Query, QueryFields, build_query
from embodied_mem.ranking import RankingWeights
from embodied_mem.records import Experience, Recalled, Receipt, Scope, text_of
from embodied_mem.retrieval import TEXT_FIELD, Retrieval, embedded_text
from embodied_mem.views.log_views import LogViews, is_in

ANY_SCOPE = Scope()
DEFAULT_WEIGHTS = RankingWeights()
DEFAULT_EMBEDDER: Embedder[str] = HashedEmbedder()


class ExperienceMemory:
    """Keeps experiences and gives back those most like the query in task, state, other texts and vectors.

    A score is the sum of named parts, each a similarity in [0, 1] times a weight, plus the trust that
    feedback has earned. Parts do not depend on what else was found, so scores of different queries can be
    compared. Threads may share it. Pickled, as for a spawned worker, it opens the log again where it arrives.

    Args:
        backend: The log that holds everything.
        embedder: Embeds the texts of experiences and queries; None compares words alone. An experience that
            brings a vector of the field `text` keeps its own.
        scope: Fills the components that an experience leaves empty.
        weights: What each part counts.
        clock: Seconds since the Unix epoch, for experiences that do not say when they happened.
    """

    _views: LogViews
    _retrieval: Retrieval
    _newest: int
    _lock: threading.RLock

    def __init__(
        self,
        backend: Backend,
        *,
        embedder: Embedder[str] | None = DEFAULT_EMBEDDER,
        scope: Scope = ANY_SCOPE,
        weights: RankingWeights = DEFAULT_WEIGHTS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.backend = backend
        self.embedder = embedder
        self.scope = scope
        self.weights = weights
        self._clock = clock
        self._reset()

    def record(self, experience: Experience) -> Receipt:
        """Keep an experience; it survives `kill -9` once this returns.

        An experience that does not say when it happened, or leaves components of its scope empty, gets them
        here.

        Raises:
            ConflictingId: The id is taken by different content, or was withdrawn.
            InvalidRecord: It is no `Experience`.
            UnknownSpace: A vector lies in another space than the store holds for its field.
        """
        if not isinstance(experience, Experience):
            raise InvalidRecord(f"record got {type(experience).__name__}; expected an Experience(task=...)")
        filled = self._filled(experience, now_s=self._clock())
        try:
            [appended] = self.backend.append([self._entry(filled)])
        except ConflictingId:
            sequence = self._sequence_of_same(experience)
            if sequence is None:
                raise
            appended = Appended(sequence, is_duplicate=True)
        if appended.is_duplicate and not self._is_visible(appended.sequence):
            raise ConflictingId(f"{experience.id!r} was withdrawn; record it again under an id of its own")
        return Receipt(experience.id, appended.sequence, appended.is_duplicate)

    def recall(self, query: Query | str | None = None, /, **fields: Unpack[QueryFields]) -> list[Recalled]:
        """At most `k` experiences, best first.

        Args:
            query: What is asked, as a `Query` or as free text.
            fields: Or its fields as keywords: `recall(task="go to the red ball", k=3)`.

        Raises:
            InvalidQuery: Both a `Query` and keywords were given, or a value cannot be used.
            UnknownSpace: A vector lies in another space than the store holds for its field.
        """
        asked = build_query(query, fields)
        with self._lock:
            self._views.catch_up()
            return self._retrieval.recall(asked)

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Note whether acting on a recalled experience helped; its trust and so its rank follow.

        Raises:
            UnknownName: Nothing of that id was recorded, or it was withdrawn.
        """
        logged = self._experience_entry(experience_id) if isinstance(experience_id, str) else None
        if logged is None or not self._is_visible(logged.sequence):
            raise UnknownName(
                f"No experience {experience_id!r} was recorded here; give the id of a recalled one "
                "(`recalled.experience.id`)."
            )
        payload: JsonObject = {
            "experience_id": experience_id,
            "helped": bool(helped),
            "at_s": float(self._clock()),
        }
        self.backend.append([Entry(id=uuid.uuid4().hex, kind=EntryKind.FEEDBACK, payload=payload)])

    def horizon(self) -> int:
        """The newest sequence number, 0 at first; as `Query.as_of` it hides everything recorded later."""
        with self._lock:  # only what is newer than the last answer is looked at
            newer = self.backend.search(Search(kind=None, spans=(Span(self._newest + 1),), k=1))
            self._newest = max((self._newest, *newer.sequences))
            return self._newest

    def withdraw(self, after: int) -> None:
        """Hide everything written so far after a sequence number, such as by an attempt that was killed.

        It stays in the log and is neither recalled nor counted as feedback. What is written later is seen.

        Args:
            after: The last sequence number that stays visible, >= 0; a `horizon` from before the attempt.
        """
        if isinstance(after, bool) or not isinstance(after, int) or after < 0:
            raise InvalidQuery(f"after is {after!r}; expected a sequence number of at least 0")
        payload: JsonObject = {"after": after, "at_s": float(self._clock())}
        self.backend.append([Entry(id=uuid.uuid4().hex, kind=EntryKind.WITHDRAWAL, payload=payload)])

    def close(self) -> None:
        """Close the back end; closing twice is allowed."""
        self.backend.close()

    def __getstate__(self) -> dict[str, Any]:
        derived = ("_views", "_retrieval", "_newest", "_lock")
        return {name: value for name, value in vars(self).items() if name not in derived}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        self._reset()

    def _reset(self) -> None:
        self._views = LogViews(self.backend)
        self._retrieval = Retrieval(self.backend, self._views, self.embedder, self.weights)
        self._newest = 0
        self._lock = threading.RLock()

    def _filled(self, experience: Experience, *, now_s: float) -> Experience:
        own = experience.scope
        names = Scope.__dataclass_fields__
        scope = Scope(**{name: getattr(own, name) or getattr(self.scope, name) for name in names})
        happened_at_s = now_s if experience.happened_at_s is None else experience.happened_at_s
        vectors = experience.vectors
        text = " ".join(part for part in text_of(experience).values() if part)
        if all(vector.field != TEXT_FIELD for vector in vectors):
            vectors = (*vectors, *embedded_text(self.embedder, text))
        return experience.replace(scope=scope, happened_at_s=happened_at_s, vectors=vectors)

    def _entry(self, experience: Experience) -> Entry:
        return Entry(
            id=experience.id,
            kind=EntryKind.EXPERIENCE,
            payload=experience_to_document(experience),
            texts=text_of(experience),
            vectors=experience.vectors,
        )

    def _sequence_of_same(self, experience: Experience) -> int | None:
        """Where the same experience is kept already, if all that differs is what recording it filled in."""
        logged = self._experience_entry(experience.id)
        if logged is None:
            return None
        stored = experience_from_document(logged.entry.payload, logged.entry.vectors)
        again = self._filled(experience, now_s=stored.happened_at_s or 0.0)
        given = {vector.field: vector for vector in experience.vectors}
        is_same_vectors = all(vector in stored.vectors for vector in given.values())
        is_same = experience_to_document(again) == experience_to_document(stored) and is_same_vectors
        return logged.sequence if is_same else None

    def _experience_entry(self, experience_id: str) -> Logged | None:
        [logged] = self.backend.get([experience_id])
        return logged if logged is not None and logged.entry.kind == EntryKind.EXPERIENCE else None

    def _is_visible(self, sequence: int) -> bool:
        with self._lock:
            self._views.catch_up()
            return is_in(sequence, self._views.visible(None))
