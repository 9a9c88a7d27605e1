import copy
import pickle

from embodied_mem.agent.episode_recall import EpisodeRecall
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records import Experience, Recalled, Task
from embodied_mem.records.queries import Query
from embodied_mem.records.recollection import Recollection

HIT = Recalled(experience=Experience(task="look", id="a"), score=0.0, parts={}, reason="newest")


def test_it_is_a_list_that_knows_what_it_was_chosen_from():
    hits = Recollection([HIT], n_candidates=7, is_exact=False)
    assert hits == [HIT]
    assert (hits.n_candidates, hits.is_exact) == (7, False)
    assert Recollection() == []


def test_copies_know_it_too():
    hits = Recollection([HIT], n_candidates=7, is_exact=False)
    for other in (copy.copy(hits), pickle.loads(pickle.dumps(hits))):
        assert (list(other), other.n_candidates, other.is_exact) == ([HIT], 7, False)


def test_other_hits_were_chosen_from_as_many():
    fewer = Recollection([HIT], n_candidates=7, is_exact=False).replaced([])
    assert (fewer, fewer.n_candidates, fewer.is_exact) == ([], 7, False)


def test_an_episode_says_it_too(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        memory = ExperienceMemory(backend)
        for number in range(3):
            memory.record(Experience(task=Task("look", instance=f"room#{number}")))
        recall = EpisodeRecall(memory, limit=1, hidden_instance="room#1")
        found = recall(Query(text="look", k=1))
        assert (len(found), found.n_candidates, found.is_exact) == (1, 2, True)
        assert recall(Query(text="look")) == Recollection()
