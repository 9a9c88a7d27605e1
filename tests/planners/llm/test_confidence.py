"""How sure a model was, read from what servers send."""

import math

import pytest
from model_server import StandInServer

from embodied_mem.agent.answers import run_awaitable
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.models.confidence import confidence_of
from embodied_mem.planners.llm.models.language_model import Request
from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.planners.llm.models.served import ChatModel, CompletionModel
from embodied_mem.records.skills import Parameter, Skill

CONTENT = {"content": [{"token": "go", "logprob": -1.0}, {"token": "(", "logprob": -3.0}]}
GO = Skill(name="go", parameters=(Parameter(name="to", choices=("door",)),))
REQUEST = Request(
    role="plan", template="t@1", prompt=Prompt("Go.\nAction:", "Act."), choices=CallChoices.of([GO])
)


class WithLogprobs(StandInServer):
    def document(self, path, body):
        document = super().document(path, body)
        document["choices"][0]["logprobs"] = CONTENT if body.get("logprobs") else None
        return document


def test_it_is_the_geometric_mean_of_the_tokens_probabilities():
    assert confidence_of(CONTENT) == pytest.approx(math.exp(-2))
    assert confidence_of({"token_logprobs": [None, -0.5, -0.5]}) == pytest.approx(math.exp(-0.5))
    assert confidence_of({"content": [{"logprob": 0}]}) == 1.0


@pytest.mark.parametrize(
    "sent",
    [None, "no", [], {}, {"content": []}, {"content": None}, {"content": ["a"]}, {"token_logprobs": "abc"}]
    + [{"content": [{"logprob": value}]} for value in (None, "1", True, 2.0, math.nan)],
)
def test_what_holds_no_probabilities_gives_none(sent):
    assert confidence_of(sent) is None


def test_a_token_that_cannot_be_sampled_makes_it_nothing():
    assert confidence_of({"content": [{"logprob": -math.inf}, {"logprob": -1.0}]}) == 0.0


@pytest.mark.parametrize("method", ["grammar", "text"])
def test_a_completion_is_asked_for_it_on_request(method):
    with WithLogprobs() as server:
        for wanted, found in ((False, None), (True, pytest.approx(math.exp(-2)))):
            model = CompletionModel("m", base_url=server.url, method=method, confidence=wanted)
            assert run_awaitable(model.answer(REQUEST)).confidence == found
            assert model.describe().get("confidence", False) is wanted
    assert [bool(body.get("logprobs")) for body in server.bodies] == [False, True]


@pytest.mark.parametrize("method", ["grammar", "text", "json_schema"])
def test_a_chat_is_asked_for_it_on_request(method):
    with WithLogprobs() as server:
        for wanted, found in ((False, None), (True, pytest.approx(math.exp(-2)))):
            model = ChatModel("openai:m", base_url=server.url, method=method, confidence=wanted)
            assert run_awaitable(model.answer(REQUEST)).confidence == found
    assert [bool(body.get("logprobs")) for body in server.bodies] == [False, True]
