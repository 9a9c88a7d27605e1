"""`ExperienceMemory`, the library's memory: stores experiences in a log and ranks them by named parts."""

import dataclasses
import math
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, Unpack, cast

import numpy as np
import numpy.typing as npt

from embodied_mem.backends.capabilities import CanDefer, HasTimes
from embodied_mem.contracts import Backend, Embedder
from embodied_mem.errors import ConflictingId, InvalidQuery, InvalidRecord, UnknownName
from embodied_mem.memory.deferred_receipt import DeferredReceipt
from embodied_mem.memory.recall_many import RecalledMany, checked_vectors
from embodied_mem.memory.retrieval import TEXT_FIELD, Retrieval, embedded_text
from embodied_mem.memory.scoring import RankingWeights
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.memory.views.view import is_in
from embodied_mem.records.answers import EVERY_FIELD
from embodied_mem.records.argument_checks import check_clock, check_embedder, check_type
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.experience import Experience, Receipt, Scope, texts_of
from embodied_mem.records.filters import EVERYTHING, Where
from embodied_mem.records.json_values import JsonObject, canonical, to_json_object
from embodied_mem.records.log import Appended, Entry, EntryKind, Logged, entry_about
from embodied_mem.records.queries import Query, QueryFields, build_query
from embodied_mem.records.recollection import Recollection
from embodied_mem.records.spaces import FieldVector, Space

ANY_SCOPE = Scope()
DEFAULT_WEIGHTS = RankingWeights()
DEFAULT_EMBEDDER: Embedder[str] | None = None  # words alone rank better than hashed vectors


class MemoryOptions(TypedDict, total=False):
    """The keyword arguments of `ExperienceMemory`."""

    embedder: Embedder[str] | None
    scope: Scope
    weights: RankingWeights
    clock: Callable[[], float]


class ExperienceMemory:
    """Stores experiences and recalls those most similar to a query in task, state, other texts and vectors.

    A score is the sum of named parts, each a similarity in [0, 1] times a weight, plus priors such as the
    trust earned by feedback (see `RankingWeights`). Parts do not depend on the other hits, so scores of
    different queries can be compared. Safe to share between threads. Unpickling, for example in a spawned
    worker, opens the log again.

    Args:
        backend: The log.
        embedder: Embeds the texts of experiences and queries, the latter with `contracts.EmbedsQueries` if
            implemented; None compares words only. An experience with a vector of the field `text` keeps it.
        scope: Default for empty scope components of recorded experiences.
        weights: Weights of the parts.
        clock: Returns seconds since the Unix epoch: the time of experiences without one, and the reference of
            ages for recency.

    Raises:
        InvalidQuery: An argument has the wrong type, for example the name of an embedder.
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

    @property
    def answers(self) -> frozenset[str]:
        """Names of the fields of `Query` that it answers: all, `as_of_s` only if the log stores times."""
        return EVERY_FIELD if isinstance(self.backend, HasTimes) else EVERY_FIELD - {"as_of_s"}

    def record(self, experience: Experience) -> Receipt:
        """Store an experience; it survives `kill -9` once this returns, or once `Receipt.wait` does.

        Fills a missing time and empty scope components. In a store with `commit_every` above 1 the experience
        is queued until that many are recorded, until any read, or until `flush`.

        Raises:
            ConflictingId: The id belongs to different content, or was withdrawn.
            Exception: What the embedder raised, or `InvalidEmbedding` if it gave anything but one row of
                finite numbers. The experience is kept without its vector, which `MemoryStore.reembed` adds.
            InvalidRecord: The argument is not an `Experience`, or was changed to hold what JSON cannot.
            StoreError: The store cannot be written; this experience was not recorded.
            UnknownSpace: A vector's space differs from the store's space for its field.
        """
        _check_experience("record", experience)
        entry = self._entry(experience, self._clock)
        failure: Exception | None = None
        try:
            entry = self._with_vector(entry, experience)
        except Exception as error:  # of the embedder, which may be a model behind a network
            failure = error
        receipt = self._append(experience, entry)
        if failure is not None:
            failure.add_note(f"{experience.id} was recorded without its vector; MemoryStore.reembed adds it")
            raise failure
        return receipt

    def _append(self, experience: Experience, entry: Entry) -> Receipt:
        try:
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

    def record_all(
        self, experiences: Sequence[Experience], /, *, replacing: Sequence[str] = ()
    ) -> list[Receipt]:
        """Store experiences in one transaction, all or none; they survive `kill -9` once this returns.

        Queued experiences of a store with `commit_every` above 1 are committed first. Experiences without a
        time get the same one.

        Args:
            experiences: What to store.
            replacing: Ids of experiences that these take the place of: archived in the same transaction, so
                that no recall finds both or neither.

        Raises:
            ConflictingId: An id belongs to different content, or was withdrawn.
            InvalidRecord: One of them is not an `Experience`.
            StoreError: The store cannot be written.
            UnknownName: No experience has an id in `replacing`, or it was withdrawn; nothing was stored.
            UnknownSpace: A vector's space differs from the store's space for its field.
        """
        given = list(experiences)
        for experience in given:
            _check_experience("record_all", experience)
        known = self._known_sequences(given)
        for experience_id in replacing:
            self._check_known(experience_id)
        at_s = self._clock()
        new = [each for each, sequence in zip(given, known, strict=True) if sequence is None]
        entries = [self._with_vector(self._entry(each, lambda: at_s), each) for each in new]
        entries += [entry_about(EntryKind.ARCHIVE, each, reason="replaced", at_s=at_s) for each in replacing]
        appended = iter(self.backend.append(entries))
        return [
            self._receipt(each.id, next(appended))
            if sequence is None
            else Receipt(each.id, sequence, is_duplicate=True)
            for each, sequence in zip(given, known, strict=True)
        ]

    def recall(self, query: Query | str | None = None, /, **fields: Unpack[QueryFields]) -> Recollection:
        """Return at most `k` experiences, best first, with the number of candidates.

        Args:
            query: A `Query`, or free text.
            fields: Fields of the query as keywords: `recall(task="go to the red ball", k=3)`.

        Raises:
            InvalidEmbedding: The embedder gave anything but one row of finite numbers.
            InvalidQuery: Both a `Query` and keywords are given, or a value is invalid.
            UnknownSpace: A vector's space differs from the store's space for its field.
        """
        asked = build_query(query, fields)
        with self._lock:
            return self._retrieval.recall(asked)

    def recall_many(
        self,
        vectors: npt.ArrayLike,
        *,
        field: str,
        space: Space,
        where: Where = EVERYTHING,
        k: int = 5,
        as_of: int | None = None,
    ) -> RecalledMany:
        """Return for each vector the ids and scores of what a recall by it alone returns; `CanRecallMany`.

        Raises:
            InvalidQuery: The vectors are not (n, d) finite numbers, or another value is invalid.
            UnknownSpace: The space is not that of the field.
        """
        rows = checked_vectors(vectors, space)
        any_vector = FieldVector(field=field, space=space, values=np.zeros(space.dimension, np.float32))
        query = Query(vectors=(any_vector,), where=where, k=k, as_of=as_of)
        with self._lock:
            return self._retrieval.recall_many(query, rows)

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Record whether acting on a recalled experience helped; this changes its trust and rank.

        Raises:
            InvalidQuery: `helped` is not a bool.
            UnknownName: No experience has that id, or it was withdrawn.
        """
        if not isinstance(helped, bool | np.bool_):  # any non-empty text would count as True
            raise InvalidQuery(f"helped is {helped!r}; expected True or False")
        self._check_known(experience_id)
        payload: JsonObject = {
            "experience_id": experience_id,
            "helped": bool(helped),
            "at_s": float(self._clock()),
        }
        self.backend.append([Entry(id=uuid.uuid4().hex, kind=EntryKind.FEEDBACK, payload=payload)])

    def horizon(self) -> int:
        """Return the newest sequence number or 0; as `Query.as_of` it hides everything recorded later."""
        return self._values.head().last_sequence

    def withdraw(self, after: int) -> None:
        """Hide everything written so far after a sequence number, for example by a killed attempt.

        Hidden entries stay in the log but are neither recalled nor counted as feedback. Later entries are
        visible.

        Args:
            after: The last sequence number that stays visible, >= 0; a `horizon` from before the attempt.
        """
        if isinstance(after, bool) or not isinstance(after, int) or after < 0:
            raise InvalidQuery(f"after is {after!r}; expected a sequence number of at least 0")
        payload: JsonObject = {"after": after, "at_s": float(self._clock())}
        self.backend.append([Entry(id=uuid.uuid4().hex, kind=EntryKind.WITHDRAWAL, payload=payload)])

    def flush(self) -> None:
        """Commit queued experiences; there are none unless the store has a `commit_every` above 1.

        Raises:
            StoreError: The store cannot be written; the experiences stay queued.
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
        """Return the log entry of an experience, with its default time and scope filled in."""
        payload = experience_to_document(experience)
        payload["scope"] = self._scope_of(experience)
        if experience.happened_at_s is None:
            payload["happened_at_s"] = _finite_time(clock())
        return Entry(
            id=experience.id,
            kind=EntryKind.EXPERIENCE,
            payload=payload,
            texts=texts_of(experience),
            vectors=experience.vectors,
            is_checked=True,
        )

    def _with_vector(self, entry: Entry, experience: Experience) -> Entry:
        """Return the entry with the vector of its texts, unless the experience brought one."""
        if self.embedder is None or any(vector.field == TEXT_FIELD for vector in experience.vectors):
            return entry
        text = " ".join(part for part in entry.texts.values() if part)
        return dataclasses.replace(entry, vectors=(*entry.vectors, *embedded_text(self.embedder, text)))

    def _scope_of(self, experience: Experience) -> JsonObject:
        names = Scope.__dataclass_fields__
        return {name: getattr(experience.scope, name) or getattr(self.scope, name) for name in names}

    def _receipt(self, experience_id: str, appended: Appended) -> Receipt:
        if appended.is_duplicate:
            self._check_visible(experience_id, appended.sequence)
        return Receipt(experience_id, appended.sequence, appended.is_duplicate)

    def _check_known(self, experience_id: str) -> None:
        sequence = self._sequence_of(experience_id) if isinstance(experience_id, str) else None
        if sequence is None or not self._is_visible(sequence):
            raise UnknownName(
                f"No experience {experience_id!r} in this memory; give the id of a recalled one "
                "(`recalled.experience.id`)."
            )

    def _check_visible(self, experience_id: str, sequence: int) -> None:
        if not self._is_visible(sequence):
            raise ConflictingId(f"{experience_id!r} was withdrawn; record it again under a new id")

    def _known_sequences(self, experiences: Sequence[Experience]) -> list[int | None]:
        """Return the sequence number of each that is stored already, up to filled-in defaults; else None."""
        stored = self._values.sequences_of([each.id for each in experiences])
        for experience_id, sequence in stored.items():
            self._check_visible(experience_id, sequence)
        return [self._sequence_of_same(each) if each.id in stored else None for each in experiences]

    def _sequence_of_same(self, experience: Experience) -> int | None:
        """Return the sequence number of a stored experience equal up to filled-in defaults, or None."""
        logged = self._experience_entry(experience.id)
        if logged is None:
            return None
        stored = logged.entry
        happened_at_s = cast("float | None", stored.payload.get("happened_at_s")) or 0.0
        again = self._entry(experience, lambda: happened_at_s)
        is_same_vectors = all(vector in stored.vectors for vector in experience.vectors)
        # The payload may have been changed after it was validated, to hold an array for example.
        payload = to_json_object(again.payload, field="experience")
        is_same = canonical(payload) == canonical(stored.payload) and is_same_vectors
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


def _check_experience(call: str, experience: object) -> None:
    if not isinstance(experience, Experience):
        raise InvalidRecord(
            f"{call} got {type(experience).__name__}; expected an Experience, such as Experience(task=...)"
        )


def _finite_time(time_s: float) -> float:
    if not math.isfinite(time_s):
        raise InvalidRecord(f"the clock returned {time_s}; expected seconds since the Unix epoch")
    return float(time_s)
