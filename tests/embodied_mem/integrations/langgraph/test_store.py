"""What `ExperienceStore` promises beside LangGraph's store: history, order, refusals, several processes."""

import asyncio
import math

import numpy as np
import pytest
from langgraph.store.base import GetOp, ListNamespacesOp, MatchCondition, PutOp, SearchOp
from langgraph.store.memory import InMemoryStore

from embodied_mem import Experience, HashedEmbedder, MemoryStore
from embodied_mem.errors import InvalidQuery, InvalidRecord, StoreError, UnknownName
from embodied_mem.integrations.langgraph import ExperienceStore


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def items(store):
    return ExperienceStore(store)


def keys_of(found):
    return [each.key for each in found]


def test_a_value_comes_back_as_it_was(items):
    value = {"text": "the cup", "nested": {"a": [1, 2.5, None, True, {"b": "ü"}]}, "": 0, "v1.2": "dots"}
    items.put(("users", "42"), "profile", value)
    assert items.get(("users", "42"), "profile").value == value


def test_a_namespace_does_not_begin_a_longer_label(items):
    items.put(("a",), "k", {"n": 1})
    items.put(("ab",), "k", {"n": 2})
    items.put(("a", "b"), "k", {"n": 3})
    assert [each.namespace for each in items.search(("a",))] == [("a",), ("a", "b")]
    assert [each.value["n"] for each in items.search(("a",), query="1 2 3")] != []
    assert {each.namespace for each in items.search(("a",), query="1 2 3")} == {("a",), ("a", "b")}


def test_an_update_keeps_the_first_time_and_its_place_and_the_reference_does_not_keep_the_time(store):
    times = iter([100.0, 101.0, 102.0])
    items = ExperienceStore(store, clock=lambda: next(times))
    items.put(("a",), "first", {"n": 1})
    items.put(("a",), "second", {"n": 1})
    items.put(("a",), "first", {"n": 2})
    first, second = items.search(("a",))
    assert (first.key, first.created_at.timestamp(), first.updated_at.timestamp()) == ("first", 100.0, 102.0)
    assert second.updated_at.timestamp() == 101.0


def test_a_search_by_words_gives_the_best_first(items):
    items.put(("a",), "cup", {"text": "the red cup is in the cupboard"})
    items.put(("a",), "ball", {"text": "a ball"})
    found = items.search(("a",), query="where is the red cup?")
    assert keys_of(found) == ["cup", "ball"]
    assert found[0].score > found[1].score


def test_a_search_compares_only_the_fields_given(store):
    items = ExperienceStore(store, fields=["title"])
    items.put(("a",), "by-title", {"title": "red cup", "body": "ball"})
    items.put(("a",), "by-body", {"title": "ball", "body": "red cup"})
    items.put(
        ("a",),
        "by-path",
        {"title": "ball", "parts": [{"text": "red"}, {"text": "cup"}]},
        index=["parts[*].text"],
    )
    assert set(keys_of(items.search(("a",), query="red cup"))[:2]) == {"by-title", "by-path"}


def test_items_put_without_index_come_last_and_without_score(items):
    items.put(("a",), "hidden", {"text": "red cup"}, index=False)
    items.put(("a",), "seen", {"text": "ball"})
    found = items.search(("a",), query="red cup")
    assert [(each.key, each.score is None) for each in found] == [("seen", False), ("hidden", True)]


def test_the_embedder_is_asked_once_a_batch(store):
    calls = []

    class Counted(HashedEmbedder):
        def embed(self, inputs):
            calls.append(len(inputs))
            return super().embed(inputs)

    items = ExperienceStore(store, embedder=Counted(64))
    items.batch([PutOp(("a",), str(number), {"text": f"cup {number}"}) for number in range(5)])
    assert calls == [5]
    assert len(items.search(("a",), query="cup 3")) == 5


def test_equal_texts_in_a_batch_are_kept_where_the_reference_fails(store):
    ops = [PutOp(("a",), key, {"text": "same"}) for key in ("k1", "k2")]
    items = ExperienceStore(store, embedder=HashedEmbedder(64))
    items.batch(ops)
    assert keys_of(items.search(("a",), query="same")) != []
    reference = InMemoryStore(
        index={"dims": 64, "embed": lambda texts: HashedEmbedder(64).embed(texts).tolist()}
    )
    with pytest.raises(ValueError, match="Number of embeddings"):
        reference.batch(ops)


def test_the_last_put_of_a_key_wins_and_reads_see_the_state_before(items):
    items.put(("a",), "k", {"n": 0})
    ops = [
        PutOp(("a",), "k", {"n": 1}),
        GetOp(("a",), "k"),
        PutOp(("a",), "k", None),
        SearchOp(("a",)),
        PutOp(("a",), "k", {"n": 2}),
        ListNamespacesOp(),
    ]
    results = items.batch(ops)
    assert results[1].value == {"n": 0}
    assert results[3][0].value == {"n": 0}
    assert results[5] == [("a",)]
    assert items.get(("a",), "k").value == {"n": 2}


def test_a_deleted_item_is_kept_in_the_log_and_can_be_restored(store, items):
    items.put(("a",), "k", {"n": 1})
    items.put(("a",), "k", {"n": 2})
    items.delete(("a",), "k")
    assert items.get(("a",), "k") is None
    assert items.list_namespaces() == []
    newest = store.archived()[-1]
    store.restore([newest])
    assert items.get(("a",), "k").value == {"n": 2}


def test_a_purged_item_leaves_no_byte(tmp_path):
    with MemoryStore.open(tmp_path / "s") as store:
        items = ExperienceStore(store, on_delete="purge")
        items.put(("a",), "k", {"text": "zyzzyva-one"})
        items.put(("a",), "k", {"text": "zyzzyva-two"})
        items.put(("a",), "other", {"text": "stays"})
        items.delete(("a",), "k")
        assert keys_of(items.search(())) == ["other"]
    kept = b"".join(file.read_bytes() for file in (tmp_path / "s").rglob("*") if file.is_file())
    assert b"zyzzyva" not in kept


def test_experiences_beside_the_items_are_no_items(store, items):
    store.memory().record(Experience(task="bring the cup", metadata={"namespace": {"0": "a"}, "key": "k"}))
    items.put(("a",), "k", {"text": "cup"})
    assert len(items.search((), query="cup")) == 1
    assert len(store.memory().recall("cup")) == 2


def test_what_is_withdrawn_is_not_there(store, items):
    items.put(("a",), "kept", {"n": 1})
    before = store.memory().horizon()
    items.put(("a",), "kept", {"n": 2})
    items.put(("a",), "undone", {"n": 1})
    assert len(items.search(())) == 2
    store.memory().withdraw(before)
    assert items.get(("a",), "kept").value == {"n": 1}
    assert items.get(("a",), "undone") is None


def test_another_handle_sees_what_is_put_and_a_race_leaves_one_version(tmp_path):
    with MemoryStore.open(tmp_path / "s") as one, MemoryStore.open(tmp_path / "s") as two:
        first, second = ExperienceStore(one), ExperienceStore(two)
        first.put(("a",), "k", {"n": 1})
        assert second.get(("a",), "k").value == {"n": 1}
        stale = second._log.read()  # as if both had read before either wrote
        first.put(("a",), "k", {"n": 2})
        puts = {(("a",), "k"): PutOp(("a",), "k", {"n": 3})}
        second._writer.write(puts, second._writer.texts(puts), stale)
        assert first.get(("a",), "k").value == second.get(("a",), "k").value == {"n": 3}
        assert [each.value for each in first.search(("a",), query="n")] == [{"n": 3}]
        first.delete(("a",), "k")
        assert second.get(("a",), "k") is None


def test_changing_a_result_changes_nothing_kept(items):
    items.put(("a",), "k", {"inner": {"n": 1}, "text": "cup"})
    for found in (items.get(("a",), "k"), items.search(("a",))[0], items.search(("a",), query="cup")[0]):
        found.value["inner"]["n"] = 99
    assert items.get(("a",), "k").value["inner"] == {"n": 1}
    assert items.search(("a",), query="cup")[0].value["inner"] == {"n": 1}


@pytest.mark.parametrize("bad", [{"n": math.nan}, {"n": object()}, {"n": 2**70}, {1: "a"}, {"n": b"x"}])
def test_a_value_that_json_cannot_hold_is_refused_and_the_batch_with_it(items, bad):
    with pytest.raises(InvalidRecord):
        items.batch([PutOp(("a",), "good", {"n": 1}), PutOp(("a",), "bad", bad)])
    assert items.search(()) == []


def test_numbers_of_numpy_are_kept_as_numbers(items):
    items.put(("a",), "k", {"n": np.float32(0.5), "row": np.arange(3)})
    assert items.get(("a",), "k").value == {"n": 0.5, "row": [0, 1, 2]}


def test_a_time_to_live_is_refused_by_name(items):
    with pytest.raises(NotImplementedError, match="TTL is not supported"):
        items.put(("a",), "k", {"n": 1}, ttl=5)
    with pytest.raises(NotImplementedError, match="apply_retention"):
        items.batch([PutOp(("a",), "k", {"n": 1}, ttl=5)])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"n": {"$gt": 1}}, ["two", "three"]),
        ({"n": {"$gte": 2, "$lt": 3}}, ["two"]),
        ({"n": {"$lte": 1}}, ["one"]),
        ({"n": {"$ne": 2}}, ["one", "three", "none"]),
        ({"n": {"$eq": 2}}, ["two"]),
        ({"n": None}, ["none"]),
        ({"tag": {"of": "cup"}}, ["one"]),
        ({"tag": {"of": {"$ne": "cup"}}}, ["two", "three"]),
        ({"missing": None, "n": 1}, ["one"]),
    ],
)
def test_filters_have_operators(items, wanted, expected):
    items.put(("a",), "one", {"n": 1, "tag": {"of": "cup", "more": 1}})
    items.put(("a",), "two", {"n": 2, "tag": {"of": "mug"}})
    items.put(("a",), "three", {"n": "3", "tag": {"of": None}})
    items.put(("a",), "none", {"other": "what is no number is in no order"})
    assert keys_of(items.search(("a",), filter=wanted)) == expected
    assert set(keys_of(items.search(("a",), filter=wanted, query="cup"))) == set(expected)


def test_an_invalid_filter_is_refused_and_nothing_is_written(items):
    put = PutOp(("a",), "k", {"n": 1})
    with pytest.raises(UnknownName, match=r"\$gte"):
        items.batch([put, SearchOp(("a",), filter={"n": {"$gtee": 1}})])
    with pytest.raises(InvalidQuery, match="expected a number"):
        items.batch([put, SearchOp(("a",), filter={"n": {"$gt": "many"}})])
    with pytest.raises(InvalidQuery, match="match_type"):
        items.batch([put, ListNamespacesOp((MatchCondition("infix", ("a",)),)), put])
    with pytest.raises(InvalidQuery, match="no operation"):
        items.batch([put, "get"])
    assert items.search(()) == []


def test_a_filter_reads_past_the_first_page(items):
    items.batch([PutOp(("a",), str(number), {"n": number}) for number in range(600)])
    assert keys_of(items.search(("a",), filter={"n": {"$gte": 598}})) == ["598", "599"]
    assert len(items.search(("a",), query="n", filter={"n": {"$gte": 300}}, limit=1000)) == 300


def test_arguments_of_a_wrong_type_are_named(store):
    with pytest.raises(InvalidQuery, match="fields"):
        ExperienceStore(store, fields="text")
    with pytest.raises(InvalidQuery, match="on_delete"):
        ExperienceStore(store, on_delete="archive")
    with pytest.raises(InvalidQuery, match="MemoryStore"):
        ExperienceStore("memories/lab")


def test_a_read_only_store_rejects_puts(tmp_path):
    with MemoryStore.open(tmp_path / "s") as store:
        ExperienceStore(store).put(("a",), "k", {"n": 1})
    with MemoryStore.open(tmp_path / "s", read_only=True) as store:
        items = ExperienceStore(store)
        assert items.get(("a",), "k").value == {"n": 1}
        with pytest.raises(StoreError):
            items.put(("a",), "k", {"n": 2})


def test_a_graph_keeps_what_it_learnt_for_the_next_run(tmp_path):
    graph = pytest.importorskip("langgraph.graph")

    def remember(state, *, store):
        before = store.search(("facts",), query=state["text"])
        store.put(("facts",), state["text"], {"text": state["text"]})
        return {"text": ", ".join(each.value["text"] for each in before)}

    def run(text):
        with MemoryStore.open(tmp_path / "s") as opened:
            built = graph.StateGraph(dict)
            built.add_node("remember", remember)
            built.add_edge(graph.START, "remember")
            return built.compile(store=ExperienceStore(opened)).invoke({"text": text})["text"]

    assert run("the cup is in the sink") == ""
    assert run("where is the cup?") == "the cup is in the sink"


def test_awaiting_does_not_block_the_loop(items):
    async def both():
        await items.aput(("a",), "k", {"text": "cup"})
        found = await asyncio.gather(*(items.asearch(("a",), query="cup") for _ in range(4)))
        return [keys_of(each) for each in found]

    assert asyncio.run(both()) == [["k"]] * 4


def test_a_value_put_again_without_index_is_not_found_by_its_old_vector(store):
    index = {"dims": 64, "embed": lambda texts: HashedEmbedder(64).embed(texts).tolist()}
    scores = []
    for items in (ExperienceStore(store, embedder=HashedEmbedder(64)), InMemoryStore(index=index)):
        items.put(("a",), "k", {"text": "red cup"})
        items.put(("a",), "k", {"text": "changed"}, index=False)
        [found] = items.search(("a",), query="red cup")
        scores.append(found.score is None)
    assert scores == [True, False]


def test_a_namespace_without_items_is_not_listed(items):
    listed = []
    for each in (items, InMemoryStore()):
        each.get(("asked",), "k")
        each.put(("emptied",), "k", {"n": 1})
        each.delete(("emptied",), "k")
        listed.append(each.list_namespaces())
    assert listed == [[], [("asked",), ("emptied",)]]


def test_what_was_put_survives_kill_9(run_python, tmp_path):
    program = (
        "import os, signal; from embodied_mem import MemoryStore; "
        "from embodied_mem.integrations.langgraph import ExperienceStore; "
        "items = ExperienceStore(MemoryStore.open('s')); "
        "items.put(('a',), 'k', {'n': 1}); items.put(('a',), 'k', {'n': 2}); "
        "items.put(('a',), 'gone', {'n': 3}); items.delete(('a',), 'gone'); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert run_python("-c", program).returncode == -9
    with MemoryStore.open(tmp_path / "s") as store:
        [item] = ExperienceStore(store).search(())
        assert (item.key, item.value) == ("k", {"n": 2})
