"""A memory that forgets by a policy after every episode."""

import pytest

from embodied_mem.errors import ExperimentError, UnknownName
from embodied_mem.experiments.arms import make_memory
from embodied_mem.records import Experience, Outcome, Status
from embodied_mem.records.queries import Query


def made(tmp_path, **forgetting):
    return make_memory("experience", tmp_path / "memory", seed=0, options={"forgetting": forgetting})


def experience(number, kind, *, recalled=()):
    return Experience(
        id=f"{kind}-{number}",
        kind=kind,
        task="open the door",
        state=f"door {number}",
        outcome=Outcome(status=Status.SUCCESS),
        recalled=recalled,
    )


def ids(memory):
    return {hit.experience.id for hit in memory.recall(Query(task=None, k=100))}


def test_it_forgets_after_an_episode_and_not_after_a_decision(tmp_path):
    memory = made(tmp_path, policy="fifo", keep=2)
    for number in range(4):
        memory.record(experience(number, "decision"))
    assert len(ids(memory)) == 4
    memory.record(experience(0, "episode"))
    assert ids(memory) == {"decision-3", "episode-0"}


def test_what_is_recorded_together_is_forgotten_together(tmp_path):
    memory = made(tmp_path, policy="fifo", keep=1)
    memory.record_all([experience(0, "decision"), experience(1, "decision"), experience(0, "episode")])
    assert ids(memory) == {"episode-0"}


def test_what_is_used_stays_longer(tmp_path):
    memory = made(tmp_path, policy="ebbinghaus", policy_options={"initial_strength": 2.0}, below=0.3)
    memory.record(experience(0, "episode"))
    memory.record(experience(1, "episode"))
    for number in range(2, 5):
        memory.record(experience(number, "episode", recalled=("episode-0",)))
    kept = ids(memory)
    assert "episode-0" in kept
    assert "episode-1" not in kept


def test_a_policy_must_be_named(tmp_path):
    with pytest.raises(ExperimentError, match="expected a policy"):
        made(tmp_path, keep=2)


def test_an_unknown_policy_is_named(tmp_path):
    with pytest.raises(UnknownName, match="lru"):
        made(tmp_path, policy="lru2", keep=2)
