"""`embodied-mem setup`; pip is never run here."""

import argparse
import sys

import pytest

from embodied_mem.envs.virtualhome import package
from embodied_mem.errors import ExperimentError, MissingExtra
from embodied_mem.experiments.cli import main
from embodied_mem.experiments.doctor import examine
from embodied_mem.experiments.setup_command.virtualhome import set_up


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(package, "find_spec", lambda name: None)


def refuse(command):
    raise AssertionError(f"was run: {command}")


def set_up_with(answer, *, pip=refuse, yes=False):
    said = []
    status = set_up(argparse.Namespace(yes=yes), say=said.append, ask=lambda question: answer, pip=pip)
    return status, "\n".join(said)


def test_it_says_size_and_licence_before_it_asks(nothing_installed):
    status, said = set_up_with("n")
    assert status == 1
    assert "licence MIT" in said
    assert "405 MB on disk" in said


def test_nothing_is_installed_unless_the_user_agrees(nothing_installed):
    for answer in ("", "n", "no", "what?"):
        assert set_up_with(answer)[0] == 1


def test_nobody_to_ask_is_a_no(nothing_installed):
    def nobody(question):
        raise EOFError

    assert set_up(argparse.Namespace(yes=False), say=lambda line: None, ask=nobody, pip=refuse) == 1


@pytest.mark.parametrize(("answer", "yes"), [("y", False), ("", True)])
def test_it_installs_with_the_running_interpreter_and_without_dependencies(nothing_installed, answer, yes):
    ran = []
    with pytest.raises(ExperimentError, match="pip could not install"):
        set_up_with(answer, yes=yes, pip=lambda command: ran.append(command) or 1)
    assert ran == [[sys.executable, "-m", "pip", "install", "--no-deps", "virtualhome-eval==0.1.1"]]


def test_an_installation_that_cannot_be_used_is_said(nothing_installed):
    with pytest.raises(ExperimentError, match="not installed"):
        set_up_with("y", pip=lambda command: 0)


def test_doctor_says_what_is_missing_in_one_line(nothing_installed, tmp_path):
    (finding,) = [each for each in examine(tmp_path) if each.name == "virtualhome"]
    assert not finding.is_problem
    assert str(finding).endswith("virtualhome-eval is not installed; run: embodied-mem setup virtualhome")


def test_another_version_is_named(monkeypatch):
    monkeypatch.setattr(package, "installed_version", lambda: "0.2.0")
    assert package.what_is_missing() == "virtualhome-eval 0.2.0 is installed; expected 0.1.1"


def test_a_world_without_its_simulator_names_the_command(nothing_installed):
    with pytest.raises(MissingExtra, match="run: embodied-mem setup virtualhome"):
        package.load_simulator()


def test_an_unknown_simulator_is_wrong_usage(capsys):
    assert main(["setup", "no_such_simulator"]) == 2
