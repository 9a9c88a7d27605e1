"""Generative Agents' code counts recency from the wrong end of its list: the oldest memory scores highest."""

import pytest

from embodied_mem import Experience, MemoryStore
from embodied_mem.memory.scoring import RankingWeights

DAY_S = 86_400.0


def recalled(folder, happened_at_s):
    """Ids of three experiences that differ in when they happened alone, best first."""
    with MemoryStore.open(folder) as store:
        memory = store.memory(weights=RankingWeights(recency=1.0), clock=lambda: 10 * DAY_S)
        for name, at_s in happened_at_s.items():
            memory.record(Experience(id=name, task="open the fridge", happened_at_s=at_s))
        return [hit.experience.id for hit in memory.recall(task="open the fridge", k=3)]


def check_the_newest_comes_first(recall, folder) -> None:
    """Whatever the order of writing."""
    for number, order in enumerate(
        (("new", "old", "older"), ("older", "old", "new"), ("old", "new", "older"))
    ):
        at_s = {"new": 9 * DAY_S, "old": 5 * DAY_S, "older": 1 * DAY_S}
        assert recall(folder / str(number), {name: at_s[name] for name in order}) == ["new", "old", "older"]


def test_inverted_recency_generative_agents(tmp_path):
    check_the_newest_comes_first(recalled, tmp_path)


def test_the_planted_bug_is_caught(tmp_path):
    def from_the_wrong_end(folder, happened_at_s):
        return sorted(happened_at_s, key=lambda name: happened_at_s[name])

    with pytest.raises(AssertionError):
        check_the_newest_comes_first(from_the_wrong_end, tmp_path)
