"""Held-out episodes that are played at once end with the rows of a run that plays them in turn."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.at_once import take_in_order
from embodied_mem.experiments.cli import main
from embodied_mem.planners.llm.models.call_log import FILE
from tests.experiments.conftest import TOY_RUN

sys.path.insert(0, str(Path(__file__).parents[1] / "planners" / "llm"))
import model_server as stand_in

RUN = (*TOY_RUN, "arms=[memory,shuffled]", "lifetimes=1", "workers=1")


# Taking results in order


def taken(play, n, *, at_once, take=None):
    found = []
    asyncio.run(take_in_order(play, range(n), take or found.append, at_once=at_once))
    return found


@pytest.mark.parametrize("at_once", [1, 3, 20])
def test_results_are_taken_in_order_and_so_many_are_in_play(at_once):
    now, most = [], []

    async def play(at):
        now.append(at)
        most.append(len(now))
        await asyncio.sleep(0.002 * (at % 3))
        now.remove(at)
        return at

    assert taken(play, 12, at_once=at_once) == list(range(12))
    assert max(most) == min(at_once, 12)


def test_after_a_failure_nothing_begins_and_what_is_in_play_ends():
    begun, ended, found = [], [], []

    async def play(at):
        begun.append(at)
        await asyncio.sleep(0.02 if at != 3 else 0)
        if at == 3:
            raise ExperimentError("three")
        ended.append(at)
        return at

    with pytest.raises(ExperimentError, match="three"):
        asyncio.run(take_in_order(play, range(12), found.append, at_once=5))
    assert found == [0, 1, 2]
    assert begun == [0, 1, 2, 3, 4]
    assert ended == [0, 1, 2, 4]


def test_an_exception_of_who_takes_cancels_what_is_in_play():
    cancelled = []

    async def play(at):
        try:
            await asyncio.sleep(0 if at == 0 else 20)
        except asyncio.CancelledError:
            cancelled.append(at)
            raise
        return at

    def take(at):
        raise ExperimentError("enough")

    with pytest.raises(ExperimentError, match="enough"):
        taken(play, 4, at_once=3, take=take)
    assert set(cancelled) <= {1, 2, 3}
    assert len(cancelled) >= 2


# Runs


def rows(folder, arm="*", name="episodes"):
    files = sorted(folder.glob(f"lifetimes/{arm}/*/{name}.jsonl"))
    return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]


def without_time(found):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in found]


@pytest.mark.slow
def test_the_results_do_not_depend_on_how_many_are_played_at_once(run_cli, tmp_path):
    assert run_cli("run", *RUN, "out=in_turn")[0] == 0
    assert run_cli("run", *RUN, "out=at_once", "episodes_at_once=4")[0] == 0
    assert without_time(rows(tmp_path / "at_once")) == without_time(rows(tmp_path / "in_turn"))
    summaries = [(tmp_path / name / "summary.json").read_bytes() for name in ("in_turn", "at_once")]
    assert summaries[0] == summaries[1]
    assert not list((tmp_path / "at_once").rglob("ahead.jsonl"))


@pytest.mark.slow
def test_a_run_that_is_killed_meanwhile_goes_on_to_the_same_end(run_cli, start_cli, tmp_path):
    assert run_cli("run", *RUN, "out=whole", "episodes_at_once=3")[0] == 0
    process = start_cli("run", *RUN, "out=here", "episodes_at_once=3", TOY_STEP_S="0.02")
    deadline_s = time.monotonic() + 100
    while not any(row["phase"] == "held_out" for row in rows(tmp_path / "here", name="ahead")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    code, _, error = run_cli("run", "resume=here", "workers=1", "episodes_at_once=2")
    assert code == 0, error
    assert (tmp_path / "here" / "summary.json").read_bytes() == (
        tmp_path / "whole" / "summary.json"
    ).read_bytes()


@pytest.mark.parametrize(
    ("number", "expected"), [("0", "expected at least 1"), ("300", "expected at most 256")]
)
def test_a_number_that_cannot_be_is_refused(number, expected, capsys, tmp_path):
    assert main(["run", f"episodes_at_once={number}", f"out={tmp_path / 'here'}"]) == 1
    assert expected in capsys.readouterr().err


# With a language model

PRICES = '"openai:tiny" = {in = 100, out = 0}\n'  # a call of 31 tokens costs 0.0031
MODEL_RUN = (
    *(word for word in TOY_RUN if not word.startswith(("planner", "learning", "lifetimes", "held_out"))),
    "planner=llm",
    "planner.options.k=0",
    "planner.options.template=chat",
    "planner.options.prices=prices.toml",
    "llm=openai_compatible",
    "llm.model=openai:tiny",
    "llm.method=text",
    "llm.max_retries=0",
    "llm.timeout_s=20",
    "arms=[none]",
    "lifetimes=1",
    "learning_episodes=0",
    "held_out_episodes=8",
    "workers=1",
    "episodes_at_once=4",
)


@pytest.fixture
def priced(tmp_path):
    (tmp_path / "prices.toml").write_text(PRICES, "utf-8")


def calls(folder):
    return [json.loads(line) for path in folder.rglob(FILE) for line in path.read_bytes().splitlines()]


@pytest.mark.slow
def test_a_money_cap_is_exceeded_by_at_most_the_calls_in_flight(run_cli, tmp_path, priced):
    with stand_in.StandInServer("pull(0)") as server:
        words = (*MODEL_RUN, f"llm.base_url={server.url}", "out=here")
        code, _, error = run_cli("run", *words, "budget.usd=0.02")
        n_asked = len(server.bodies)
        assert (code, "the budget is spent: usd " in error) == (1, True), error
        logged = calls(tmp_path / "here")
        assert len(logged) == n_asked  # every call is in the log, and once
        spent = sum(call["usd"] for call in logged)
        assert 0.02 <= spent <= 0.02 + 4 * 0.0031 + 1e-9
        code, _, error = run_cli("run", "resume=here", "workers=1")  # what was spent before still counts
        assert (code, len(server.bodies)) == (1, n_asked), error
        code, _, error = run_cli("run", "resume=here", "workers=1", "budget.usd=5")
    assert code == 0, error
    assert len(rows(tmp_path / "here")) == 8
    assert len(calls(tmp_path / "here")) == len(server.bodies)


@pytest.mark.slow
def test_an_endpoint_that_dies_stops_the_run_which_resumes_to_its_end(run_cli, tmp_path, priced):
    with stand_in.StandInServer("pull(0)", faults=[None] * 11, always=503) as server:
        words = (*MODEL_RUN, f"llm.base_url={server.url}", "out=here")
        code, _, error = run_cli("run", *words)
        assert (code, "gave no answer" in error, "resume=here" in error) == (1, True, True), error
        n_kept = len(rows(tmp_path / "here", name="ahead")) or len(rows(tmp_path / "here"))
        assert 0 < n_kept < 8
        answered = [call["place"] for call in calls(tmp_path / "here") if not call["error"]]
        assert len(answered) == 11
        server.always = None
        code, _, error = run_cli("run", "resume=here", "workers=1")
    assert code == 0, error
    found = rows(tmp_path / "here")
    assert [row["index"] for row in found] == list(range(8))
    assert sum(row["attempt"].endswith("-0") for row in found) == n_kept  # what had ended is not played again
    assert not any(row["error"] for row in found)
