"""Planners, judges and reflectors by name; a factory gets the folder and the seed if it names them."""

from pathlib import Path

import pytest

from embodied_mem import registry
from embodied_mem.agent.judging import GoalJudge
from embodied_mem.errors import ExperimentError, UnknownName
from embodied_mem.experiments.arms import make_planner
from embodied_mem.experiments.part_factories import make_judge, make_reflector
from embodied_mem.planners.case_based import CaseBasedPlanner
from embodied_mem.planners.random_skill import RandomSkillPlanner

FOLDER = Path("runs/a/planner")
GIVEN = {"folder": FOLDER, "seed": 7}


class Part(RandomSkillPlanner):
    """Answers for every contract, and notes what it was made with."""

    def __init__(self, **given: object) -> None:
        self.given = given

    def judge(self, trace):
        raise NotImplementedError

    def reflect(self, trace, outcome):
        raise NotImplementedError


class OldPart(Part):
    def __init__(self, k: int = 5) -> None:
        super().__init__(k=k)


class SeededPart(Part):
    def __init__(self, *, seed: int, k: int = 5) -> None:
        super().__init__(seed=seed, k=k)


class KeepingPart(Part):
    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder=folder, seed=seed)


def passing_on(**options: object) -> OldPart:
    return OldPart(**options)


def positional(folder: Path = Path("default"), /, **options: object) -> Part:
    return Part(folder=folder, **options)


@pytest.fixture
def registered(monkeypatch):
    """Registers a factory under the name `mine` in every group."""

    def register(factory: object) -> None:
        load = registry.load
        monkeypatch.setattr(
            registry, "load", lambda group, name: factory if name == "mine" else load(group, name)
        )

    return register


@pytest.mark.parametrize("make", [make_planner, make_judge, make_reflector])
@pytest.mark.parametrize(
    ("factory", "expected"),
    [
        (OldPart, {"k": 3}),
        (SeededPart, {"seed": 7, "k": 3}),
        (passing_on, {"k": 3}),
        (positional, {"folder": Path("default"), "k": 3}),
    ],
)
def test_a_factory_gets_what_it_names(registered, make, factory, expected):
    registered(factory)
    assert make("mine", options={"k": 3}, **GIVEN).given == expected


@pytest.mark.parametrize("make", [make_planner, make_judge, make_reflector])
def test_a_factory_may_keep_files_in_its_folder(registered, make):
    registered(KeepingPart)
    assert make("mine", options={}, **GIVEN).given == GIVEN
    assert make("mine", options={}, folder=str(FOLDER), seed=7).given == GIVEN  # as JSON gives it
    assert make("mine", options={"seed": 8}, **GIVEN).given == {**GIVEN, "seed": 8}  # options win


@pytest.mark.parametrize(
    ("make", "group", "what"),
    [
        (make_planner, "planner", "decide and describe"),
        (make_judge, "judge", "judge"),
        (make_reflector, "reflector", "reflect"),
    ],
)
def test_what_is_no_such_part_is_refused_by_name(registered, make, group, what):
    registered(lambda: object())
    with pytest.raises(ExperimentError, match=f"{group} 'mine' is object; expected {what}"):
        make("mine", options={})
    with pytest.raises(ExperimentError, match=f"{group} 'mine' cannot be made with {{'k': 3}}"):
        make("mine", options={"k": 3})
    with pytest.raises(UnknownName, match=f"Unknown {group} 'nobody'"):
        make("nobody", options={})


def test_the_default_parts_are_made_by_name():
    assert isinstance(make_planner("case_based", options={"k": 2}, **GIVEN), CaseBasedPlanner)
    assert isinstance(make_judge("goal", options={}, **GIVEN), GoalJudge)


def test_without_a_name_the_planner_reflects():
    assert make_reflector("", options={}, **GIVEN) is None


@pytest.mark.usefixtures("toy_parts")
def test_the_parts_of_a_plugin_are_made_by_name():
    assert make_judge("strict", options={"level": 3}, **GIVEN).level == 3
    reflector = make_reflector("moralist", options={"level": 1}, **GIVEN)
    assert (reflector.folder, reflector.seed, reflector.level) == (FOLDER, 7, 1)
