"""The budget of a run: it stops before the next episode, keeps everything and goes on with a larger one."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.budget import BudgetConfig, BudgetSpent, Spending
from tests.experiments.conftest import TOY_RUN

RUN = (*TOY_RUN, "planner=costly", "arms=[memory]", "lifetimes=1", "workers=1")
PRICED = "planner.options.cost={model_calls: 1, tokens_in: 10, usd: 0.01}"
UNPRICED = "planner.options.cost={model_calls: 1, tokens_in: 10}"


def rows(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("lifetimes/*/*/episodes.jsonl"))
    return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]


def cost(folder: Path, name: str) -> float:
    return sum(row["cost"][name] for row in rows(folder))


@pytest.mark.parametrize(
    ("budget", "name", "limit"),
    [("usd=0.1", "usd", 0.1), ("model_calls=12", "model_calls", 12), ("tokens=90", "tokens_in", 90)],
)
def test_a_run_stops_at_the_first_episode_that_reaches_its_budget(
    run_cli: Callable[..., Any], tmp_path: Path, budget: str, name: str, limit: float
) -> None:
    code, _, error = run_cli("run", *RUN, PRICED, f"budget.{budget}", "out=here")
    assert (code, f"the budget is spent: {budget.partition('=')[0]} " in error) == (1, True)
    assert "resume=here" in error
    played = rows(tmp_path / "here")
    assert cost(tmp_path / "here", name) >= limit - 1e-9
    assert cost(tmp_path / "here", name) - played[-1]["cost"][name] < limit
    assert json.loads((tmp_path / "here" / "run.json").read_text("utf-8"))["status"] == "interrupted"


@pytest.mark.slow
def test_it_goes_on_with_a_larger_budget_to_the_same_end(run_cli: Callable[..., Any], tmp_path: Path) -> None:
    assert run_cli("run", *RUN, PRICED, "budget.usd=0.1", "out=here")[0] == 1
    n_played = len(rows(tmp_path / "here"))
    code, _, error = run_cli("run", "resume=here", "workers=1")  # the budget that it has is spent
    assert (code, "the budget is spent" in error, len(rows(tmp_path / "here"))) == (1, True, n_played)
    assert run_cli("run", "resume=here", "workers=1", "budget.usd=100")[0] == 0
    info = json.loads((tmp_path / "here" / "run.json").read_text("utf-8"))
    assert (info["status"], info["config"]["budget"]["usd"]) == ("finished", 100)
    assert run_cli("run", *RUN, PRICED, "out=whole")[0] == 0
    summaries = [(tmp_path / name / "summary.json").read_bytes() for name in ("here", "whole")]
    assert summaries[0] == summaries[1]


@pytest.mark.slow
def test_workers_stop_too(run_cli: Callable[..., Any], tmp_path: Path) -> None:
    words = ("lifetimes=4", "workers=2", "budget.model_calls=5", "out=here")
    code, _, error = run_cli("run", *RUN, PRICED, *words)
    assert (code, "the budget is spent" in error) == (1, True)
    assert 0 < len(rows(tmp_path / "here")) < 40


@pytest.mark.slow
def test_a_budget_that_the_last_episode_reaches_stops_nothing(
    run_cli: Callable[..., Any], tmp_path: Path
) -> None:
    assert run_cli("run", *RUN, PRICED, "out=here")[0] == 0
    calls = cost(tmp_path / "here", "model_calls")
    assert run_cli("run", *RUN, PRICED, f"budget.model_calls={calls:g}", "out=again")[0] == 0
    assert run_cli("run", "resume=again", "budget.model_calls=1")[0] == 0  # nothing is left to play


def test_money_without_a_price_stops_at_once_and_says_what_to_do(
    run_cli: Callable[..., Any], tmp_path: Path
) -> None:
    code, _, error = run_cli("run", *RUN, UNPRICED, "budget.usd=5", "out=here")
    assert (code, "the price of the model is not known" in error) == (1, True)
    assert len(rows(tmp_path / "here")) == 1


def test_a_budget_that_is_no_amount_is_refused_before_a_folder_is_made(
    run_cli: Callable[..., Any], tmp_path: Path
) -> None:
    code, _, error = run_cli("run", *RUN, PRICED, "budget.usd=-1", "out=here")
    assert (code, "budget.usd is -1.0; expected a number of at least 0, or null" in error) == (1, True)
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_budget_is_a_finite_number(value: float) -> None:
    with pytest.raises(ExperimentError, match="expected a number"):
        Spending(BudgetConfig(tokens=value))


@pytest.mark.parametrize(
    ("limits", "costs", "is_spent"),
    [
        ({"tokens": 10}, [{"tokens_in": 4, "tokens_out": 3}, {"tokens": 3}], True),
        ({"tokens": 11}, [{"tokens_in": 4, "tokens_out": 3}, {"tokens": 3}], False),
        ({"usd": 1, "seconds": 5}, [{"seconds": 5}], True),
        ({"usd": 1}, [{}, {"seconds": 9}], False),  # an episode without a model has no price
        ({}, [{"usd": 1e9}], False),
        ({"usd": 0}, [], True),
    ],
)
def test_what_is_spent_is_the_sum_over_episodes(
    limits: Mapping[str, float], costs: list[Mapping[str, float]], is_spent: bool
) -> None:
    spending = Spending(BudgetConfig(**limits))
    for each in costs:
        spending.add(each)
    if is_spent:
        with pytest.raises(BudgetSpent):
            spending.check()
    else:
        spending.check()


def test_an_unknown_price_is_no_price_of_zero() -> None:
    with pytest.raises(ExperimentError, match="not known"):
        Spending(BudgetConfig(usd=1)).add({"tokens_out": 5})
