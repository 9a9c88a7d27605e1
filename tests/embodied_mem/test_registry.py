import pytest

from embodied_mem import registry
from embodied_mem.agent.judging import GoalJudge
from embodied_mem.errors import MissingExtra, UnknownName, unknown_name
from embodied_mem.optional import require
from embodied_mem.planners.case_based import CaseBasedPlanner


@pytest.mark.parametrize(
    ("group", "name", "part"), [("planners", "case_based", CaseBasedPlanner), ("judges", "goal", GoalJudge)]
)
def test_a_part_is_found_by_its_name(group, name, part):
    assert registry.load(group, name) is part


def test_a_group_of_which_nothing_is_registered_yet_says_so():
    with pytest.raises(UnknownName, match="Unknown reflector 'x'"):
        registry.load("reflectors", "x")


@pytest.mark.parametrize(
    ("group", "name", "near"),
    [
        ("memories", "experence", "experience"),
        ("worlds", "babyay", "babyai"),
        ("planners", "casebased", "case_based"),
    ],
)
def test_an_unknown_name_gives_the_nearest(group, name, near):
    with pytest.raises(UnknownName, match=f"Did you mean '{near}'"):
        registry.load(group, name)


@pytest.mark.parametrize(
    ("group", "noun"),
    [
        ("memories", "memory"),
        ("judges", "judge"),
        ("forgetting", "forgetting policy"),
        ("backends", "back end"),
    ],
)
def test_an_unknown_name_is_told_with_what_was_looked_up(group, noun):
    with pytest.raises(UnknownName, match=f"^Unknown {noun} 'x'"):
        registry.load(group, "x")


def test_an_unknown_group_lists_the_groups():
    with pytest.raises(UnknownName, match="Known: backends, embedders"):
        registry.names("brains")


def test_a_very_long_unknown_name_is_shortened():
    assert len(str(unknown_name("world", "x" * 1_000_000, ["a"]))) < 300


def test_a_missing_extra_is_one_line_with_the_command():
    with pytest.raises(MissingExtra) as caught:
        require("surely_not_installed", extra="grid")
    assert str(caught.value) == (
        "surely_not_installed is not installed; run: pip install 'embodied-mem[grid]'"
    )


def test_an_import_that_fails_inside_a_package_is_not_a_missing_extra(tmp_path, monkeypatch):
    (tmp_path / "half_package.py").write_text("import surely_not_installed_either\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed_either") as caught:
        require("half_package", extra="grid")
    assert not isinstance(caught.value, MissingExtra)
