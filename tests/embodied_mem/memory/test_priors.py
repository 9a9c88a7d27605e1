import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.priors import Priors
from embodied_mem.memory.scoring import RankingWeights
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.records import Experience, Outcome

NAMES = ("recency", "outcome", "surprise", "utility", "trust")


@pytest.fixture
def backend(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        memory = ExperienceMemory(backend)
        memory.record(Experience(task="look", id="a", happened_at_s=10.0, outcome=Outcome(status="success")))
        memory.record(Experience(task="look", id="b", happened_at_s=20.0, recalled=("a",)))
        memory.feedback("a", helped=True)
        yield backend


def legs(backend, **weights):
    views = LogViews(backend)
    views.catch_up()
    given = RankingWeights(**{"half_life_s": 10.0, **dict.fromkeys(NAMES, 0.0), **weights})
    return {leg.name: leg for leg in Priors(views, given).legs(views.standing(None), now_s=20.0)}


def test_what_has_no_weight_is_not_even_read(backend, monkeypatch):
    monkeypatch.setattr(LogViews, "times_s", None)
    monkeypatch.setattr(LogViews, "outcomes", None)
    monkeypatch.setattr(LogViews, "surprise", None)
    monkeypatch.setattr(LogViews, "utility", None)
    assert legs(backend) == {}
    assert set(legs(backend, trust=0.4)) == {"trust"}


def test_trust_comes_last_so_that_the_sum_is_made_in_the_same_order_as_ever(backend):
    assert list(legs(backend, **dict.fromkeys(NAMES, 0.3))) == list(NAMES)


@pytest.mark.parametrize(
    ("name", "sequences", "values"),
    [
        ("recency", [1, 2], [0.5, 1.0]),
        ("outcome", [1, 2], [1.0, 0.5]),
        ("surprise", [1, 2], [2 / 3, 3 / 4]),
        ("utility", [1], [2 / 3 * 2 / 3]),
        ("trust", [1], [2 / 3 - 1 / 2]),
    ],
)
def test_each_has_its_value_and_weight(backend, name, sequences, values):
    leg = legs(backend, **{name: 0.3})[name]
    assert leg.weight == 0.3
    assert leg.sequences.tolist() == sequences
    assert leg.values.tolist() == pytest.approx(values)


def test_where_nothing_was_voted_on_there_is_no_leg(tmp_path):
    with SqliteBackend(tmp_path / "other.sqlite") as empty:
        assert legs(empty, trust=0.4) == {}
