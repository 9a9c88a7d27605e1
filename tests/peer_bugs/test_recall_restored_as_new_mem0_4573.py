"""mem0 #4573: what memory gave back is stored again as new; 97.8 % of 10,134 records were such junk."""

import pytest

from embodied_mem import Agent, Experience, MemoryStore
from embodied_mem.planners.case_based import CaseBasedPlanner
from embodied_mem.testing.key_door import KeyDoorWorld

TASK = "bring the red ball"


class StoresWhatItRecalls:
    """The planted bug: what was recalled is taken in anew, under an id of its own."""

    def __init__(self, memory) -> None:
        self._memory = memory

    def record(self, experience):
        return self._memory.record(Experience(task=experience.task, plan=experience.plan))

    def recall(self, *query, **fields):
        return self._memory.recall(*query, **fields)


def check_a_loop_of_recalling_and_recording_adds_nothing(store, memory) -> None:
    memory.record(Experience(task=TASK))
    for _ in range(100):
        for hit in memory.recall(task=TASK, k=5):
            memory.record(hit.experience)
    assert store.stats().n_experiences == 1


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        yield store


def test_recall_restored_as_new_mem0_4573(store):
    check_a_loop_of_recalling_and_recording_adds_nothing(store, store.memory())


def test_an_agent_adds_what_happened_and_nothing_that_it_recalled(store):
    agent = Agent(planner=CaseBasedPlanner(), memory=store.memory())
    n_before, n_recalled = 0, 0
    for seed in range(8):
        agent.run_episode(KeyDoorWorld(), seed=seed, attempt=f"attempt-{seed}")
        kept = list(store.experiences())
        new = kept[n_before:]
        assert new
        assert all(experience.origin.attempt == f"attempt-{seed}" for experience in new)
        n_before, n_recalled = len(kept), n_recalled + sum(len(experience.recalled) for experience in new)
    assert n_recalled, "nothing was recalled, so nothing was shown"


def test_the_planted_bug_is_caught(store):
    with pytest.raises(AssertionError):
        check_a_loop_of_recalling_and_recording_adds_nothing(store, StoresWhatItRecalls(store.memory()))
