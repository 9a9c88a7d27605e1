import pytest

from embodied_mem.errors import UnknownName
from embodied_mem.planners import make_planner
from embodied_mem.planners.case_based import CaseBasedPlanner


def test_a_planner_is_made_by_name_with_its_options():
    planner = make_planner("case_based", k=3)
    assert isinstance(planner, CaseBasedPlanner)
    assert planner.describe()["k"] == 3


def test_an_unknown_planner_gives_the_nearest_name():
    with pytest.raises(UnknownName, match="Did you mean 'random_skill'"):
        make_planner("random_skil")
