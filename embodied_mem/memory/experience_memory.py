"""`ExperienceMemory`, the library's own: keeps experiences in a log and ranks them by named parts."""

import math
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, Unpack, cast

import numpy as np

from embodied_mem.backends.capabilities import CanDefer
from embodied_mem.contracts import Backend, Embedder
from embodied_mem.errors import ConflictingId, InvalidQuery, InvalidRecord, UnknownName
from embodied_mem.memory.deferred_receipt import DeferredReceipt
from embodied_mem.memory.retrieval import TEXT_FIELD, Retrieval, embedded_text
from embodied_mem.memory.scoring import RankingWeights
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.memory.views.view import is_in
from embodied_mem.records.argument_checks import check_clock, check_embedder, check_type
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.experience import Experience, Receipt, Scope, texts_of
from embodied_mem.records.json_values import JsonObject, canonical
from embodied_mem.records.log import Appended, Entry, EntryKind, Logged
from embodied_mem.records.queries import Query, QueryFields, build_query
from embodied_mem.records.recollection import Recollection

ANY_SCOPE = Scope()
DEFAULT_WEIGHTS = RankingWeights()
DEFAULT_EMBEDDER: Embedder[str] | None = None  # words alone rank better than hashed vectors


class MemoryOptions(TypedDict, total=False):
    """The keywords of `ExperienceMemory`, which says what each means."""

    embedder: Embedder[str] | None
    scope: Scope
    weights: RankingWeights
    clock: Callable[[], float]


class ExperienceMemory:
    """Keeps experiences and gives back those most like the query in task, state, other texts and vectors.

    A score is the sum of named parts, each a similarity in [0, 1] times a weight, plus priors such as the
    trust that feedback has earned (see `RankingWeights`). Parts do not depend on what else was found, so
    scores of different queries can be compared. Threads may share it. Pickled, as for a spawned worker, it
    opens the log again where it arrives.

    Args:
        backend: The log that holds everything.
        embedder: Embeds the texts of experiences and queries, the latter by `contracts.EmbedsQueries` where
            it has that; None compares words alone. An experience that brings a vector of the field `text`
            keeps its own.
        scope: Fills the components that an experience leaves empty.
        weights: What each part counts.
        clock: Seconds since the Unix epoch, for experiences that do not say when they happened and for the
            ages behind recency.

    Raises:
        InvalidQuery: One of them is of another type, such as the name of an embedder.
    """

    _views: LogViews
    _retrieval: Retrieval
    _values: LogValues
    _deferring: CanDefer | None
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
        if embedder is not None:
            check_embedder(embedder)
        check_type("scope", scope, Scope, "a Scope, such as Scope(agent='robot-1')")
        check_type("weights", weights, RankingWeights, "RankingWeights, such as RankingWeights(recency=0.2)")
        check_clock(clock)
        self.backend = backend
        self.embedder = embedder
        self.scope = scope
        self.weights = weights
        self._clock = clock
        self._reset()

    def record(self, experience: Experience) -> Receipt:
        """Keep an experience; it survives `kill -9` once this returns, or once `Receipt.wait` does.

        An experience that does not say when it happened, or leaves components of its scope empty, gets them
        here. In a store with `commit_every` above 1 it waits for others: until so many were recorded, until
        anything is read, or until `flush`.

        Raises:
            ConflictingId: The id is taken by different content, or was withdrawn.
            InvalidRecord: It is no `Experience`.
            UnknownSpace: A vector lies in another space than the store holds for its field.
        """
        if not isinstance(experience, Experience):
            raise InvalidRecord(f"record got {type(experience).__name__}; expected an Experience(task=...)")
        try:
            entry = self._entry(experience, self._clock)
            if self._deferring is not None:
                deferred = self._deferring.defer(entry)
                if deferred.appended is None:
                    return DeferredReceipt(experience.id, deferred, self._deferring.flush)
                appended = deferred.appended
            else:
                [appended] = self.backend.append([entry])
        except ConflictingId:
            sequence = self._sequence_of_same(experience)
            if sequence is None:
                raise
            appended = Appended(sequence, is_duplicate=True)
        return self._receipt(experience.id, appended)

    def recall(self, query: Query | str | None = None, /, **fields: Unpack[QueryFields]) -> Recollection:
        """At most `k` experiences, best first; a list that also says how many were compared.

        Args:
            query: What is asked, as a `Query` or as free text.
            fields: Or its fields as keywords: `recall(task="go to the red ball", k=3)`.

        Raises:
            InvalidQuery: Both a `Query` and keywords were given, or a value cannot be used.
            UnknownSpace: A vector lies in another space than the store holds for its field.
        """
        asked = build_query(query, fields)
        with self._lock:
            return self._retrieval.recall(asked)

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Note whether acting on a recalled experience helped; its trust and so its rank follow.

        Raises:
            InvalidQuery: `helped` is no truth value; a text would count as True whatever it says.
            UnknownName: Nothing of that id was recorded, or it was withdrawn.
        """
        if not isinstance(helped, bool | np.bool_):
            raise InvalidQuery(f"helped is {helped!r}; expected True or False")
        sequence = self._sequence_of(experience_id) if isinstance(experience_id, str) else None
        if sequence is None or not self._is_visible(sequence):
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
        return self._values.head().last_sequence

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

    def flush(self) -> None:
        """Commit what waits; nothing does unless the store has a `commit_every` above 1.

        Raises:
            StoreError: The store cannot be written; everything keeps waiting.
        """
        if self._deferring is not None:
            self._deferring.flush()

    def close(self) -> None:
        """Close the back end; closing twice is allowed."""
        self.backend.close()

    def __getstate__(self) -> dict[str, Any]:
        derived = ("_values", "_views", "_retrieval", "_lock", "_deferring")
        return {name: value for name, value in vars(self).items() if name not in derived}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        self._reset()

    def _reset(self) -> None:
        self._views = LogViews(self.backend)
        self._retrieval = Retrieval(self.backend, self._views, self.embedder, self.weights, self._clock)
        self._values = LogValues(self.backend)
        is_deferring = isinstance(self.backend, CanDefer) and self.backend.commit_every > 1
        self._deferring = cast("CanDefer", self.backend) if is_deferring else None
        self._lock = threading.RLock()

    def _entry(self, experience: Experience, clock: Callable[[], float]) -> Entry:
        """Its entry in the log, with what recording fills in."""
        payload = experience_to_document(experience)
        payload["scope"] = self._scope_of(experience)
        if experience.happened_at_s is None:
            payload["happened_at_s"] = _finite_time(clock())
        texts = texts_of(experience)
        vectors = experience.vectors
        if self.embedder is not None and all(vector.field != TEXT_FIELD for vector in vectors):
            text = " ".join(part for part in texts.values() if part)
            vectors = (*vectors, *embedded_text(self.embedder, text))
        return Entry(
            id=experience.id,
            kind=EntryKind.EXPERIENCE,
            payload=payload,
            texts=texts,
            vectors=vectors,
            is_checked=True,
        )

    def _scope_of(self, experience: Experience) -> JsonObject:
        names = Scope.__dataclass_fields__
        return {name: getattr(experience.scope, name) or getattr(self.scope, name) for name in names}

    def _receipt(self, experience_id: str, appended: Appended) -> Receipt:
        if appended.is_duplicate and not self._is_visible(appended.sequence):
            raise ConflictingId(f"{experience_id!r} was withdrawn; record it again under an id of its own")
        return Receipt(experience_id, appended.sequence, appended.is_duplicate)

    def _sequence_of_same(self, experience: Experience) -> int | None:
        """Where the same experience is kept already, if all that differs is what recording it filled in."""
        logged = self._experience_entry(experience.id)
        if logged is None:
            return None
        stored = logged.entry
        happened_at_s = cast("float | None", stored.payload.get("happened_at_s")) or 0.0
        again = self._entry(experience, lambda: happened_at_s)
        is_same_vectors = all(vector in stored.vectors for vector in experience.vectors)
        is_same = canonical(again.payload) == canonical(stored.payload) and is_same_vectors
        return logged.sequence if is_same else None

    def _sequence_of(self, experience_id: str) -> int | None:
        return self._values.sequences_of([experience_id]).get(experience_id)

    def _experience_entry(self, experience_id: str) -> Logged | None:
        [logged] = self.backend.get([experience_id])
        return logged if logged is not None and logged.entry.kind == EntryKind.EXPERIENCE else None

    def _is_visible(self, sequence: int) -> bool:
        with self._lock:
            self._views.catch_up()
            return is_in(sequence, self._views.visible(None))


def _finite_time(time_s: float) -> float:
    if not math.isfinite(time_s):
        raise InvalidRecord(f"the clock says {time_s}; expected seconds since the Unix epoch")
    return float(time_s)
