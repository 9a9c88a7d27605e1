"""`ExperienceVectorStore`: the table of semantics in docs/langchain.md, row by row."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.indexing import InMemoryRecordManager, index

from embodied_mem import Experience, HashedEmbedder, MemoryStore, Outcome, Scope, Status, where
from embodied_mem.errors import InvalidQuery, InvalidRecord, UnknownName
from embodied_mem.integrations.langchain import (
    EmbedderEmbeddings,
    ExperienceVectorStore,
    LangChainEmbedder,
)

FAKE = DeterministicFakeEmbedding(size=8)  # a stand-in for a model


@pytest.fixture
def documents(store):
    return ExperienceVectorStore(store)


def texts(found) -> list[str]:
    return [document.page_content for document in found]


def versions(store, name, *, archived):
    wanted = where(facts__document__id=name)
    return store.memory().recall(where=wanted, include_archived=archived, k=100)


def test_a_plain_text_is_a_note_and_no_task(store, documents):
    [name] = documents.add_texts(["the fridge is in the kitchen"], [{"floor": 2, "tags": ["a"]}])
    [kept] = store.experiences()
    assert (kept.kind, kept.task.text, kept.state) == ("note", "", "the fridge is in the kitchen")
    assert kept.metadata == {"floor": 2, "tags": ["a"]}
    assert documents.get_by_ids([name])[0].metadata == {"floor": 2, "tags": ["a"]}


def test_an_upsert_is_a_new_version_and_the_old_one_is_archived(store, documents):
    documents.add_texts(["the cup is on the table"], ids=["cup"])
    documents.add_texts(["the cup is in the sink"], ids=["cup"])
    assert texts(documents.similarity_search("cup")) == ["the cup is in the sink"]
    assert [hit.experience.state for hit in versions(store, "cup", archived=True)] == [
        "the cup is in the sink",
        "the cup is on the table",
    ]
    assert len(versions(store, "cup", archived=False)) == 1
    old = versions(store, "cup", archived=True)[1].experience
    *_, last = store.history(old.id)
    assert (last.kind, last.reason) == ("archived", "replaced")


def test_an_equal_document_is_not_stored_again(store, documents):
    for _ in range(3):
        documents.add_texts(["the cup"], [{"n": 1}], ids=["cup"])
    assert store.stats().n_experiences == 1
    for other in ({"n": 2}, {"n": True}, {}):  # other metadata is another version
        documents.add_texts(["the cup"], [other], ids=["cup"])
        assert documents.get_by_ids(["cup"])[0].metadata == other
    assert store.stats().n_experiences == 4


def test_a_version_that_comes_back_counts_again(documents):
    for text in ("on the table", "in the sink", "on the table"):
        documents.add_texts([text], ids=["cup"])
    assert texts(documents.get_by_ids(["cup"])) == ["on the table"]


def test_of_one_id_twice_in_a_batch_the_last_counts(documents):
    assert documents.add_texts(["first", "other", "last"], ids=["a", "b", "a"]) == ["a", "b", "a"]
    assert texts(documents.get_by_ids(["a", "b"])) == ["last", "other"]


def test_delete_forgets_and_purge_removes_every_version(store, documents):
    documents.add_texts(["secret one", "open one"], ids=["a", "b"])
    documents.add_texts(["secret two"], ids=["a"])
    assert documents.delete(["a", "unknown"])
    assert documents.get_by_ids(["a", "b"])[0].id == "b"
    assert len(versions(store, "a", archived=True)) == 2  # they stay in the log
    assert documents.delete(["a", "unknown"], purge=True)
    assert versions(store, "a", archived=True) == []
    assert b"secret" not in b"".join(file.read_bytes() for file in store.path.iterdir() if file.is_file())
    assert texts(documents.get_by_ids(["b"])) == ["open one"]


@pytest.mark.parametrize("purge", [False, True])
def test_deleting_everything_stays_within_the_kind_and_scope(store, documents, purge):
    other = ExperienceVectorStore(store, scope=Scope(agent="robot-1"))
    lessons = ExperienceVectorStore(store, kind="lesson")
    for each in (documents, other, lessons):
        each.add_texts(["a text"], ids=["1"])
    store.memory().record(Experience(task="an episode", id="episode"))
    documents.delete(purge=purge)
    assert documents.get_by_ids(["1"]) == []
    assert texts(other.get_by_ids(["1"])) == texts(lessons.get_by_ids(["1"])) == ["a text"]
    assert store.get("episode").kind == "episode"


def test_a_deleted_document_can_be_put_again(documents):
    for purge in (False, True):
        documents.add_texts(["here"], ids=["1"])
        documents.delete(["1"], purge=purge)
        assert documents.similarity_search("here") == []
    documents.add_texts(["here"], ids=["1"])
    assert texts(documents.similarity_search("here")) == ["here"]


def test_scopes_are_namespaces_by_component(store):
    one = ExperienceVectorStore(store, scope=Scope(agent="robot", place="kitchen"))
    others = [Scope(agent="robot"), Scope(agent="robot-1", place="kitchen"), Scope(place="kitchen"), Scope()]
    one.add_texts(["mine"], ids=["1"])
    for scope in others:
        other = ExperienceVectorStore(store, scope=scope)
        assert other.similarity_search("mine") == other.get_by_ids(["1"]) == []
        other.delete(["1"])
        other.add_texts(["theirs"], ids=["1"])
    assert texts(one.similarity_search("mine", k=9)) == ["mine"]
    assert len(store.memory().recall(where=where(kind="note", scope__place="kitchen"))) == 3  # across scopes


def test_a_note_recorded_by_memory_is_a_document(store, documents):
    outcome = Outcome(status=Status.FAILURE, explanation="it fell")
    store.memory().record(Experience(task="hold the cup", id="held", kind="note", outcome=outcome))
    assert texts(documents.get_by_ids(["held"])) == ["Task: hold the cup\nOutcome: failure: it fell"]
    documents.add_texts(["hold it with two hands"], ids=["held"])
    assert texts(documents.similarity_search("hold", k=9)) == ["hold it with two hands"]
    documents.delete(["held"])
    assert documents.similarity_search("hold") == []


def test_the_history_is_seen_as_of_then(store, documents):
    documents.add_texts(["on the table"], ids=["cup"])
    then = store.memory().horizon()
    documents.add_texts(["in the sink"], ids=["cup"])
    assert texts(documents.similarity_search("cup", as_of=then)) == ["on the table"]


FLOORS = [{"floor": 1, "room": "hall"}, {"floor": 2, "room": "bath"}, {"floor": 3}, {}]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, "0123"),
        ({}, "0123"),
        ({"floor": 2}, "1"),
        ({"floor": {"$gt": 1}}, "12"),
        ({"floor": {"$gte": 1, "$lte": 2}}, "01"),
        ({"floor": {"$lt": 2}, "room": "hall"}, "0"),
        ({"floor": {"$in": [1, 3]}}, "02"),
        ({"floor": {"$nin": [1, 3]}}, "13"),
        ({"room": {"$ne": "hall"}}, "123"),
        ({"$or": [{"floor": 1}, {"floor": {"$eq": 3}}]}, "02"),
        ({"$and": [{"floor": 1}, {"room": "hall"}]}, "0"),
        ({"$not": {"floor": 1}}, "123"),
        (where(metadata__room="bath"), "1"),
    ],
)
def test_filters_are_exact(documents, wanted, expected):
    documents.add_texts(["a room"] * 4, FLOORS, ids=list("0123"))
    found = documents.similarity_search("room", k=9, filter=wanted)
    assert sorted(document.id for document in found) == list(expected)
    retriever = documents.as_retriever(search_kwargs={"filter": wanted, "k": 9})
    assert sorted(document.id for document in retriever.invoke("room")) == list(expected)


@pytest.mark.parametrize(
    ("wanted", "error", "named"),
    [
        ("floor", InvalidQuery, "filter is 'floor'"),
        ({"floor": {"$more": 1}}, UnknownName, r"\$more"),
        ({"$xor": []}, UnknownName, r"\$xor"),
        ({"floor": {"$in": "12"}}, InvalidQuery, "where a list is expected"),
        ({"floor": {"$gt": "two"}}, InvalidQuery, "expected a number"),
        ({"floor": [1]}, InvalidQuery, "floor"),
    ],
)
def test_a_wrong_filter_is_named(documents, wanted, error, named):
    with pytest.raises(error, match=named):
        documents.similarity_search("room", filter=wanted)


def test_wrong_arguments_are_named(store, documents):
    with pytest.raises(InvalidQuery, match="2 texts"):
        documents.add_texts(["a", "b"], [{}])
    with pytest.raises(InvalidQuery, match="1 ids for 2 texts"):
        documents.add_texts(["a", "b"], ids=["1"])
    with pytest.raises(InvalidQuery, match="no argument embed"):
        documents.add_texts(["a"], embed=True)
    with pytest.raises(InvalidQuery, match="is empty"):
        documents.add_texts(["a"], ids=[""])
    with pytest.raises(InvalidQuery, match="no keyword top_k"):
        documents.similarity_search("a", top_k=3)
    with pytest.raises(InvalidQuery, match="as `filter`"):
        documents.similarity_search("a", where=where(kind="note"))
    with pytest.raises(InvalidQuery, match="expected a list of ids"):
        documents.delete("1")
    with pytest.raises(InvalidRecord, match="metadata"):
        documents.add_texts(["a", "b"], [{}, {"when": object()}], ids=[None, "1"])
    with pytest.raises(InvalidQuery, match=r"store is .memories"):
        ExperienceVectorStore("memories/notes")
    with pytest.raises(InvalidQuery, match="give it an embedder"):
        documents.similarity_search_by_vector([1.0])
    assert store.stats().n_experiences == 0


def test_scores_are_those_of_the_recall_and_relevance_is_between_0_and_1(store):
    documents = ExperienceVectorStore(store, embedder=LangChainEmbedder(FAKE, model="fake"))
    documents.add_texts(["the red cup", "a blue plate"], ids=["cup", "plate"])
    (best, score), (_, worse) = documents.similarity_search_with_score("the red cup", k=2)
    assert best.id == "cup"
    assert score == pytest.approx(1.5)  # words 1.0 and vector 0.5
    assert score > worse
    found = documents.similarity_search_with_relevance_scores("the red cup", k=2)
    assert found[0][1] == pytest.approx(1.0)
    assert 0 <= found[1][1] < 0.5
    best_only = documents.as_retriever(
        search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.9}
    )
    assert [document.id for document in best_only.invoke("the red cup")] == ["cup"]
    assert [document.id for document in asyncio.run(best_only.ainvoke("the red cup"))] == ["cup"]
    weighed = documents.similarity_search_with_relevance_scores("the red cup", k=1, weights={"text": 0.0})
    assert weighed[0][1] == pytest.approx(1.0)


def test_votes_move_documents_and_leave_relevance(store, documents):
    documents.add_texts(["the red cup"], ids=["cup"])
    [kept] = store.experiences()
    store.memory().feedback(kept.id, helped=True)
    [(_, score)] = documents.similarity_search_with_score("the red cup")
    [(_, relevance)] = documents.similarity_search_with_relevance_scores("the red cup")
    assert score > 1
    assert relevance == pytest.approx(1.0)


def test_search_by_vector_and_by_marginal_relevance(store):
    documents = ExperienceVectorStore(store, embedder=HashedEmbedder(256))
    near = ["the red cup is here", "the red cup is there", "a red plate is there"]
    documents.add_texts(near, ids=list("abc"))
    vector = documents.embeddings.embed_query("the red cup is here")
    assert [found.id for found in documents.similarity_search_by_vector(vector, k=2)] == ["a", "b"]
    assert [found.id for found in asyncio.run(documents.asimilarity_search_by_vector(vector, k=1))] == ["a"]
    query = "the red cup is here"
    assert [found.id for found in documents.max_marginal_relevance_search(query, k=2, lambda_mult=1.0)] == [
        "a",
        "b",
    ]
    for mmr in (
        documents.max_marginal_relevance_search(query, k=2, lambda_mult=0.2),
        documents.max_marginal_relevance_search_by_vector(vector, k=2, lambda_mult=0.2),
        documents.as_retriever(search_type="mmr", search_kwargs={"k": 2, "lambda_mult": 0.2}).invoke(query),
    ):
        assert [found.id for found in mmr] == ["a", "c"]


def test_texts_are_embedded_in_one_call_and_not_again(store):
    calls = []

    class Counting(DeterministicFakeEmbedding):
        def embed_documents(self, given):
            calls.append(given)
            return super().embed_documents(given)

    documents = ExperienceVectorStore(
        store, embedder=LangChainEmbedder(Counting(size=8), model="m", dimension=8)
    )
    documents.add_texts(["a", "b", "a", " "], ids=["1", "2", "3", "4"])
    assert calls == [["a", "b"]]
    documents.add_texts(["a", "b"], ids=["1", "2"])
    assert len(calls) == 1


def test_from_texts_makes_a_store_in_a_folder(tmp_path):
    made = ExperienceVectorStore.from_texts(
        ["foo", "bar"], FAKE, [{"n": 1}, {"n": 2}], ids=["1", "2"], store=tmp_path / "notes", model="fake"
    )
    assert made.embeddings is FAKE
    assert texts(made.similarity_search("bar", k=1)) == ["bar"]
    made.store.close()
    with MemoryStore.open(tmp_path / "notes") as store:
        hashed = EmbedderEmbeddings(LangChainEmbedder(FAKE, model="fake"))
        again = ExperienceVectorStore.from_documents(
            [Document(page_content="baz", id="3")], hashed, store=store, scope=Scope()
        )
        assert texts(again.similarity_search("bar", k=3))[0] == "bar"
        assert len(again.similarity_search("bar", k=9)) == 3
    with pytest.raises(InvalidQuery, match="from_texts has no store"):
        ExperienceVectorStore.from_texts(["foo"], FAKE, model="fake")
    with pytest.raises(InvalidRecord, match="model is ''"):
        ExperienceVectorStore.from_texts(["foo"], FAKE, store=tmp_path / "other")


def test_the_indexing_of_langchain_keeps_it_in_step(documents):
    kept = InMemoryRecordManager(namespace="notes")
    kept.create_schema()

    def indexed(*given):
        found = [Document(page_content=text, metadata={"source": source}) for source, text in given]
        done = index(found, kept, documents, cleanup="full", source_id_key="source", key_encoder="sha256")
        return done["num_added"], done["num_skipped"], done["num_deleted"]

    assert indexed(("a", "one"), ("b", "two")) == (2, 0, 0)
    assert indexed(("a", "one"), ("b", "three")) == (1, 1, 1)
    assert sorted(texts(documents.similarity_search("one two three", k=9))) == ["one", "three"]


N_THREADS, N_EACH = 16, 25


def test_threads_that_add_and_search_at_once_lose_nothing(store):
    documents = ExperienceVectorStore(store, embedder=LangChainEmbedder(FAKE, model="fake"))

    def work(thread: int) -> int:
        for n in range(0, N_EACH, 5):
            batch = [f"thread {thread} text {n + i}" for i in range(5)]
            documents.add_texts(batch, ids=[f"{thread}/{n + i}" for i in range(5)])
            documents.add_texts([f"thread {thread} was at {n}"], ids=["shared"])
            assert texts(documents.similarity_search(batch[0], k=1)) == [batch[0]]
            assert len(documents.get_by_ids(["shared"])) == 1
        return thread

    with ThreadPoolExecutor(N_THREADS) as pool:
        assert sorted(pool.map(work, range(N_THREADS))) == list(range(N_THREADS))
    found = documents.get_by_ids([f"{thread}/{n}" for thread in range(N_THREADS) for n in range(N_EACH)])
    assert len({document.id for document in found}) == N_THREADS * N_EACH
    assert len(documents.similarity_search("thread", k=1_000)) == N_THREADS * N_EACH + 1
    assert len(versions(store, "shared", archived=True)) == min(100, N_THREADS * N_EACH // 5)


def test_threads_that_put_and_remove_the_same_documents_leave_each_whole(store):
    documents = ExperienceVectorStore(store)
    ids = list("abcd")

    def work(thread: int) -> None:
        for n in range(8):
            documents.add_texts([f"{name} by {thread}" for name in ids], ids=ids)
            if (thread + n) % 4 == 0:
                documents.delete(ids[:2], purge=n % 2 == 0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert [document.id for document in documents.get_by_ids(ids[2:])] == ids[2:]
    found = [document.id for document in documents.similarity_search("by", k=50)]
    assert len(found) == len(set(found))


def test_batches_of_an_event_loop_at_once_lose_nothing(store):
    documents = ExperienceVectorStore(store)

    async def all_at_once():
        batches = ([Document(page_content=f"{b} {n}", id=f"{b}/{n}") for n in range(10)] for b in range(16))
        adding = [documents.aadd_documents(batch) for batch in batches]
        asking = [documents.asimilarity_search(f"{b} 0", k=3) for b in range(16)]
        await asyncio.gather(*adding, *asking)
        return await documents.aget_by_ids([f"{b}/{n}" for b in range(16) for n in range(10)])

    assert len(asyncio.run(all_at_once())) == 160


def test_two_vector_stores_on_one_folder_agree_on_the_newest_version(tmp_path):
    with MemoryStore.open(tmp_path) as one, MemoryStore.open(tmp_path) as other:
        stores = [ExperienceVectorStore(one), ExperienceVectorStore(other)]

        def work(place: int) -> None:
            for n in range(20):
                stores[place].add_texts([f"version {n} of {place}"], ids=["shared"])

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, range(2)))
        seen = [texts(each.similarity_search("version", k=9)) for each in stores]
        assert len(seen[0]) == 1
        assert seen[0] == seen[1]
        assert len(versions(one, "shared", archived=True)) == 40
