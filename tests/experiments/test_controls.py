"""What each control changes, and what it leaves alone."""

from pathlib import Path

import pytest

from embodied_mem.errors import ExperimentError, UnanswerableQuery, UnknownName
from embodied_mem.experiments.controls import (
    Control,
    NoMemory,
    RandomMemory,
    RecencyMemory,
    ShuffledMemory,
    WithoutKindMemory,
)
from embodied_mem.records import Experience, Outcome, SkillCall, Task
from embodied_mem.records.answers import EVERY_FIELD, refuse_unanswerable
from embodied_mem.records.filters import Equals, Not, all_of, where
from embodied_mem.records.queries import Query
from embodied_mem.store import MemoryStore

KINDS = ("red", "green", "blue")
CONTROLS = (RandomMemory, RecencyMemory, ShuffledMemory, WithoutKindMemory)


def experience(number: int) -> Experience:
    kind = KINDS[number % 3]
    return Experience(
        id=f"e{number}",
        task=Task(f"open the {kind} door", kind=kind, instance=f"{kind}#{number}"),
        state=f"a {kind} door",
        plan=(SkillCall("pull", {"lever": number}),),
        outcome=Outcome(status="success", explanation=f"pulled {number}"),
        kind="repair" if number % 2 else "episode",
    )


@pytest.fixture
def inner(tmp_path: Path):
    with MemoryStore.open(tmp_path / "memory") as store:
        memory = store.memory()
        for number in range(30):
            memory.record(experience(number))
        yield memory


QUERY = Query(task=Task("open the red door", kind="red", instance="red#99"), state="a red door", k=4)


def ids(recalled) -> list[str]:
    return [hit.experience.id for hit in recalled]


@pytest.mark.parametrize("make", CONTROLS)
def test_a_control_gives_as_many_as_the_memory_would(inner, make):
    assert len(make(inner, seed=1).recall(QUERY)) == len(inner.recall(QUERY)) == 4


@pytest.mark.parametrize("make", CONTROLS)
def test_a_control_gives_nothing_outside_the_filter(inner, make):
    query = Query(
        task=QUERY.task, where=all_of(where(kind="repair"), Not(Equals("task.kind", "green"))), k=20
    )
    found = make(inner, seed=1).recall(query)
    assert found
    assert {hit.experience.kind for hit in found} == {"repair"}
    assert "green" not in {hit.experience.task.kind for hit in found}


@pytest.mark.parametrize("make", CONTROLS)
def test_a_control_gives_nothing_recorded_after_the_horizon(inner, make):
    tenth = [receipt.experience.id for receipt in reversed(inner.recall(Query(k=30)))][:10]
    found = make(inner, seed=1).recall(Query(task=QUERY.task, k=30, as_of=10))
    assert found
    assert set(ids(found)) <= set(tenth)


@pytest.mark.parametrize("make", [ShuffledMemory, WithoutKindMemory])
def test_a_control_of_content_gives_nothing_where_the_memory_would(inner, make):
    assert make(inner, seed=1).recall(Query(task=QUERY.task, min_score=1e9)) == []


@pytest.mark.parametrize("make", [RandomMemory, RecencyMemory])
def test_a_draw_has_no_score_and_is_not_thinned_out_by_one(inner, make):
    found = make(inner, seed=1).recall(Query(task=QUERY.task, k=4, min_score=1e9))
    assert [hit.score for hit in found] == [0.0] * 4


@pytest.mark.parametrize("make", CONTROLS)
def test_a_control_records_into_the_memory_it_wraps(inner, make):
    make(inner, seed=1).record(experience(77))
    assert ids(inner.recall(Query(k=1))) == ["e77"]


@pytest.mark.parametrize("make", CONTROLS)
def test_a_withdrawal_reaches_the_memory(inner, make):
    control = make(inner, seed=1)
    before = control.candidates(Query(as_of=10**6))
    control.withdraw(10)
    assert len(before) == 30
    assert len(inner.recall(Query(k=30))) == len(control.candidates(Query(as_of=10**6))) == 10


def test_random_draws_each_experience_at_most_once(inner):
    found = ids(RandomMemory(inner, seed=1).recall(Query(task=QUERY.task, k=30)))
    assert len(set(found)) == len(found) == 30


def test_random_reaches_every_candidate(inner):
    control = RandomMemory(inner, seed=1)
    found = {
        key
        for number in range(200)
        for key in ids(control.recall(Query(task=QUERY.task, state=f"state {number}", k=2)))
    }
    assert found == {f"e{number}" for number in range(30)}


def test_random_draws_the_same_in_another_process_or_after_a_resume(inner):
    first, second = RandomMemory(inner, seed=1), RandomMemory(inner, seed=1)
    first.recall(Query(text="a question that only the first was asked"))
    assert ids(first.recall(QUERY)) == ids(second.recall(QUERY))


def test_random_draws_alike_though_sequence_numbers_moved(inner):
    # A resumed run has a withdrawn attempt in its log, so the same horizon has a higher number.
    control = RandomMemory(inner, seed=1)
    before = ids(control.recall(Query(task=QUERY.task, k=4, as_of=inner.horizon())))
    sequence = inner.horizon()
    inner.record(experience(50))
    inner.withdraw(sequence)
    assert ids(control.recall(Query(task=QUERY.task, k=4, as_of=inner.horizon()))) == before


def test_random_draws_differently_for_another_lifetime(inner):
    query = Query(task=QUERY.task, k=10)
    assert ids(RandomMemory(inner, seed=1).recall(query)) != ids(RandomMemory(inner, seed=2).recall(query))


def test_recency_gives_the_newest(inner):
    assert ids(RecencyMemory(inner, seed=1).recall(QUERY)) == ["e29", "e28", "e27", "e26"]


def test_shuffled_keeps_ids_tasks_and_scores(inner):
    hits, found = inner.recall(QUERY), ShuffledMemory(inner, seed=1).recall(QUERY)
    assert ids(found) == ids(hits)
    assert [hit.score for hit in found] == [hit.score for hit in hits]
    assert [hit.experience.state for hit in found] == [hit.experience.state for hit in hits]


def test_shuffled_never_gives_the_right_content(inner):
    control = ShuffledMemory(inner, seed=1)
    for number in range(50):
        for hit in control.recall(Query(task=QUERY.task, state=f"state {number}", k=4)):
            assert hit.experience.plan != experience(int(hit.experience.id[1:])).plan


def test_shuffled_keeps_a_plan_and_its_outcome_together(inner):
    for hit in ShuffledMemory(inner, seed=1).recall(QUERY):
        assert hit.experience.outcome.explanation == f"pulled {hit.experience.plan[0].arguments['lever']}"


def test_shuffled_leaves_out_what_it_cannot_swap(tmp_path):
    with MemoryStore.open(tmp_path / "one") as store:
        memory = store.memory()
        memory.record(experience(0))
        assert ShuffledMemory(memory, seed=1).recall(QUERY) == []


def test_without_kind_leaves_out_the_kind_that_is_being_solved(inner):
    found = WithoutKindMemory(inner, seed=1).recall(Query(task=QUERY.task, k=30))
    assert {hit.experience.task.kind for hit in found} == {"green", "blue"}


def test_without_kind_refuses_a_query_that_names_no_kind(inner):
    with pytest.raises(ExperimentError, match="names no task kind"):
        WithoutKindMemory(inner, seed=1).recall(Query(text="red door"))


def test_none_keeps_nothing():
    memory = NoMemory()
    memory.record(experience(1))
    assert memory.recall(QUERY) == []
    assert memory.horizon() == 0
    with pytest.raises(UnknownName):
        memory.feedback("e1", helped=True)


class Listing:
    """A stranger's memory that knows nothing of sequence numbers."""

    def __init__(self) -> None:
        self.asked: list[Query] = []

    def record(self, experience):
        raise NotImplementedError

    def recall(self, query, /):
        self.asked.append(query)
        return []

    def feedback(self, experience_id, *, helped):
        raise NotImplementedError


def test_a_memory_without_horizon_is_not_asked_for_one():
    memory = Listing()
    control = Control(memory, seed=1)
    control.hits(Query(as_of=control.horizon()))
    assert memory.asked[0].as_of is None


def test_a_memory_that_cannot_withdraw_is_named():
    with pytest.raises(ExperimentError, match="Listing cannot withdraw"):
        Control(Listing(), seed=1).withdraw(3)


class AnswersTasks:
    """A stranger's memory that looks at tasks and filters only, and says so."""

    answers = frozenset({"task", "where", "state"})

    def __init__(self, inner):
        self.inner = inner

    def record(self, experience):
        return self.inner.record(experience)

    def recall(self, query, /):
        refuse_unanswerable(query, answers=self.answers)
        return self.inner.recall(query)

    def feedback(self, experience_id, *, helped):
        self.inner.feedback(experience_id, helped=helped)


@pytest.mark.parametrize("make", CONTROLS)
@pytest.mark.parametrize("asked", [{"contrast": 1}, {"distinct": True}, {"as_of_s": 5.0}, {"min_score": 0.5}])
def test_a_control_refuses_what_the_memory_it_wraps_cannot_answer(inner, make, asked):
    control = make(AnswersTasks(inner), seed=1)
    assert control.answers == AnswersTasks.answers
    assert len(control.recall(QUERY)) == 4
    with pytest.raises(UnanswerableQuery, match=next(iter(asked))):
        control.recall(Query(task=QUERY.task, **asked))


@pytest.mark.parametrize("make", [RandomMemory, RecencyMemory])
def test_a_draw_keeps_to_the_time_and_the_archive(tmp_path, make):
    now_s = iter(range(100, 1_000))
    with MemoryStore.open(tmp_path / "memory", clock=lambda: float(next(now_s))) as store:
        memory = store.memory(clock=lambda: 0.0)
        for number in range(4):
            memory.record(experience(number))
        control = make(memory, seed=1)
        end_s = store.backend.recorded_at(2)
        assert set(ids(control.recall(Query(task=QUERY.task, as_of_s=end_s)))) == {"e0", "e1"}
        store.archive(["e1"])
        as_of = control.horizon()
        assert len(control.recall(Query(task=QUERY.task, as_of=as_of))) == 3
        assert len(control.recall(Query(task=QUERY.task, as_of=as_of, include_archived=True))) == 4


def test_no_memory_keeps_to_every_bound():
    assert NoMemory().answers == EVERY_FIELD
