"""The workload is the one that docs/benchmarks.md describes, to the last digit."""

import hashlib

import numpy as np
import pytest

from benchmarks.clustered import clustered_vectors
from benchmarks.prepared import Filter, Prepared
from benchmarks.workload import (
    embed,
    embed_all,
    exact_answers,
    make_queries,
    make_record,
    make_records,
    recall_at_k,
)


def test_a_record_is_the_one_described():
    record = make_record(777)
    assert record.text.startswith("state sees bread seed seed bed kitchen drawer sheep forest plank")
    assert record.text.endswith("slice pickaxe outcome success after 343 steps id777")
    assert (record.agent, record.task, record.outcome) == ("agent5", "task27", "success")


def test_the_first_thousand_records_are_the_ones_described():
    texts = "\n".join(record.text for record in make_records(1_000))
    expected = "ec989a7322b914096adbfada577cc7cb5c566ce7028d126c42720000125d6f30"
    assert hashlib.sha256(texts.encode()).hexdigest() == expected


def test_ten_agents_and_fifty_tasks_share_the_records_evenly():
    records = make_records(1_000)
    pairs = {(record.agent, record.task) for record in records}
    assert len({agent for agent, _ in pairs}) == 10
    assert len({task for _, task in pairs}) == 50
    assert len(pairs) == 500  # so that agent and task together leave 0.2 %


def test_a_query_is_the_one_described():
    first = make_queries(1_000)[0]
    assert first.text.startswith("sees torch sofa coal wheat corridor sheep bedroom sand")
    assert (first.agent, first.task) == ("agent6", "task31")


def test_a_vector_is_the_one_described():
    vector = embed(make_record(777).text)
    expected = [-0.09467959403991699, 0.038326457142829895, -0.017328891903162003, 0.025064032524824142]
    assert vector[:4].tolist() == pytest.approx(expected, abs=1e-7)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)


def test_clustered_vectors_are_the_ones_described():
    vectors, queries = clustered_vectors(3_000, 200)
    expected = [-0.04459633305668831, 0.018499799072742462, 0.043269407004117966, 0.045138146728277206]
    assert vectors[0, :4].tolist() == pytest.approx(expected, abs=1e-6)
    assert (vectors.shape, queries.shape) == ((3_000, 384), (200, 384))


def test_exact_answers_are_the_nearest_of_the_candidates():
    vectors = np.eye(4, dtype=np.float32)
    queries = np.array([[0.9, 0.4, 0.1, 0.0], [0.9, 0.4, 0.1, 0.0]], dtype=np.float32)
    found = exact_answers(vectors, queries, [None, np.array([2, 3])], k=2)
    assert found == [{0, 1}, {2, 3}]


def test_what_is_as_near_as_the_last_of_the_nearest_is_an_answer_too():
    vectors = np.array([[1.0, 0.0], [0.5, 0.0], [0.5 - 1e-7, 0.0], [0.49, 0.0]], dtype=np.float32)
    truth = exact_answers(vectors, np.array([[1.0, 0.0]], dtype=np.float32), [None], k=2)
    assert truth == [{0, 1, 2}]
    assert [recall_at_k([found], truth, k=2) for found in ([0, 1], [0, 2], [0, 3])] == [1.0, 1.0, 0.5]


def test_recall_is_the_share_that_was_found():
    truth = [frozenset({1, 2}), frozenset({3}), frozenset()]
    assert recall_at_k([[1, 9], [3], []], truth) == pytest.approx((0.5 + 1 + 1) / 3)


def test_the_workload_survives_its_folder(tmp_path):
    made = Prepared.make(120, 10)
    made.save(tmp_path)
    read = Prepared.read(tmp_path)
    assert (read.n, read.records, read.queries) == (made.n, made.records, made.queries)
    assert np.array_equal(read.vectors, made.vectors)
    assert np.array_equal(read.vectors, embed_all([record.text for record in read.records]))


def test_answers_under_a_filter_pass_it():
    prepared = Prepared.make(1_000, 0)
    for query, found in zip(prepared.queries, prepared.answers(Filter.AGENT_TASK), strict=True):
        records = [prepared.records[step] for step in found]
        assert {(record.agent, record.task) for record in records} == {(query.agent, query.task)}


def test_records_that_were_added_can_be_answers():
    prepared = Prepared.make(100, 400)
    more, fewer = prepared.answers(Filter.NONE, 500), prepared.answers(Filter.NONE)
    assert all(step < 100 for found in fewer for step in found)
    assert any(step >= 100 for found in more for step in found)
