"""`ExperienceStore` and LangGraph's own in-memory store, given the same operations, give the same answers."""

import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.store.base import GetOp, ListNamespacesOp, PutOp, SearchOp
from store_operations import NAMESPACES, batches
from store_reference import Reference, plain

from embodied_mem import MemoryStore, RankingWeights, Space
from embodied_mem.integrations.langgraph import ExperienceStore

VECTORS_ONLY = RankingWeights(text=0.0, trust=0.0, embedding=1.0)
UNSCORED = -9.0
EVERYTHING = [SearchOp((), limit=1000), ListNamespacesOp(limit=1000)]


@pytest.fixture
def new_store(tmp_path):
    opened = []

    def make(**options):
        store = MemoryStore.open(tmp_path / str(len(opened)))
        opened.append(store)
        return ExperienceStore(store, **options)

    yield make
    for store in opened:
        store.close()


def assert_same(ours, reference, ops):
    assert plain(ours.batch(ops)) == plain(reference.batch(ops)), ops


@given(batches=batches, data=st.data())
@settings(max_examples=150)
def test_any_sequence_of_batches_gives_the_same_answers(tmp_path_factory, batches, data):
    with MemoryStore.open(tmp_path_factory.mktemp("store")) as store:
        ours, reference = ExperienceStore(store), Reference()
        for ops in batches:
            assert_same(ours, reference, ops)
            if data.draw(st.booleans()):  # another handle, as another process has
                ours = ExperienceStore(store)
        assert_same(ours, reference, EVERYTHING)


@given(batches=batches)
@settings(max_examples=40)
def test_awaited_batches_give_the_same_answers(tmp_path_factory, batches):
    async def play(store):
        ours, reference = ExperienceStore(store), Reference()
        for ops in batches:
            assert plain(await ours.abatch(ops)) == plain(reference.batch(ops))

    with MemoryStore.open(tmp_path_factory.mktemp("store")) as store:
        asyncio.run(play(store))


def own_batches(seed):
    """Batches on one namespace, so that the order of threads cannot change what is in it at the end."""
    rng = np.random.default_rng(seed)
    mine = (f"worker-{seed}",)
    for number in range(15):
        key = f"k{rng.integers(4)}"
        value = None if rng.random() < 0.2 else {"n": number, "by": seed}
        yield [
            GetOp(mine, key),
            PutOp(mine, key, value),
            PutOp(mine, "last", {"n": number}),
            SearchOp(mine, filter={"by": seed}),
        ]


def test_concurrent_threads_give_the_same_answers(new_store):
    ours, reference = new_store(), Reference()
    answers = {}

    def work(seed):
        answers[seed] = [plain(ours.batch(ops)) for ops in own_batches(seed)]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {seed: [plain(reference.batch(ops)) for ops in own_batches(seed)] for seed in range(6)}
    assert answers == expected


def test_concurrent_tasks_give_the_same_answers(new_store):
    ours, reference = new_store(), Reference()

    async def work(seed):
        return [plain(await ours.abatch(ops)) for ops in own_batches(seed)]

    async def all_at_once():
        return await asyncio.gather(*(work(seed) for seed in range(6)))

    answers = asyncio.run(all_at_once())
    assert answers == [[plain(reference.batch(ops)) for ops in own_batches(seed)] for seed in range(6)]


def test_threads_that_put_one_key_leave_one_whole_value(new_store):
    ours = new_store()
    threads = [
        threading.Thread(target=ours.put, args=(("a",), "k", {"by": number, "again": number}))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [item] = ours.search(("a",))
    assert item.value["by"] == item.value["again"]


VOCABULARY = ["red", "blue", "green", "cup", "mug", "ball", "fridge", "open", "pick", "go", "north", "south"]
WORDS = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=6, unique=True)


class CountedWords:
    """A vector of word counts: none is negative, which a memory counts as 0 and LangGraph does not."""

    space = Space(name="counted-words", version="1", dimension=len(VOCABULARY))

    def embed(self, inputs):
        counts = [[text.split().count(word) for word in VOCABULARY] for text in inputs]
        return np.array(counts, np.float32).reshape(len(inputs), len(VOCABULARY))


@given(
    texts=st.lists(WORDS.map(" ".join), min_size=1, max_size=8, unique=True),
    unindexed=st.integers(0, 2),
    query=WORDS.map(" ".join),
    namespaces=st.lists(NAMESPACES, min_size=1, max_size=3),
    limit=st.sampled_from([1, 3, 20]),
    offset=st.sampled_from([0, 1]),
)
@settings(max_examples=60)
def test_a_search_by_vectors_alone_gives_the_same_items_and_scores(
    tmp_path_factory, texts, unindexed, query, namespaces, limit, offset
):
    embedder = CountedWords()
    index = {"dims": 12, "embed": lambda texts: embedder.embed(texts).tolist(), "fields": ["text"]}
    puts = [
        PutOp(namespaces[i % len(namespaces)], str(i), {"text": text, "n": i % 2})
        for i, text in enumerate(texts)
    ]
    puts += [PutOp(namespaces[0], f"u{i}", {"text": query}, index=False) for i in range(unindexed)]
    with MemoryStore.open(tmp_path_factory.mktemp("store")) as store:
        ours = ExperienceStore(store, embedder=embedder, weights=VECTORS_ONLY, fields=["text"])
        reference = Reference(index=index)
        for put in puts:
            assert_same(ours, reference, [put])
        for wanted in (None, {"n": 1}):
            every = SearchOp(namespaces[0][:1], query=query, filter=wanted, limit=1000)
            assert scores_of(ours, every) == pytest.approx(scores_of(reference, every), abs=1e-5)
            page = every._replace(limit=limit, offset=offset)  # ties may be in another order
            found, expected = scores_of(ours, page), scores_of(reference, page)
            assert sorted(found.values()) == pytest.approx(sorted(expected.values()), abs=1e-5)


def scores_of(store, op):
    [found] = store.batch([op])
    return {(each.namespace, each.key): UNSCORED if each.score is None else each.score for each in found}
