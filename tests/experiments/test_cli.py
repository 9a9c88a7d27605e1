"""The command line as a user meets it: real processes."""

import json
import os
import signal
import time

import pytest

from embodied_mem.experiments.cli import main
from embodied_mem.experiments.doctor import Finding, examine
from embodied_mem.experiments.listing import lines
from tests.experiments.conftest import TOY_RUN

QUICK = (*TOY_RUN, "arms=[none,memory]", "workers=1")


def test_help_names_every_command(run_cli):
    code, out, _ = run_cli("--help")
    assert code == 0
    verbs = ("run", "compare", "report", "list", "memory", "llm", "doctor", "admission")
    assert all(f"\n    {verb}" in out for verb in verbs)


def test_help_loads_nothing_heavy(run_python):
    code = (
        "import sys; from embodied_mem.experiments.cli import main; main(['run', '--help']); "
        "print(sorted({'numpy', 'hydra', 'rich', 'gymnasium', 'pydantic', 'sqlite3'} & set(sys.modules)))"
    )
    assert run_python("-c", code).stdout.splitlines()[-1] == "[]"


def test_no_command_shows_help_and_is_wrong_usage(run_cli):
    code, out, _ = run_cli()
    assert code == 2
    assert "COMMAND" in out


def test_an_unknown_command_is_wrong_usage(run_cli):
    code, _, err = run_cli("rum")
    assert code == 2
    assert "invalid choice: 'rum'" in err


def test_a_run_ends_with_a_table_and_the_path_of_its_folder(run_cli, tmp_path):
    code, out, err = run_cli("run", *QUICK, "out=here")
    assert code == 0, err
    assert "memory" in out
    assert out.splitlines()[-1] == "run: here"
    assert json.loads((tmp_path / "here" / "run.json").read_text())["status"] == "finished"
    assert json.loads((tmp_path / "here" / "summary.json").read_text())


def test_a_run_goes_to_a_dated_folder_by_default(run_cli, tmp_path):
    code, _, err = run_cli("run", *QUICK, "name=mine")
    assert code == 0, err
    [folder] = tmp_path.glob("outputs/*-*-*/mine_*-*-*")
    assert (folder / "run.json").exists()


def test_progress_goes_to_standard_error_alone(run_cli):
    _, out, err = run_cli("run", *QUICK, "out=here")
    assert "of 80 episodes" in err
    assert "of 80 episodes" not in out
    assert "a simulator that prints on reset" not in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "lifetims=2"), "Did you mean 'lifetimes'"),
        (("run", "stream.kinds=[babyai:UnlockPickpu]", "arms=[none]", "workers=1"), "UnlockPickup"),
        (("run", "stream.kinds=[babyia:UnlockPickup]", "arms=[none]", "workers=1"), "Did you mean 'babyai'"),
        (("run", *QUICK, "planner.options.colour=red"), "planner 'puller' cannot be made with"),
        (("run", *QUICK, "memory.options.colour=red"), "memory 'experience' cannot be made with"),
        (("run", *QUICK, "out=/proc/nowhere"), "name another folder with out="),
        (("run", "resume=nowhere"), "nowhere has no run.json"),
        (("run", *QUICK, "limits.max_steps=-3"), "limits.max_steps is -3"),
        (("report", "nowhere"), "nowhere has no run.json"),
        (("compare", "nowhere", "elsewhere"), "has no run.json"),
    ],
)
def test_an_error_is_one_line_with_what_to_do_and_exit_code_1(run_cli, words, message):
    code, _, err = run_cli(*words)
    assert code == 1
    assert message in err
    assert len([line for line in err.splitlines() if line.startswith("error:")]) == 1
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "override",
    [
        "planner.options.colour=red",
        "memory.options.colour=red",
        "limits.max_steps=-3",
        "stream.kinds=[nowhere:a]",
    ],
)
def test_a_run_that_cannot_be_played_leaves_no_folder(run_cli, tmp_path, override):
    code, _, err = run_cli("run", *QUICK, override, "out=here")
    assert code == 1
    assert "resume" not in err
    assert not (tmp_path / "here").exists()


def test_ctrl_c_before_a_run_begins_is_said(monkeypatch, capsys):
    from embodied_mem.experiments import cli

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_play", interrupted)
    assert main(["run"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_folder_whose_run_json_is_of_something_else_has_no_report(run_cli, tmp_path):
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "run.json").write_text('{"config": {}}')
    code, _, err = run_cli("report", "foreign")
    assert code == 1
    assert "foreign/run.json: lifetimes is missing" in err


@pytest.mark.parametrize("words", [("run", "resume=file"), ("report", "file"), ("compare", "file", "other")])
def test_a_file_is_no_run_folder(run_cli, tmp_path, words):
    (tmp_path / "file").write_text("")
    code, _, err = run_cli(*words)
    assert code == 1
    assert "file has no run.json" in err


def test_verbose_shows_the_traceback(run_cli):
    _, _, err = run_cli("run", "-v", "lifetims=2")
    assert "Traceback" in err


def test_an_episode_that_an_environment_broke_off_makes_exit_code_1(run_cli):
    code, out, err = run_cli("run", *QUICK, "stream.kinds=[levers:broken,levers:a]", "out=here")
    assert code == 1
    assert "episodes ended in an error; the first: arm none, lifetime 0" in err
    assert out.splitlines()[-1] == "run: here"


def test_a_report_refuses_tuning_seeds_unless_it_is_a_draft(run_cli):
    run_cli("run", *QUICK, "seeds=tuning", "out=here")
    code, _, err = run_cli("report", "here")
    assert code == 1
    assert "add --draft" in err
    code, out, err = run_cli("report", "here", "--draft")
    assert code == 0, err
    assert out.splitlines()[-1].endswith("report.html")


@pytest.mark.parametrize("workers", ["workers=1", "workers=2"])
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(start_cli, tmp_path, workers):
    process = start_cli("run", *QUICK, workers, "out=here", TOY_STEP_S="0.02")
    rows = tmp_path / "here" / "lifetimes"
    deadline_s = time.monotonic() + 60
    while not any(path.stat().st_size for path in rows.glob("*/*/episodes.jsonl")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "embodied-mem run resume=here" in err
    assert "Traceback" not in err
    assert json.loads((tmp_path / "here" / "run.json").read_text())["status"] == "interrupted"


def test_a_run_opens_no_socket(toy_environment, start_cli, tmp_path):
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def refuse(event, arguments):\n"
        "    if event.startswith('socket.'):\n"
        "        os.write(2, b'SOCKET ' + event.encode()); os._exit(99)\n"
        "sys.addaudithook(refuse)\n"
        f"open({str(tmp_path / 'watched')!r}, 'a').write('x')\n"
    )
    path = os.pathsep.join([str(tmp_path / "watch"), toy_environment["PYTHONPATH"]])
    words = [word for word in TOY_RUN if not word.startswith("report")]
    process = start_cli("run", *words, "workers=2", "out=here", PYTHONPATH=path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert len((tmp_path / "watched").read_text()) >= 3, (
        "the hook was not there in this process and both workers"
    )
    assert out.splitlines()[-1].endswith("report.html")


def test_runs_are_compared(run_cli):
    for name in ("one", "two"):
        run_cli("run", *QUICK, f"out={name}")
    code, out, err = run_cli("compare", "one", "two", "--out", "both")
    assert code == 0, err
    assert out.startswith("# Comparison")


@pytest.mark.parametrize(
    ("what", "name"), [("embedders", "hashed"), ("forgetting", "w_tinylfu"), ("judges", "goal")]
)
def test_list_names_what_is_registered(capsys, what, name):
    assert main(["list", what]) == 0
    assert name in capsys.readouterr().out.splitlines()


def test_arms_are_listed_with_what_they_are(capsys):
    assert main(["list", "arms"]) == 0
    assert "shuffled" in capsys.readouterr().out


def test_kinds_are_listed_with_their_streams():
    assert any(line.startswith("babyai:UnlockPickup") and "mixed" in line for line in lines("kinds"))


def test_a_world_whose_simulator_is_missing_says_which_extra_brings_it(monkeypatch):
    monkeypatch.setattr("embodied_mem.experiments.listing.find_spec", lambda module: None)
    assert "babyai  needs [grid]" in lines("worlds")


def test_listing_worlds_imports_no_simulator(run_python):
    code = (
        "import sys; from embodied_mem.experiments.cli import main; main(['list', 'worlds']); "
        "print(sorted({'gymnasium', 'minigrid', 'hydra'} & set(sys.modules)))"
    )
    assert run_python("-c", code).stdout.splitlines()[-1] == "[]"


def test_doctor_names_versions_and_shows_no_secret(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-do-not-show")
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "sqlite" in out
    assert "sk-do-not-show" not in out


def test_doctor_marks_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr("embodied_mem.experiments.doctor.CORE", ("embodied-mem", "no-such-package"))
    found = {finding.name: finding for finding in examine(tmp_path)}
    assert found["no-such-package"].is_problem
    assert not found["embodied-mem"].is_problem


def test_doctor_says_that_environments_cannot_be_recorded(run_python, tmp_path):
    (tmp_path / "gymnasium").mkdir()
    (tmp_path / "gymnasium/__init__.py").write_text("raise TypeError('this version is broken')")
    done = run_python("-m", "embodied_mem.experiments.cli", "doctor")
    assert "PROBLEM record_experience TypeError: this version is broken; run: pip install" in done.stdout


def test_doctor_notes_that_there_is_no_java(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    [finding] = [finding for finding in examine(tmp_path) if finding.name == "java"]
    assert "scienceworld" in finding.advice
    assert not finding.is_problem


def test_doctor_notes_a_sqlite_with_the_checkpoint_race(monkeypatch, tmp_path):
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 40, 1))
    [finding] = [finding for finding in examine(tmp_path) if finding.name == "sqlite"]
    assert "3.51.3" in finding.advice
    assert not finding.is_problem


def test_doctor_notices_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    [finding] = [finding for finding in examine(tmp_path) if finding.name == "outputs"]
    assert isinstance(finding, Finding)
    assert finding.is_problem


def test_version_is_printed(capsys):
    import embodied_mem

    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == embodied_mem.__version__


def test_a_registered_memory_is_listed_among_the_arms():
    assert any(line.startswith("experience ") and "registered memory" in line for line in lines("arms"))
