import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.contracts import HasHorizon, Memory
from embodied_mem.errors import MemoryModeError, UnknownName
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.modes import LimitedMemory, with_mode
from embodied_mem.records import Experience, Recalled, Receipt
from embodied_mem.records.queries import Query


class Notebook:
    """A stranger's memory without a horizon."""

    def __init__(self):
        self.notes = []

    def record(self, experience):
        self.notes.append(experience)
        return Receipt(experience.id)

    def recall(self, query: Query, /):
        return [Recalled(experience=e, score=0.0, parts={}, reason="all") for e in self.notes][: query.k]

    def feedback(self, experience_id, *, helped):
        self.notes.append(experience_id)


@pytest.fixture
def ours(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        yield ExperienceMemory(backend)


@pytest.fixture(params=["ours", "a stranger's"])
def memory(request, ours):
    memory = ours if request.param == "ours" else Notebook()
    memory.record(Experience(task="look", id="a"))
    return memory


@pytest.mark.parametrize("mode", ["frozen", "off"])
def test_writes_are_refused_with_the_way_out(memory, mode):
    limited = with_mode(memory, mode)
    with pytest.raises(
        MemoryModeError, match=f"mode '{mode}' does not record.*mode='learn'.*Agent.mode='{mode}'"
    ):
        limited.record(Experience(task="look", id="b"))
    with pytest.raises(MemoryModeError, match=f"mode '{mode}' does not take feedback"):
        limited.feedback("a", helped=True)
    assert len(memory.recall(Query(k=9))) == 1


def test_a_frozen_memory_recalls(memory):
    frozen = with_mode(memory, "frozen")
    assert [hit.experience.id for hit in frozen.recall(Query())] == ["a"]
    assert [hit.experience.id for hit in LimitedMemory(memory, "frozen").recall("look", k=1)] == ["a"]


def test_a_memory_that_is_off_recalls_nothing(memory):
    assert with_mode(memory, "off").recall(Query()) == []


def test_learning_is_the_memory_itself(memory):
    assert with_mode(memory, "learn") is memory


@pytest.mark.parametrize("mode", ["frozen", "off"])
def test_the_horizon_shines_through_where_there_is_one(ours, mode):
    ours.record(Experience(task="look"))
    limited = with_mode(ours, mode)
    assert isinstance(limited, HasHorizon)
    assert limited.horizon() == ours.horizon() == 1
    assert not isinstance(with_mode(Notebook(), mode), HasHorizon)


def test_a_limited_memory_is_a_memory(memory):
    assert isinstance(with_mode(memory, "frozen"), Memory)


def test_an_unknown_mode_gets_the_nearest_name(memory):
    with pytest.raises(UnknownName, match="Did you mean 'frozen'"):
        with_mode(memory, "frosen")
