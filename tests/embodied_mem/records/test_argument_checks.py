import numpy as np
import pytest

from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.errors import EmbodiedMemError, InvalidQuery, StoreError, UnknownName
from embodied_mem.memory.forgetting import Lru
from embodied_mem.records import Experience, Scope
from embodied_mem.records.argument_checks import (
    check_callable,
    check_embedder,
    check_number,
    check_policy,
    check_type,
)
from embodied_mem.records.filters import Between, Not, Or, all_of, where
from embodied_mem.store import MemoryStore
from embodied_mem.store.upkeep.retention import Retention


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "kitchen") as store:
        for number in range(4):
            store.memory().record(Experience(task="bring the cup", id=f"cup-{number}"))
        yield store


@pytest.mark.parametrize("given", ["hashed", None, 5, HashedEmbedder])
def test_what_cannot_embed_is_refused(given):
    with pytest.raises(InvalidQuery, match="expected an embedder, such as"):
        check_embedder(given)


@pytest.mark.parametrize("given", [None, 5, Lru])
def test_what_cannot_forget_is_refused(given):
    with pytest.raises(InvalidQuery, match="expected a registered name such as 'lru'"):
        check_policy(given)


@pytest.mark.parametrize("given", ["5", None, True, float("nan"), [1]])
def test_what_is_no_number_is_refused(given):
    with pytest.raises(InvalidQuery, match=r"below is .*; expected a number"):
        check_number("below", given)


def test_what_fits_is_let_through():
    check_embedder(HashedEmbedder(8))
    check_policy(Lru())
    check_number("below", 0.5)
    check_number("below", np.float32(0.5))
    check_type("scope", Scope(), Scope, "a Scope")
    assert check_callable("policy", Lru, "a class") is Lru


def test_a_long_value_does_not_fill_the_message():
    with pytest.raises(InvalidQuery) as caught:
        check_type("scope", "x" * 10_000, Scope, "a Scope")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda store: store.reembed("hashed"), "embedder is 'hashed'"),
        (lambda store: store.reembed(HashedEmbedder), "embedder is <class"),
        (lambda store: store.memory(embedder="hashed"), "embedder is 'hashed'"),
        (lambda store: store.memory(scope="robot-1"), "scope is 'robot-1'"),
        (lambda store: store.memory(weights={"recency": 1.0}), "weights is {'recency': 1.0}"),
        (lambda store: store.memory(clock=5), "clock is 5"),
        (
            lambda store: store.memory().feedback("cup-1", helped="no"),
            "helped is 'no'; expected True or False",
        ),
        (lambda store: store.forget(Lru, keep=1), "policy is <class"),
        (lambda store: store.forget(Lru(), below="low"), "below is 'low'; expected a number"),
        (lambda store: store.forget(Lru(), keep=1, now="today"), "now is 'today'; expected a number"),
        (lambda store: store.forget(Lru(), keep=1, where="cup"), "'cup' is not a filter"),
        (lambda store: store.forget("w_tinylfu", below=0.3), "give keep"),
        (lambda store: store.apply_retention("x"), r"a rule is 'x'; expected Retention\("),
        (lambda store: store.apply_retention([{"kind": "episode"}]), "a rule is {'kind': 'episode'}"),
        (
            lambda store: store.apply_retention(Retention(kind="episode"), policy=Lru()),
            "policy is .*; expected a registered name such as 'lru', or a factory such as",
        ),
        (
            lambda store: store.apply_retention(Retention(kind="episode", max_age_s=1.0), policy="w_tinylfu"),
            "give keep, or max_count of a rule",
        ),
        (lambda store: store.check(repair="no"), "repair is 'no'; expected True or False"),
        (lambda store: store.archive(None), "ids is None; expected a list of ids"),
        (lambda store: store.purge(5), "ids is 5; expected a list of ids"),
        (lambda store: store.purge(where()), "all would be purged; give one"),
        (lambda store: store.purge(all_of()), "all would be purged; give one"),
        (lambda store: store.purge(Not(Or(()))), "all would be purged; give one"),
        (lambda store: store.purge(Between("happened_at_s")), "all would be purged; give one"),
    ],
)
def test_a_store_names_the_value_and_what_it_expected(store, call, said):
    with pytest.raises(InvalidQuery, match=said):
        call(store)
    assert store.stats().last_sequence == 4  # and nothing was written


@pytest.mark.parametrize(
    "options",
    [
        {"synonyms": "words.txt"},
        {"index": "small"},
        {"quota_bytes": "1 GB"},
        {"read_only": "no"},
        {"fsync": "no"},
        {"fsync": None},
        {"commit_every": 0},
        {"commit_every": True},
        {"busy_timeout_s": "5"},
        {"busy_timeout_s": -1.0},
        {"busy_timeout_s": float("inf")},
        {"clock": None},
        {"clock": 5},
    ],
    ids=str,
)
def test_a_store_is_not_opened_with_options_of_another_type(tmp_path, options):
    with pytest.raises(InvalidQuery, match=f"{next(iter(options))} is "):
        MemoryStore.open(tmp_path / "lab", **options)
    assert not (tmp_path / "lab").exists()


def test_a_policy_may_be_named(store):
    assert store.forget("lru", keep=3) == ["cup-0"]
    assert len(store.forget("w_tinylfu", keep=2)) == 1
    assert store.history("cup-0")[-1].reason == "forgotten by Lru"


@pytest.mark.parametrize("name", ["lru", "w_tinylfu"])
def test_a_policy_of_a_rule_may_be_named(store, name):
    rule = Retention(kind="episode", max_count=3)
    assert len(store.apply_retention(rule, policy=name).gone) == 1


def test_an_unknown_policy_is_told_the_nearest(store):
    with pytest.raises(UnknownName, match="Did you mean 'lru'"):
        store.forget("lruu", keep=3)
    with pytest.raises(UnknownName, match="Did you mean 'lru'"):
        store.apply_retention(Retention(kind="episode", max_count=3), policy="lruu")


@pytest.mark.parametrize("is_made", [True, False])
def test_a_merge_with_a_folder_that_holds_no_store_says_what_to_give(store, tmp_path, is_made):
    other = tmp_path / "other"
    if is_made:
        other.mkdir()
    with pytest.raises(StoreError, match=r"holds no experiences\.sqlite; give the folder of a store"):
        store.merge(other)
    assert not other.exists() or not any(other.iterdir())


def test_an_import_with_the_name_of_an_embedder_makes_nothing(store, tmp_path):
    store.export(tmp_path / "exported")
    with pytest.raises(InvalidQuery, match="embedder is 'hashed'"):
        MemoryStore.import_folder(tmp_path / "exported", tmp_path / "robot", embedder="hashed")
    assert not (tmp_path / "robot").exists()


@pytest.mark.parametrize("make", [lambda: HashedEmbedder("64"), lambda: Retention(kind=5)])
def test_parts_refuse_other_types_when_they_are_made(make):
    with pytest.raises(EmbodiedMemError, match=r"is ('64'|5); expected"):
        make()


@pytest.mark.parametrize("path", [5, None, b"memories", "mem\0ries"])
def test_an_invalid_path_is_refused(path, tmp_path):
    with pytest.raises(InvalidQuery, match="is not a valid path"):
        MemoryStore.open(path)
    with MemoryStore.open(tmp_path / "store") as store:
        for call in (store.merge, store.branch, store.export):
            with pytest.raises(InvalidQuery, match="is not a valid path"):
                call(path)


def test_the_home_of_an_unknown_user_is_refused():
    with pytest.raises(InvalidQuery, match=r"cannot expand '~'.*unknown user"):
        MemoryStore.open("~no-such-user/memories")
