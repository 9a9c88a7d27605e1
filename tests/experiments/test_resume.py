"""Killed and resumed, a run ends with the same summary, byte for byte."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.experiments.conftest import TOY_RUN

RUN = (*TOY_RUN, "arms=[none,random,memory,shuffled]")
pytestmark = pytest.mark.slow

N_ROWS = 2 * (3 * 20 + 10)


def n_rows(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("lifetimes/*/*/episodes.jsonl"))


def kill_after(process: "subprocess.Popen[str]", folder: Path, rows: int, delay_s: float = 0.0) -> None:
    """Kill the run's own process, not its workers, once so many episodes are finished."""
    deadline_s = time.monotonic() + 100
    while process.poll() is None and n_rows(folder) < rows:
        assert time.monotonic() < deadline_s
        time.sleep(0.002)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, child_environment):
    """The summary of a run that nothing disturbed."""
    import sys

    plugin = str(Path(__file__).with_name("toy_plugin"))
    environment = {
        **child_environment,
        "PYTHONPATH": os.pathsep.join([plugin, child_environment["PYTHONPATH"]]),
    }
    folder = tmp_path_factory.mktemp("unbroken")
    done = subprocess.run(
        [sys.executable, "-m", "embodied_mem", "run", *RUN, "workers=1", "out=here"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return (folder / "here" / "summary.json").read_bytes()


def resume(run_cli, *words: str):
    code, out, err = run_cli("run", "resume=here", *words)
    assert code == 0, err
    return out


@pytest.mark.parametrize(
    ("rows", "workers"),
    [(0, 2), (7, 1), (33, 2), (N_ROWS // 2, 2), (N_ROWS - 3, 1), (N_ROWS, 2)],
    ids=[
        "at the start",
        "while learning",
        "with two workers",
        "half way",
        "held out",
        "while results are written",
    ],
)
def test_a_killed_run_ends_as_if_nothing_had_happened(start_cli, run_cli, tmp_path, unbroken, rows, workers):
    process = start_cli("run", *RUN, f"workers={workers}", "out=here", TOY_STEP_S="0.01")
    while not (tmp_path / "here" / "run.json").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    kill_after(process, tmp_path / "here", rows)
    resume(run_cli)
    assert (tmp_path / "here" / "summary.json").read_bytes() == unbroken
    assert n_rows(tmp_path / "here") == N_ROWS


def test_a_run_killed_again_and_again_ends_all_the_same(start_cli, run_cli, tmp_path, unbroken):
    process = start_cli("run", *RUN, "workers=2", "out=here", TOY_STEP_S="0.01")
    for rows in (5, 40, 90):
        kill_after(process, tmp_path / "here", rows)
        process = start_cli("run", "resume=here", "workers=2", TOY_STEP_S="0.01")
    process.communicate(timeout=100)
    assert process.returncode == 0
    assert (tmp_path / "here" / "summary.json").read_bytes() == unbroken


@pytest.mark.parametrize("way", ["kill group", "interrupt", "terminate", "kill a worker"])
def test_whatever_ends_a_run_it_resumes_to_the_same_summary(start_cli, run_cli, tmp_path, unbroken, way):
    process = start_cli("run", *RUN, "workers=2", "out=here", TOY_STEP_S="0.01")
    while n_rows(tmp_path / "here") < N_ROWS // 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    if way == "kill a worker":
        os.kill(child_of(process.pid), signal.SIGKILL)
    elif way == "terminate":
        process.terminate()
    else:
        os.killpg(process.pid, signal.SIGKILL if way == "kill group" else signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    resume(run_cli)
    assert (tmp_path / "here" / "summary.json").read_bytes() == unbroken


def child_of(pid: int) -> int:
    """Some worker of a run."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_workers_of_a_killed_run_end_by_themselves(start_cli, tmp_path):
    process = start_cli("run", *RUN, "workers=2", "out=here", TOY_STEP_S="0.05")
    kill_after(process, tmp_path / "here", rows=3)
    deadline_s = time.monotonic() + 30
    while True:
        try:
            os.killpg(process.pid, 0)  # somebody of the group is left
        except ProcessLookupError:
            break
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_a_torn_row_is_put_aside_and_played_again(start_cli, run_cli, tmp_path, unbroken):
    kill_after(start_cli("run", *RUN, "workers=1", "out=here"), tmp_path / "here", 30)
    path = max(
        (tmp_path / "here").glob("lifetimes/*/*/episodes.jsonl"), key=lambda path: path.stat().st_mtime
    )
    with path.open("ab") as file:
        file.write(b'{"arm":"mem')
    resume(run_cli)
    assert path.with_name("episodes.jsonl.torn").read_bytes() == b'{"arm":"mem\n'
    assert (tmp_path / "here" / "summary.json").read_bytes() == unbroken


def test_what_an_unfinished_episode_recorded_stays_in_the_log_and_is_not_seen(run_cli, tmp_path, unbroken):
    """The narrowest window: memory has committed, the row is not written."""
    run_cli("run", *RUN, "workers=1", "out=here")
    folder = tmp_path / "here" / "lifetimes" / "memory" / "00"
    lines = (folder / "episodes.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "episodes.jsonl").write_bytes(b"".join(lines[:6]))
    resume(run_cli)
    assert (tmp_path / "here" / "summary.json").read_bytes() == unbroken
    from embodied_mem.store import MemoryStore

    with MemoryStore.open(folder / "memory", read_only=True) as store:
        assert store.stats().n_withdrawn > 0


def test_a_finished_run_can_be_resumed_and_stays_as_it_is(run_cli, tmp_path, unbroken):
    run_cli("run", *RUN, "workers=1", "out=here")
    before = {path: path.read_bytes() for path in (tmp_path / "here").glob("lifetimes/*/*/episodes.jsonl")}
    resume(run_cli)
    assert {path: path.read_bytes() for path in before} == before
    assert (tmp_path / "here" / "summary.json").read_bytes() == unbroken


def test_a_memory_that_cannot_go_back_starts_its_lifetime_over(start_cli, run_cli, tmp_path):
    words = (*TOY_RUN, "arms=[none,forgetful_list]", "workers=1")
    run_cli("run", *words, "out=whole")
    kill_after(start_cli("run", *words, "out=here", TOY_STEP_S="0.01"), tmp_path / "here", 27 + 20)
    resume(run_cli)
    assert (tmp_path / "here" / "summary.json").read_bytes() == (
        tmp_path / "whole" / "summary.json"
    ).read_bytes()
    kept = list((tmp_path / "here" / "set_aside").glob("forgetful_list_*/episodes.jsonl"))
    assert kept
    assert kept[0].stat().st_size


def test_a_differing_configuration_is_refused_with_both_values(run_cli):
    run_cli("run", *RUN, "workers=1", "out=here")
    code, _, err = run_cli("run", "resume=here", "lifetimes=5")
    assert code == 1
    assert "lifetimes: 2 -> 5" in err


def test_a_resumed_run_stays_in_its_folder(run_cli):
    run_cli("run", *RUN, "workers=1", "out=here")
    code, _, err = run_cli("run", "resume=here", "out=there")
    assert code == 1
    assert "stays in its folder" in err


def test_a_report_may_be_asked_for_when_resuming(run_cli, tmp_path):
    run_cli("run", *RUN, "workers=1", "out=here")  # with report=false
    resume(run_cli, "report=true")
    assert (tmp_path / "here" / "report.html").exists()


def test_a_tracker_may_be_left_out_when_resuming(run_cli, tmp_path):
    run_cli("run", *RUN, "workers=1", "out=here")
    before = (tmp_path / "here" / "metrics.jsonl").read_bytes()
    resume(run_cli, "tracker=''")
    assert (tmp_path / "here" / "metrics.jsonl").read_bytes() == before


def test_the_same_configuration_may_be_repeated_when_resuming(run_cli):
    run_cli("run", *RUN, "workers=1", "out=here")
    resume(run_cli, "lifetimes=2", "planner=puller", "workers=2")


def test_rows_of_another_run_are_refused(run_cli, tmp_path):
    run_cli("run", *RUN, "workers=1", "out=here")
    path = tmp_path / "here" / "lifetimes" / "none" / "00" / "episodes.jsonl"
    path.write_text(path.read_text().replace('"seed":100001', '"seed":200001'))
    code, _, err = run_cli("run", "resume=here")
    assert code == 1
    assert "row 2 of arm none, lifetime 0" in err


def test_two_processes_cannot_run_in_one_folder(start_cli, run_cli, tmp_path):
    first = start_cli("run", *RUN, "workers=1", "out=here", TOY_STEP_S="0.05")
    while not n_rows(tmp_path / "here"):
        assert first.poll() is None, first.communicate()
        time.sleep(0.02)
    code, _, err = run_cli("run", "resume=here")
    first.kill()
    first.communicate()
    assert code == 1
    assert "another process is writing" in err


def test_attempts_are_counted(start_cli, run_cli, tmp_path):
    kill_after(start_cli("run", *RUN, "workers=1", "out=here", TOY_STEP_S="0.01"), tmp_path / "here", 5)
    resume(run_cli)
    assert json.loads((tmp_path / "here" / "run.json").read_text())["attempt"] == 1
