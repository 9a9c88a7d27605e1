"""The contracts of memory, back end and embedder each notice a deliberately wrong implementation."""

import dataclasses
import tempfile
import threading
import uuid
from pathlib import Path

import numpy as np
import pytest
from planted import failures

from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import UnknownName
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records import Recalled, Receipt
from embodied_mem.records.answers import EVERY_FIELD, refuse_unanswerable
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.filters import EVERYTHING, matches
from embodied_mem.records.log import Deferred, Found, Search
from embodied_mem.records.queries import Query
from embodied_mem.testing.backend import BackendContract
from embodied_mem.testing.embedder import EmbedderContract
from embodied_mem.testing.memory import MemoryContract


@pytest.fixture
def new_path():
    """Makes a path nobody used yet."""
    with tempfile.TemporaryDirectory() as folder:
        yield lambda: Path(folder) / uuid.uuid4().hex / "log.sqlite"


def picked(found, rows):
    """The found entries at these places alone."""
    similarities = {name: tuple(values[row] for row in rows) for name, values in found.similarities.items()}
    return Found(tuple(found.sequences[row] for row in rows), similarities, len(rows), is_exact=True)


class PostFiltering(SqliteBackend):
    """Filters the best few after fetching them, as other libraries do."""

    def search(self, search):
        fetched = super().search(dataclasses.replace(search, where=EVERYTHING, k=2 * search.k))
        payloads = {logged.sequence: logged.entry.payload for logged in self.changes_since(0)}
        rows = [row for row, at in enumerate(fetched.sequences) if matches(search.where, payloads[at])]
        return picked(fetched, rows[: search.k])


class Doubling(SqliteBackend):
    """Stores a repeated write a second time."""

    def append(self, entries):
        known = {logged.entry.id for logged in self.changes_since(0)}
        return super().append(
            [dataclasses.replace(e, id=uuid.uuid4().hex) if e.id in known else e for e in entries]
        )


class OneByOne(SqliteBackend):
    """Keeps the first half of a batch whose second half is refused."""

    def append(self, entries):
        return [appended for entry in entries for appended in super(OneByOne, self).append([entry])]


class PeekingBackend(SqliteBackend):
    """Counts words over the whole log whatever part of it is asked for."""

    def search(self, search):
        found = super().search(dataclasses.replace(search, spans=Search().spans, k=10_000))
        seen = super().search(dataclasses.replace(search, legs=(), k=10_000)).sequences
        return picked(found, [row for row, at in enumerate(found.sequences) if at in seen][: search.k])


class OldestFirst(SqliteBackend):
    def search(self, search):
        found = super().search(dataclasses.replace(search, k=10_000))
        rows = list(range(len(found.sequences)))[:: 1 if search.legs else -1]
        return dataclasses.replace(picked(found, rows[: search.k]), n_candidates=found.n_candidates)


class SpaceBlind(SqliteBackend):
    """Takes a vector of any space for one of the field's own."""

    def append(self, entries):
        return super().append(
            [dataclasses.replace(e, vectors=tuple(map(self._known, e.vectors))) for e in entries]
        )

    def _known(self, vector):
        space = self.spaces().get(vector.field, vector.space)
        return (
            vector if space.dimension != vector.space.dimension else dataclasses.replace(vector, space=space)
        )


class UsableAfterClose(SqliteBackend):
    def close(self):
        super().close()
        self._reset()


@pytest.mark.parametrize(
    ("faulty", "noticed_by"),
    [
        (PostFiltering, "test_a_rare_filter_loses_nothing"),
        (Doubling, "test_writing_again_stores_nothing_new"),
        (OneByOne, "test_a_batch_is_kept_whole_or_not_at_all"),
        (PeekingBackend, "test_the_past_stays_as_it_was"),
        (OldestFirst, "test_at_most_k_come_back_newest_first_without_legs"),
        (SpaceBlind, "test_a_vector_of_another_space_is_refused_by_name"),
        (UsableAfterClose, "test_a_closed_back_end_refuses_everything_but_closing"),
    ],
)
def test_the_back_end_contract_notices(new_path, faulty, noticed_by):
    assert noticed_by in failures(BackendContract, backend=lambda: faulty(new_path()))


class TwoHandles(BackendContract):
    def second_handle(self, backend):
        return backend.another()


class SharedList(InMemoryBackend):
    """Several handles of one list, as connections to a server; a handle closes alone."""

    def __init__(self, server=None):
        super().__init__()
        self.server = InMemoryBackend() if server is None else server

    def another(self):
        return type(self)(self.server)

    def append(self, entries):
        self._check_open()
        return self.server.append(entries)

    def get(self, keys):
        self._check_open()
        return self.server.get(keys)

    def changes_since(self, sequence, *, limit=None):
        self._check_open()
        return self.server.changes_since(sequence, limit=limit)

    def search(self, search):
        self._check_open()
        return self.server.search(search)

    def _check_open(self):
        super().changes_since(0)


class NumberedEarly(SharedList):
    """Numbers entries before it commits, as a sequence of a database does: each third commit is late.

    The commit after a late one waits until somebody has read the log in between.
    """

    def __init__(self, server=None):
        super().__init__(server)
        self.writing, self.was_read = threading.Lock(), threading.Event()

    def another(self):
        handle = super().another()
        handle.writing, handle.was_read = self.writing, self.was_read
        return handle

    def append(self, entries):
        with self.writing:
            [appended] = super().append(entries)
            for _ in range(2 if appended.sequence % 3 == 2 else 0):  # the first may be of a read begun before
                self.was_read.clear()
                self.was_read.wait()
        return [appended]

    def changes_since(self, sequence, *, limit=None):
        newest = len(self.server.changes_since(0))
        seen = super().changes_since(sequence)
        self.was_read.set()
        return [logged for logged in seen if logged.sequence % 3 != 1 or newest >= logged.sequence + 2]


class NumberedWhenQueued(SqliteBackend):
    """Commits an entry when it is queued, and shows it to others at the next flush."""

    def defer(self, entry):
        [appended] = self.append([entry])
        return Deferred(appended)


class TwoFiles(BackendContract):
    def second_handle(self, backend):
        return type(backend)(backend.path, commit_every=4)


def test_the_back_end_contract_notices_a_number_that_becomes_visible_late():
    with pytest.raises(AssertionError):
        TwoHandles().test_no_entry_becomes_visible_below_one_that_was_seen(NumberedEarly())


def test_the_back_end_contract_notices_a_number_given_before_the_commit(new_path):
    noticed = failures(TwoFiles, backend=lambda: NumberedWhenQueued(new_path(), commit_every=4))
    assert noticed == ["test_an_entry_that_waited_comes_after_those_committed_meanwhile"]


def test_the_back_end_contract_is_content_with_a_shared_list():
    assert failures(TwoHandles, backend=SharedList) == []


def test_the_back_end_contract_is_content_with_a_right_one(new_path):
    assert failures(BackendContract, backend=lambda: SqliteBackend(new_path())) == []


class ListMemory:
    """A stranger's memory: a list in this process, newest first; right, and with no horizon."""

    def __init__(self):
        self.kept = {}

    def record(self, experience):
        from embodied_mem.errors import ConflictingId

        before = self.kept.get(experience.id)
        if before is not None and before != experience:
            raise ConflictingId(f"{experience.id} is taken")
        self.kept[experience.id] = experience
        return Receipt(experience.id, is_duplicate=before is not None)

    def recall(self, query: Query, /):
        found = [e for e in reversed(self.kept.values()) if matches(query.where, experience_to_document(e))]
        hits = [Recalled(experience=e, score=0.0, parts={}, reason="newest") for e in found]
        return [hit for hit in hits if hit.score >= query.min_score][: query.k]

    def feedback(self, experience_id, *, helped):
        if experience_id not in self.kept:
            raise UnknownName(experience_id)


class IgnoresK(ListMemory):
    def recall(self, query, /):
        return super().recall(dataclasses.replace(query, k=10_000))


class IgnoresWhere(ListMemory):
    def recall(self, query, /):
        return super().recall(dataclasses.replace(query, where=EVERYTHING))


class IgnoresMinimum(ListMemory):
    def recall(self, query, /):
        return super().recall(dataclasses.replace(query, min_score=-1))


class FiltersAfterFetching(ListMemory):
    def recall(self, query, /):
        fetched = super().recall(dataclasses.replace(query, where=EVERYTHING, k=4 * query.k))
        return [h for h in fetched if matches(query.where, experience_to_document(h.experience))][: query.k]


class LastWriterWins(ListMemory):
    def record(self, experience):
        self.kept[experience.id] = experience
        return Receipt(experience.id)


class TakesAnyFeedback(ListMemory):
    def feedback(self, experience_id, *, helped):
        pass


class DropsMetadata(ListMemory):
    def record(self, experience):
        return super().record(experience.replace(metadata={}))


class ScopeByPrefix(ListMemory):
    """Compares scopes as texts that may go on."""

    def recall(self, query, /):
        agent = (
            getattr(query.where, "value", None) if getattr(query.where, "path", "") == "scope.agent" else None
        )
        if agent is None:
            return super().recall(query)
        found = super().recall(dataclasses.replace(query, where=EVERYTHING))
        return [hit for hit in found if hit.experience.scope.agent.startswith(agent)]


@pytest.mark.parametrize(
    ("faulty", "noticed_by"),
    [
        (IgnoresK, "test_recall_gives_at_most_k"),
        (IgnoresWhere, "test_nothing_outside_the_filter_comes_back"),
        (IgnoresMinimum, "test_scores_below_the_minimum_are_left_out"),
        (FiltersAfterFetching, "test_the_filter_comes_before_the_choice"),
        (LastWriterWins, "test_an_id_with_other_content_is_refused"),
        (TakesAnyFeedback, "test_feedback_on_what_was_never_recorded_is_refused"),
        (DropsMetadata, "test_what_was_recorded_comes_back_whole"),
        (ScopeByPrefix, "test_scopes_are_compared_whole"),
    ],
)
def test_the_memory_contract_notices(faulty, noticed_by):
    assert noticed_by in failures(MemoryContract, memory=faulty)


class ForgetsTheHorizon(ExperienceMemory):
    def recall(self, query=None, /, **fields):
        return super().recall(dataclasses.replace(query, as_of=None), **fields)


class CountsUse(ExperienceMemory):
    """Writes down each recall."""

    def recall(self, query=None, /, **fields):
        hits = super().recall(query, **fields)
        for hit in hits:
            self.feedback(hit.experience.id, helped=True)
        return hits


@pytest.mark.parametrize(
    ("faulty", "noticed_by"),
    [
        (ForgetsTheHorizon, "test_what_comes_after_the_horizon_is_not_seen"),
        (CountsUse, "test_recalling_writes_nothing"),
    ],
)
def test_the_memory_contract_notices_faults_of_a_horizon(new_path, faulty, noticed_by):
    assert noticed_by in failures(MemoryContract, memory=lambda: faulty(SqliteBackend(new_path())))


def test_the_memory_contract_is_content_with_a_strangers_list():
    assert failures(MemoryContract, memory=ListMemory) == []


class HonestList(ListMemory):
    """Declares what it looks at, and rejects the rest."""

    answers = frozenset({"where", "min_score"})

    def recall(self, query, /):
        refuse_unanswerable(query, answers=self.answers)
        return super().recall(query)


class PlainList(HonestList):
    """Looks at nothing but k, so that not even filters apply."""

    answers = frozenset()


class ClaimsEverything(ListMemory):
    """Declares fields that it ignores."""

    answers = EVERY_FIELD


class RefusesNothing(ListMemory):
    """Declares what it looks at, and ignores the rest."""

    answers = frozenset({"where", "min_score"})


class Misspells(HonestList):
    answers = frozenset({"where", "min_score", "tsak"})


class HalfABatch(ListMemory):
    def record_all(self, experiences, /):
        return [self.record(experience) for experience in experiences]


class ClosesOnce(ListMemory):
    is_closed = False

    def close(self):
        assert not self.is_closed
        self.is_closed = True


class Reopened(MemoryContract):
    def reopen(self, memory):
        return type(memory)()


CHANGES = "test_a_field_that_it_answers_changes_or_bounds_the_result"


@pytest.mark.parametrize(
    ("contract", "faulty", "noticed_by"),
    [
        (MemoryContract, ClaimsEverything, CHANGES),
        (MemoryContract, RefusesNothing, "test_a_field_that_it_does_not_answer_is_rejected_by_name"),
        (MemoryContract, Misspells, "test_what_it_declares_are_fields_of_a_query"),
        (MemoryContract, HalfABatch, "test_a_batch_is_stored_whole_or_not_at_all"),
        (MemoryContract, ClosesOnce, "test_closing_twice_is_allowed"),
        (Reopened, ListMemory, "test_what_was_acknowledged_is_there_when_opened_again"),
    ],
)
def test_the_memory_contract_notices_a_promise_that_is_not_kept(contract, faulty, noticed_by):
    assert failures(contract, memory=faulty) == [noticed_by]


@pytest.mark.parametrize("right", [HonestList, PlainList])
def test_the_memory_contract_is_content_with_a_memory_that_says_what_it_can(right):
    assert failures(MemoryContract, memory=right) == []


@pytest.mark.parametrize("field", sorted(EVERY_FIELD - {"k", "include_archived", "where", "min_score"}))
def test_the_memory_contract_notices_each_field_that_is_claimed_and_ignored(field):
    claims = type("Claims", (HonestList,), {"answers": HonestList.answers | {field}})
    assert failures(MemoryContract, memory=claims) == [CHANGES]


class BatchDependent(HashedEmbedder):
    """Centres each batch, so that a row depends on its neighbours."""

    def embed(self, inputs):
        vectors = super().embed(inputs)
        return vectors - vectors.mean(axis=0, keepdims=True) if len(inputs) else vectors


class Overwriting(HashedEmbedder):
    """Hands out its own buffer."""

    buffer = np.zeros((100, 512), dtype=np.float32)

    def embed(self, inputs):
        self.buffer[: len(inputs)] = super().embed(inputs)
        return self.buffer[: len(inputs)]


class DoublePrecision(HashedEmbedder):
    def embed(self, inputs):
        return super().embed(inputs).astype(np.float64)


class Constant(HashedEmbedder):
    def embed(self, inputs):
        return np.ones((len(inputs), self.space.dimension), dtype=np.float32)


class NotFinite(HashedEmbedder):
    """Divides the vector of an empty text by its length."""

    def embed(self, inputs):
        vectors = super().embed(inputs)
        with np.errstate(invalid="ignore"):
            return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("faulty", "noticed_by"),
    [
        (BatchDependent, "test_a_row_does_not_depend_on_the_batch"),
        (Overwriting, "test_asking_again_gives_the_same"),
        (DoublePrecision, "test_gives_one_finite_row_an_input"),
        (Constant, "test_unlike_inputs_give_unlike_rows"),
        (NotFinite, "test_gives_one_finite_row_an_input"),
    ],
)
def test_the_embedder_contract_notices(faulty, noticed_by):
    assert noticed_by in failures(EmbedderContract, embedder=faulty)


class Prefixing(HashedEmbedder):
    """Tells a model what a text is, in words, as E5 wants it."""

    def embed(self, inputs):
        return super().embed([f"passage: {text}" for text in inputs])

    def embed_queries(self, queries):
        return super().embed([f"query: {text}" for text in queries])


class LeavesThePrefix(HashedEmbedder):
    """Sets a prefix for queries and forgets to take it away."""

    prefix = ""

    def embed(self, inputs):
        return super().embed([self.prefix + text for text in inputs])

    def embed_queries(self, queries):
        self.prefix = "query: "
        return self.embed(queries)


class AnotherSpace(Prefixing):
    """Turns queries around, as another model would."""

    def embed_queries(self, queries):
        return -super().embed_queries(queries)


class AnotherLength(Prefixing):
    def embed_queries(self, queries):
        return super().embed_queries(queries)[:, ::2]


class CentresQueries(Prefixing):
    def embed_queries(self, queries):
        vectors = super().embed_queries(queries)
        return vectors - vectors.mean(axis=0, keepdims=True) if len(queries) else vectors


@pytest.mark.parametrize(
    ("faulty", "noticed_by"),
    [
        (LeavesThePrefix, "test_a_query_changes_nothing_about_what_is_kept"),
        (AnotherSpace, "test_most_queries_are_nearest_to_their_own_text"),
        (AnotherLength, "test_queries_get_rows_as_what_is_kept_does"),
        (CentresQueries, "test_the_row_of_a_query_does_not_depend_on_the_batch"),
    ],
)
def test_the_embedder_contract_notices_faults_of_queries(faulty, noticed_by):
    assert noticed_by in failures(EmbedderContract, embedder=faulty)


class TestPrefixing(EmbedderContract):
    @pytest.fixture
    def embedder(self):
        return Prefixing()


class TestHashedEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self):
        return HashedEmbedder()
