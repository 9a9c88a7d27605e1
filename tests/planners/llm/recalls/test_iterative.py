"""Recall in rounds: what the hits name and the situation does not is asked next, until nothing new comes."""

from dataclasses import replace

import pytest
from asked_memory import Asked, experience, record
from key_door_scripts import right_call

from embodied_mem.agent.answers import run_awaitable
from embodied_mem.errors import InvalidQuery
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.planners.llm.recalls.iterative import IterativeRecall
from embodied_mem.testing import PlannerContract


class TestWithIterativeRecall(PlannerContract):
    @pytest.fixture
    def planner(self):
        return LLMPlanner(ScriptedModel(right_call), recall=IterativeRecall())


@pytest.fixture
def chain(memory):
    """The door needs a brass key, which lies in a drawer, which a lever opens; and much else."""
    record(
        memory,
        experience("door", "A locked door.", call="take(brass key)"),
        experience("key", "A brass key lies there.", task="tidy up", call="open(drawer)"),
        experience("drawer", "A drawer is stuck.", task="clean", call="pull(lever)"),
        *(experience(f"other {n}", f"A pond with {n} ducks.", task="swim", call="swim()") for n in range(9)),
    )
    return memory


def recalled(way, asked, k=1):
    asked.query = replace(asked.query, k=k)
    return [hit.experience.id for hit in run_awaitable(way.before(asked.context, asked.query))]


def test_what_a_recalled_call_names_is_recalled_in_the_next_round(chain):
    asked = Asked(chain, "A locked door.")
    assert recalled(IterativeRecall(max_rounds=3), asked) == ["door", "key", "drawer"]
    assert [query.text for query in asked.queries] == ["", "brass key", "drawer"]


@pytest.mark.parametrize("rounds", [1, 2])
def test_it_stops_after_the_last_round(chain, rounds):
    asked = Asked(chain, "A locked door.")
    assert recalled(IterativeRecall(max_rounds=rounds), asked) == ["door", "key"][:rounds]
    assert len(asked.queries) == rounds


def test_it_stops_where_nothing_new_is_named(chain):
    asked = Asked(chain, "A locked door. A brass key lies on the floor.")
    found = recalled(IterativeRecall(max_rounds=9), asked)
    assert found[0] in {"door", "key"}
    assert len(asked.queries) < 9


def test_it_stops_where_nothing_new_comes(memory):
    record(memory, experience("door", "A locked door.", call="take(brass key)"))
    asked = Asked(memory, "A locked door.")
    assert recalled(IterativeRecall(max_rounds=9), asked, k=5) == ["door"]
    assert len(asked.queries) == 2


def test_no_experience_comes_twice(chain):
    found = recalled(IterativeRecall(max_rounds=5), Asked(chain, "A locked door."), k=5)
    assert len(found) == len(set(found))


def test_a_wrong_setting_is_named():
    with pytest.raises(InvalidQuery, match="max_rounds is 0"):
        IterativeRecall(max_rounds=0)
