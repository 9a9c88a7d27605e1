"""A filter in the form of LangChain, run by a vector store of LangChain, keeps what the reference keeps."""

import dataclasses
import json
import warnings
from types import SimpleNamespace

import pytest
from random_filters import Random

from embodied_mem.errors import UnanswerableQuery
from embodied_mem.integrations import FAISS, PORTABLE, to_langchain_filter, to_langchain_metadata
from embodied_mem.records import Experience, Outcome, Scope, Task
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.filters import (
    EVERYTHING,
    And,
    Between,
    Equals,
    In,
    Near,
    Not,
    Or,
    all_of,
    matches,
    where,
)

N_FILTERS = 1_000
KITCHEN = Equals("scope.place", "kitchen")


@pytest.fixture(scope="module")
def store_of():
    """Makes a vector store of LangChain's FAISS class that holds these metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        faiss = pytest.importorskip("langchain_community.vectorstores", exc_type=ImportError).FAISS
        fake = pytest.importorskip("langchain_core.embeddings").DeterministicFakeEmbedding

    def make(metadatas):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return faiss.from_texts(
                [str(n) for n in range(len(metadatas))], fake(size=2), metadatas=metadatas
            )

    return make


def flat(document):
    """As `to_langchain_metadata` does, of a document with some of the fields."""
    return {
        (f"{name}__{inner}" if isinstance(value, dict) else name): found
        for name, value in document.items()
        for inner, found in (value.items() if isinstance(value, dict) else [("", value)])
    }


def passing(store, n, translated):
    found = store.similarity_search("0", k=n, fetch_k=n, filter=translated)
    return sorted(int(document.page_content) for document in found)


@pytest.mark.parametrize("seed", range(4))
def test_a_thousand_random_filters_keep_what_the_reference_keeps(store_of, seed):
    chance = Random(seed)
    documents = [chance.document() for _ in range(40)]
    store = store_of([flat(document) for document in documents])
    n_some = 0
    for _ in range(N_FILTERS // 4):
        query = chance.tree(chance.typed_leaf)
        expected = [n for n, document in enumerate(documents) if matches(query, document)]
        try:
            translated = to_langchain_filter(query, dialect=FAISS)
        except UnanswerableQuery:  # nothing passes, which has no form
            kept = []
        else:
            kept = passing(store, 40, translated)
        assert kept == expected, query
        n_some += 0 < len(expected) < 40
    assert n_some > N_FILTERS // 32  # many of them tell documents apart


@pytest.mark.parametrize("seed", range(4))
def test_the_portable_form_keeps_the_same_where_every_document_has_the_field(store_of, seed):
    """FAISS takes it too, but for the name of "is not"."""
    dialect = dataclasses.replace(PORTABLE, not_equal="$neq")
    chance = Random(seed, share_missing=0.0)
    documents = [chance.document() for _ in range(40)]
    store = store_of([flat(document) for document in documents])
    n_tried = n_refused = 0
    while n_tried < N_FILTERS // 4:
        query = chance.tree(chance.typed_leaf)
        try:
            translated = to_langchain_filter(query, dialect=dialect)
        except UnanswerableQuery:
            n_refused += 1
            continue
        expected = [n for n, document in enumerate(documents) if matches(query, document)]
        assert passing(store, 40, translated) == expected, query
        n_tried += 1
    assert n_refused


def test_the_portable_form_is_one_that_pgvector_reads():
    """Its own reader gives a condition of SQL; what it does not know it rejects."""
    column = pytest.importorskip("sqlalchemy").column
    jsonb = pytest.importorskip("sqlalchemy.dialects.postgresql").JSONB
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgvector = pytest.importorskip("langchain_community.vectorstores.pgvector", exc_type=ImportError)

    without_database = {
        "EmbeddingStore": SimpleNamespace(cmetadata=column("cmetadata", jsonb)),
        "__init__": lambda self: None,
        "__del__": lambda self: None,
    }
    reader = type("Reader", (pgvector.PGVector,), without_database)()
    chance, n_read = Random(0), 0
    while n_read < 300:
        query = chance.tree(chance.typed_leaf)
        try:
            translated = to_langchain_filter(query)
        except UnanswerableQuery:
            continue
        if translated is not None:
            assert reader._create_filter_clause(translated) is not None
            n_read += 1


@pytest.mark.parametrize(
    ("query", "translated"),
    [
        (EVERYTHING, None),
        (where(kind="repair"), {"kind": {"$eq": "repair"}}),
        (where(kind=["repair", "note"]), {"kind": {"$in": ["repair", "note"]}}),
        (
            all_of(KITCHEN, Between("happened_at_s", 1.0, 2.0)),
            {
                "$and": [
                    {"scope__place": {"$eq": "kitchen"}},
                    {"$and": [{"happened_at_s": {"$gte": 1.0}}, {"happened_at_s": {"$lt": 2.0}}]},
                ]
            },
        ),
        (
            In("metadata.n", (1, 2)),
            {"$or": [{"metadata__n": {"$eq": 1}}, {"metadata__n": {"$eq": 2}}]},
        ),
        (Not(Equals("task.instance", "Maze#7")), {"task__instance": {"$ne": "Maze#7"}}),
        (Not(In("outcome.status", ("failure",))), {"outcome__status": {"$nin": ["failure"]}}),
        (
            Not(Or((KITCHEN, Equals("kind", "note")))),
            {"$and": [{"scope__place": {"$ne": "kitchen"}}, {"kind": {"$ne": "note"}}]},
        ),
        (And((KITCHEN,)), {"scope__place": {"$eq": "kitchen"}}),
        (Or((KITCHEN, In("kind", ()))), {"scope__place": {"$eq": "kitchen"}}),
    ],
)
def test_the_portable_form(query, translated):
    assert to_langchain_filter(query) == translated
    json.dumps(translated)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        (Near("position_m", (1, 2), 3), r"Near\(path='position_m'"),
        (Equals("metadata.n", None), r"Equals\(path='metadata\.n', value=None\).*no None"),
        (In("metadata.n", (1, None)), r"In\(.*no None"),
        (Equals("facts.objects.*.state", "open"), r"'facts\.objects\.\*\.state' gives no field name"),
        (Equals("metadata.v1\\.2", 1), "gives no field name"),
        (Between("metadata.n"), r"Between\(.*a number of any size"),
        (Not(Equals("metadata.n", 1)), r"Not\(Equals\(path='metadata\.n'.*may be missing"),
        (all_of(KITCHEN, Not(Between("happened_at_s", 1))), r"Not\(Between\(.*may be missing"),
        (In("kind", ()), "nothing passes this filter"),
        (Equals("metadata.n", float("inf")), "no infinite number"),
    ],
)
def test_what_has_no_form_is_refused_by_name(query, named):
    with pytest.raises(UnanswerableQuery, match=named):
        to_langchain_filter(query)


def test_the_metadata_are_plain_values_under_the_names_that_filters_use():
    experience = Experience(
        task=Task("open the door", kind="Door-v0"),
        outcome=Outcome(status="success", steps=3),
        scope=Scope(place="kitchen"),
        metadata={"floor": 2, "tags": ["x"], "deep": {"is_lit": True}, "nothing": None},
        happened_at_s=5.0,
        position_m=(1.0, 2.0),
    )
    metadata = to_langchain_metadata(experience)
    assert {type(value) for value in metadata.values()} <= {str, int, float, bool}
    chosen = ("task__kind", "outcome__steps", "scope__place", "metadata__floor", "metadata__deep__is_lit")
    assert [metadata[name] for name in chosen] == ["Door-v0", 3, "kitchen", 2, True]
    assert "metadata__nothing" not in metadata
    assert "position_m" not in metadata


def test_a_store_that_takes_a_function_takes_any_filter():
    """`InMemoryVectorStore` and others: the document of the experience is the metadata."""
    vectorstores = pytest.importorskip("langchain_core.vectorstores")
    fake = pytest.importorskip("langchain_core.embeddings").DeterministicFakeEmbedding
    store = vectorstores.InMemoryVectorStore(fake(size=2))
    scenes = [{"apple_1": {"state": state}} for state in ("whole", "sliced")]
    experiences = [Experience(task="slice", facts={"objects": scene}) for scene in scenes]
    store.add_texts(["a", "b"], metadatas=[experience_to_document(each) for each in experiences])
    query = Not(Equals("facts.objects.*.state", "sliced"))
    found = store.similarity_search("a", filter=lambda document: matches(query, document.metadata))
    assert [document.page_content for document in found] == ["a"]
