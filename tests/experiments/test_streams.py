"""The order of tasks in a lifetime."""

from collections import Counter

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.seeds import Phase, SeedRange
from embodied_mem.experiments.streams import Trial, trials

SEEDS = SeedRange("small", first=1000, last=9999, per_lifetime=200)


def stream(kinds=("a", "b", "c"), *, block=0, learning=10, held_out=7) -> tuple[Trial, ...]:
    return trials(
        kinds,
        seeds=SEEDS,
        block=block,
        lifetime=block,
        learning_episodes=learning,
        held_out_episodes=held_out,
    )


def test_learning_comes_before_held_out():
    phases = [trial.phase for trial in stream()]
    assert phases == [Phase.LEARN] * 10 + [Phase.HELD_OUT] * 7


@pytest.mark.parametrize("phase", list(Phase))
def test_each_kind_comes_equally_often_give_or_take_one(phase):
    counts = Counter(trial.kind for trial in stream() if trial.phase is phase)
    assert set(counts) == {"a", "b", "c"}
    assert max(counts.values()) - min(counts.values()) <= 1


def test_two_lifetimes_have_different_orders():
    assert [trial.kind for trial in stream(block=0)] != [trial.kind for trial in stream(block=1)]


def test_a_lifetime_has_the_same_order_each_time_it_is_made():
    assert stream(block=3) == stream(block=3)


def test_no_held_out_seed_was_learnt_on():
    by_phase = {phase: {trial.seed for trial in stream() if trial.phase is phase} for phase in Phase}
    assert not by_phase[Phase.LEARN] & by_phase[Phase.HELD_OUT]


def test_more_held_out_episodes_leave_the_learning_ones_as_they_are():
    assert stream(held_out=3)[:10] == stream(held_out=20)[:10]


def test_a_stream_without_kinds_is_refused():
    with pytest.raises(ExperimentError, match="no task kinds"):
        stream(kinds=())
