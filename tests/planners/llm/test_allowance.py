"""A budget of calls: nothing begins once it is spent, whoever asks: episodes, threads or processes."""

import asyncio
import subprocess
import sys
import threading

import pytest

from embodied_mem import Agent
from embodied_mem.errors import ExperimentError, OverBudget
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.make_planner import make_llm_planner
from embodied_mem.planners.llm.models.allowance import Allowance, BudgetedModel
from embodied_mem.planners.llm.models.assembled import assembled
from embodied_mem.planners.llm.models.language_model import Answer, Request
from embodied_mem.planners.llm.models.limited import LimitedModel
from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.records import Status
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

REQUEST = Request(role="plan", template="t", prompt=Prompt("p"), choices=CallChoices(()))


class Costly:
    """A stand-in whose answers cost a cent and twelve tokens, and take a moment."""

    form = "completion"

    def __init__(self, text="go_to(moon)", usd=0.01, tokens=12):
        self.text, self.usd, self.tokens = text, usd, tokens
        self.n_asked = 0

    async def answer(self, request):
        self.n_asked += 1
        await asyncio.sleep(0.001)
        return Answer(text=self.text, tokens_in=self.tokens, tokens_out=0, seconds=0.5, usd=self.usd)

    def describe(self):
        return {"model": "costly"}


def ask_at_once(model, n):
    async def ask():
        return await asyncio.gather(*(model.answer(REQUEST) for _ in range(n)), return_exceptions=True)

    return asyncio.run(ask())


@pytest.mark.parametrize("in_flight", [1, 4, 16])
@pytest.mark.parametrize(
    ("limit", "each"), [({"usd": 0.2}, 0.01), ({"tokens": 240}, 12), ({"seconds": 10}, 0.5)]
)
def test_a_limit_is_exceeded_by_at_most_the_calls_in_flight(limit, each, in_flight):
    [(name, value)] = limit.items()
    allowance, inner = Allowance(**limit), Costly()
    said = ask_at_once(LimitedModel(BudgetedModel(inner, allowance), in_flight), 64)
    assert value <= allowance.spent[name] + 1e-9
    assert allowance.spent[name] <= value + in_flight * each + 1e-9
    refused = [each for each in said if isinstance(each, OverBudget)]
    assert len(refused) == 64 - inner.n_asked
    assert f"the budget is spent: {name} " in str(refused[0])


def test_a_limit_of_calls_is_kept_to_the_call():
    inner = Costly()
    said = ask_at_once(BudgetedModel(inner, Allowance(model_calls=10)), 64)
    assert (inner.n_asked, sum(isinstance(each, Answer) for each in said)) == (10, 10)


@pytest.mark.parametrize(("limits", "usd", "tokens"), [({"usd": 1}, None, 5), ({"tokens": 99}, None, None)])
def test_a_limit_that_cannot_be_kept_ends_the_budget_with_the_first_call(limits, usd, tokens):
    model = BudgetedModel(Costly(usd=usd, tokens=tokens), Allowance(**limits))
    with pytest.raises(OverBudget, match=f"budget.{next(iter(limits))} cannot be kept"):
        asyncio.run(model.answer(REQUEST))


def test_an_episode_over_its_budget_is_truncated_and_says_so():
    model = BudgetedModel(Costly(text="take(red key)"), Allowance(usd=0.01))
    agent = Agent(planner=LLMPlanner(model, k=0))
    episode = agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=20)), seed=0)
    assert episode.outcome.status is Status.TRUNCATED
    assert episode.trace.error.startswith("OverBudget: the budget is spent: usd 0.01 of 0.01")
    assert [str(record.call) for record in episode.trace.calls] == ["take(red key)"]
    assert episode.outcome.cost["usd"] == 0.01


def test_a_planner_is_made_with_a_budget_and_a_limit():
    planner = make_llm_planner(llm={"name": "copy", "options": {"max_concurrent": 3}}, budget={"usd": 1})
    assert isinstance(planner.model, LimitedModel)
    assert isinstance(planner.model.inner, BudgetedModel)
    assert planner.describe()["model"] == "copy"
    with pytest.raises(ExperimentError, match=r"budget\.usd is -1"):
        assembled({"name": "copy"}, budget={"usd": -1})


# Shared by processes

CHILD = """
import sys
from embodied_mem.errors import OverBudget
from embodied_mem.planners.llm.models.allowance import Allowance
from embodied_mem.planners.llm.models.language_model import Answer
allowance, n = Allowance(model_calls=300, path=sys.argv[1]), 0
try:
    while True:
        allowance.begin()
        n += 1
        allowance.end(Answer(text="", tokens_in=3, tokens_out=4, usd=0.5))
except OverBudget:
    print(n)
"""


def test_processes_share_an_allowance_and_lose_no_call(tmp_path, child_environment):
    command = [sys.executable, "-c", CHILD, str(tmp_path / "spent.json")]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment) for _ in range(3)]
    counts = [int(child.communicate(timeout=60)[0]) for child in children]
    assert sum(counts) == 300
    spent = Allowance(path=tmp_path / "spent.json").spent
    assert spent == {"model_calls": 300, "tokens": 2_100, "usd": 150, "seconds": 0}


def test_threads_share_an_allowance_too(tmp_path):
    for path in (None, tmp_path / "spent.json"):
        allowance = Allowance(path=path)
        threads = [threading.Thread(target=lambda: [allowance.begin() for _ in range(50)]) for _ in range(4)]  # noqa: B023
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert allowance.spent["model_calls"] == 200


def test_what_is_spent_is_set_to_what_a_log_says(tmp_path):
    allowance = Allowance(path=tmp_path / "spent.json")
    allowance.begin()
    allowance.restart([{"usd": 0.25, "tokens": 4}, {"usd": 0.5}])
    assert Allowance(path=tmp_path / "spent.json").spent == {"usd": 0.75, "tokens": 4, "model_calls": 2}


def test_a_file_that_is_damaged_is_named(tmp_path):
    (tmp_path / "spent.json").write_text("[1, 2", "utf-8")
    with pytest.raises(ExperimentError, match=r"spent\.json does not say what is spent"):
        Allowance(path=tmp_path / "spent.json").begin()
