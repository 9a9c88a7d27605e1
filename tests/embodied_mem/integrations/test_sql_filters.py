"""A filter as SQL, run on a real SQLite, keeps what the reference keeps."""

import json
import sqlite3

import pytest
from random_filters import Random

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import InvalidQuery, UnanswerableQuery
from embodied_mem.integrations import SqlCondition, to_sql
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records import Experience
from embodied_mem.records.filters import (
    EVERYTHING,
    And,
    Between,
    Equals,
    In,
    Near,
    Not,
    Or,
    join_path,
    matches,
    where,
)

N_FILTERS = 1_000


def table(documents, *, ensure_ascii=False):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE log (n INTEGER PRIMARY KEY, payload TEXT)")
    rows = [(n, json.dumps(document, ensure_ascii=ensure_ascii)) for n, document in enumerate(documents)]
    db.executemany("INSERT INTO log VALUES (?, ?)", rows)
    return db


def passing(db, query):
    condition = to_sql(query)
    found = db.execute(f"SELECT n FROM log WHERE {condition.text} ORDER BY n", condition.parameters)
    return [n for (n,) in found]


def expected(documents, query):
    return [n for n, document in enumerate(documents) if matches(query, document)]


@pytest.mark.parametrize("seed", range(4))
def test_a_thousand_random_filters_keep_what_the_reference_keeps(seed):
    chance = Random(seed)
    documents = [chance.scene() for _ in range(60)]
    db = table(documents)
    n_some = 0
    for _ in range(N_FILTERS // 4):
        query = chance.tree(chance.any_leaf)
        kept = passing(db, query)
        assert kept == expected(documents, query), query
        n_some += 0 < len(kept) < len(documents)
    assert n_some > N_FILTERS // 32  # many of them tell documents apart
    db.close()


@pytest.mark.parametrize("negate", [False, True])
@pytest.mark.parametrize(
    "query",
    [
        EVERYTHING,
        Or(()),
        In("kind", ()),
        Between("happened_at_s"),
        Equals("metadata.absent", None),
        Equals("metadata.nothing", None),
        Equals("metadata.n", 10**30),
        Equals("metadata.n", float("inf")),
        Equals(join_path(("metadata", "it's")), "it's; DROP TABLE log; --"),
        Equals("metadata.big", 1e30),
        Between("metadata.big", 10**30),
        Between("metadata.big", None, 10**30),
    ],
)
def test_a_filter_at_the_edge_keeps_what_the_reference_keeps(query, negate):
    query = Not(query) if negate else query
    documents = [
        {},
        {"kind": "note", "happened_at_s": 1, "metadata": {"nothing": None, "n": 1, "big": 1e30}},
        {"metadata": {"it's": "it's; DROP TABLE log; --", "big": 2**62}},
        {"happened_at_s": "1", "metadata": {"n": True}},
    ]
    db = table(documents)
    assert passing(db, query) == expected(documents, query)
    db.close()


def test_escaped_json_is_read_as_well():
    documents = [{"scope": {"place": "größe 家 🙂"}}, {"scope": {"place": "grösse"}}]
    db = table(documents, ensure_ascii=True)
    assert passing(db, Equals("scope.place", "größe 家 🙂")) == [0]
    db.close()


def test_no_value_is_in_the_text():
    query = And((Equals("kind", "Robert'); DROP TABLE log"), Between("outcome.reward", 12345.5)))
    condition = to_sql(query)
    assert "Robert" not in condition.text
    assert "12345" not in condition.text
    assert condition.text.count("?") == len(condition.parameters)


@pytest.mark.parametrize("column", ["payload; DROP TABLE log", "a.b.c", "", "1a", "payload--"])
def test_a_column_that_is_no_name_is_refused(column):
    with pytest.raises(InvalidQuery, match="expected the name of a column, such as payload"):
        to_sql(EVERYTHING, column=column)


def test_a_text_with_a_nul_is_refused_by_name():
    with pytest.raises(UnanswerableQuery, match=r"In\(path='kind'.*SQLite ends a text at a NUL"):
        to_sql(Equals("kind", "a\x00b"))


@pytest.mark.parametrize("combine", [And, Or])
def test_a_filter_of_thousands_of_parts_is_answered(combine):
    db = table([{"metadata": {"n": 1}}])
    assert passing(db, combine(tuple(Equals("metadata.n", 1) for _ in range(3_000)))) == [0]
    assert passing(db, In("metadata.n", tuple(range(100_000)))) == [0]
    db.close()


def test_the_log_itself_can_be_asked(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        memory = ExperienceMemory(backend)
        memory.record(Experience(task="slice", id="a", facts={"objects": {"apple_1": {"state": "sliced"}}}))
        memory.record(Experience(task="slice", id="b", facts={"objects": {"apple_1": {"state": "whole"}}}))
    condition = to_sql(where(facts__objects__apple_1__state="sliced"), column="contents.payload")
    db = sqlite3.connect(tmp_path / "log.sqlite")
    sql = f"SELECT id FROM entries JOIN contents USING (sequence) WHERE {condition.text}"
    assert db.execute(sql, condition.parameters).fetchall() == [("a",)]
    db.close()


def test_a_condition_is_a_plain_value():
    assert to_sql(EVERYTHING) == SqlCondition("1")
    assert to_sql(Near("position_m", (1, 2), 3)).parameters[-1] == 9
