"""Money: what is listed is priced; what is not has no price, which is not a price of 0."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from embodied_mem.errors import ExperimentError
from embodied_mem.planners.llm.make_planner import make_llm_planner
from embodied_mem.planners.llm.models.call_log import FILE, LoggedModel
from embodied_mem.planners.llm.models.language_model import Answer, Request
from embodied_mem.planners.llm.models.prices import PricedModel, Prices, load_prices
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.records import Task
from embodied_mem.records.decisions import Context, Decision, Trigger
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.skills import Observation, Skill

PRICES = Prices({"paid": (1.0, 4.0), "free": (0.0, 0.0)})


class StandIn:
    """A stand-in for a served model: always the same answer."""

    form = "completion"

    def __init__(
        self, model: str, *, tokens: tuple[int | None, int | None] = (1_000, 500), text: str = "wait()"
    ) -> None:
        self.model, self.tokens, self.text = model, tokens, text

    def describe(self) -> JsonObject:
        return {"model": self.model, "server": "", "method": "stand-in"}

    async def answer(self, request: Request) -> Answer:
        return Answer(text=self.text, tokens_in=self.tokens[0], tokens_out=self.tokens[1])


def context() -> Context:
    return Context(
        trigger=Trigger.START,
        task=Task("wait"),
        observation=Observation(text="a room"),
        skills=[Skill(name="wait")],
        recall=lambda query: [],
        rng=np.random.default_rng(0),
        episode="e",
    )


def decided(model: StandIn, prices: Prices = PRICES) -> Decision:
    return asyncio.run(LLMPlanner(PricedModel(model, prices)).decide(context()))


def test_a_decision_costs_its_tokens_at_the_prices_of_the_table() -> None:
    assert decided(StandIn("paid")).cost["usd"] == pytest.approx((1.0 * 1_000 + 4.0 * 500) / 1e6)


def test_every_round_of_a_decision_is_paid() -> None:
    cost = decided(StandIn("paid", text="not a call")).cost
    assert cost["model_calls"] == 2.0
    assert cost["usd"] == pytest.approx(0.006)


def test_a_model_on_this_machine_costs_nothing_even_if_its_tokens_are_not_counted() -> None:
    assert decided(StandIn("free", tokens=(None, None))).cost["usd"] == 0.0


@pytest.mark.parametrize(
    "model", [StandIn("unlisted"), StandIn("paid", tokens=(1_000, None)), StandIn("paid", tokens=(None, 500))]
)
def test_what_is_not_known_is_left_out_and_is_not_zero(model: StandIn) -> None:
    assert "usd" not in decided(model).cost


@pytest.mark.parametrize(("model", "usd"), [("paid", 0.003), ("unlisted", None)])
def test_the_log_has_the_price_of_each_call(tmp_path: Path, model: str, usd: float | None) -> None:
    logged = LoggedModel(PricedModel(StandIn(model), PRICES), tmp_path)
    asyncio.run(LLMPlanner(logged).decide(context()))
    (line,) = (tmp_path / FILE).read_text("utf-8").splitlines()
    assert json.loads(line)["usd"] == (usd if usd is None else pytest.approx(usd))


def test_only_models_without_a_price_are_listed_by_the_library() -> None:
    prices = load_prices().by_model
    assert {"gemma3-270m", "smollm2", "copy"} <= prices.keys()
    assert set(prices.values()) == {(0.0, 0.0)}


def test_a_table_of_ones_own_is_read_first(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text('smollm2 = {in = 1, out = 2}\n"openai:m" = {in = 0.5, out = 3}\n', "utf-8")
    prices = load_prices(table).by_model
    assert (prices["smollm2"], prices["openai:m"]) == ((1.0, 2.0), (0.5, 3.0))
    assert prices["gemma3-270m"] == (0.0, 0.0)


def test_the_planner_takes_a_table_and_prices_its_model() -> None:
    planner = make_llm_planner(llm={"name": "copy"})
    assert asyncio.run(planner.decide(context())).cost["usd"] == 0.0
    with pytest.raises(ExperimentError, match=r"none\.toml cannot be read"):
        make_llm_planner(llm={"name": "copy"}, prices="none.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("m = {in = 1}", r"m is {'in': 1}; expected USD per million tokens"),
        ("m = {in = 1, out = -2}", "m is"),
        ("m = {in = 1, out = nan}", "m is"),
        ("m = {in = 1, out = true}", "m is"),
        ("m = {in = 1, out = 2, cached = 3}", "m is"),
        ("m = 3", "m is 3"),
        ("m = ", "is not TOML"),
    ],
)
def test_a_table_that_is_wrong_says_where(tmp_path: Path, text: str, said: str) -> None:
    table = tmp_path / "mine.toml"
    table.write_text(text, "utf-8")
    with pytest.raises(ExperimentError, match=said):
        load_prices(table)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"none\.toml cannot be read"):
        load_prices(tmp_path / "none.toml")
