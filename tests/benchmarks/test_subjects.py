"""Subjects find what there is to find, and what is missing is named before a minute is spent."""

import numpy as np
import pytest

from benchmarks import store as store_command
from benchmarks import subject as subject_module
from benchmarks.prepared import Filter, Prepared
from benchmarks.subject import SUBJECTS, Description, HasTextSearch, Subject
from benchmarks.workload import recall_at_k
from embodied_mem.errors import MissingExtra, UnknownName

N = 300
PEERS = [name for name, each in SUBJECTS.items() if each.role == "peer"]
OURS_AND_FLOORS = [name for name in SUBJECTS if name not in PEERS]


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return Prepared.make(N, 2)


def loaded(name: str, prepared: Prepared, folder) -> Subject:
    folder.mkdir()
    subject = SUBJECTS[name].make(folder)
    subject.load(prepared.records[:N], prepared.vectors[:N])
    return subject


def found(subject: Subject, prepared: Prepared, kind: Filter) -> list[list[int]]:
    by_agent, by_task = kind is not Filter.NONE, kind is Filter.AGENT_TASK
    pairs = list(zip(prepared.queries, prepared.query_vectors, strict=True))[:20]
    return [subject.search(query, vector, by_agent=by_agent, by_task=by_task) for query, vector in pairs]


@pytest.mark.parametrize("name", OURS_AND_FLOORS)
@pytest.mark.parametrize("kind", list(Filter))
def test_ours_and_the_floors_find_the_exact_answers(name, kind, prepared, tmp_path):
    subject = loaded(name, prepared, tmp_path / name)
    assert recall_at_k(found(subject, prepared, kind), prepared.answers(kind)[:20]) == 1.0
    subject.close()


@pytest.mark.parametrize("name", OURS_AND_FLOORS)
def test_a_record_that_was_added_is_found(name, prepared, tmp_path):
    subject = loaded(name, prepared, tmp_path / name)
    record, vector = prepared.records[N], prepared.vectors[N]
    subject.add(record, vector)
    query = prepared.queries[0]
    assert subject.search(query, vector, by_agent=False, by_task=False)[0] == record.step
    subject.close()


def test_ours_finds_by_words_too(prepared, tmp_path):
    subject = loaded("embodied_mem", prepared, tmp_path / "own")
    assert isinstance(subject, HasTextSearch)
    truth = prepared.answers(Filter.NONE)[:20]
    by_words = [subject.search_text(query) for query in prepared.queries[:20]]
    assert all(len(set(steps) & nearest) >= 1 for steps, nearest in zip(by_words, truth, strict=True))
    subject.close()


def test_every_peer_of_the_comparison_is_there_by_name():
    titles = {SUBJECTS[name].title for name in PEERS}
    assert titles == {
        "LangGraph SqliteStore",
        "LangGraph InMemoryStore",
        "LangChain FAISS",
        "mem0 with FAISS",
        "robotmem",
    }


def test_an_unknown_subject_is_named():
    with pytest.raises(UnknownName, match="langgraph_sqlite"):
        store_command.chosen_subjects(["langgraph_sqllite"])


def test_a_missing_peer_is_refused_with_the_command_that_installs_it(monkeypatch):
    absent = Description(title="Absent", maker="own:OwnStore", modules=("no_such_package.part",), role="peer")
    monkeypatch.setattr(subject_module, "SUBJECTS", {**SUBJECTS, "absent": absent})
    with pytest.raises(MissingExtra, match=r"no_such_package.*pip install -e '.\[bench\]'"):
        store_command.check_installed(["absent"])


@pytest.mark.nightly
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_keeps_and_finds_records(name, prepared, tmp_path):
    for module in SUBJECTS[name].modules:
        pytest.importorskip(module.split(".")[0], reason="needs the extra bench")
    subject = loaded(name, prepared, tmp_path / name)
    subject.add(prepared.records[N], prepared.vectors[N])
    steps = found(subject, prepared, Filter.AGENT)
    agents = {prepared.records[step].agent for step in steps[0]}
    assert np.mean([len(each) for each in steps]) > 1
    assert agents == {prepared.queries[0].agent}
    subject.close()
