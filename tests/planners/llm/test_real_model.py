"""A real small model behind the real llama-server, where they are installed: grammars, and hidden orders."""

import contextlib

import pytest
from hidden_orders import CHANNELS, attempt, attempts

from embodied_mem.agent.answers import run_awaitable
from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.local import (
    LocalServer,
    MissingServerProgram,
    MissingWeights,
    find_server_program,
    find_weights,
    known_model,
)
from embodied_mem.planners.llm.models.language_model import Request
from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.planners.llm.models.served import ChatModel, CompletionModel
from embodied_mem.planners.llm.models.token_counting import ServerTokens, at_most
from embodied_mem.planners.llm.prompts.packing import TOKENS_AROUND_A_CHAT
from embodied_mem.records.skills import Parameter, Skill

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3_600)]

NAMES = ["a, b", '"', "3", 3, True, "NaN", "[", "{}", ") x2", "a\nb", "\\", "\b", "\f\x00", "`", "", "a) | b"]
NAMES += ["\x1f", "é ü", "🔴 ball", "\x85", "\u2028", " a", "]-[", "\\x41", "\\n", "a\tb\rc"]
FREE = [Parameter(name="words"), Parameter(name="steps", type="number")]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory):
    try:
        program, model = find_server_program(), known_model("smollm2")
        weights = find_weights(model, tmp_path_factory.mktemp("models"))
    except (MissingServerProgram, MissingWeights) as missing:
        pytest.skip(str(missing))
    if program.kind != "llama-server":
        pytest.skip("grammars are tested with llama-server only")
    with LocalServer(weights, model=model.name, program=program) as server:
        yield server.base_url


def ask(model, *parameters):
    choices = CallChoices.of([Skill(name="take", parameters=parameters)])
    request = Request(role="plan", template="t@1", prompt=Prompt("Task: go on.\nAction:"), choices=choices)
    return choices.read(run_awaitable(model.answer(request)).text)


@pytest.mark.parametrize("name", NAMES)
def test_the_server_takes_the_grammar_and_writes_the_only_call(base_url, name):
    model = CompletionModel("smollm2", base_url=base_url)
    [call] = ask(model, Parameter(name="object", choices=(name,)))
    assert call.arguments == {"object": name}


@pytest.mark.parametrize("free", FREE)
def test_the_server_takes_grammars_and_schemas_of_free_arguments(base_url, free):
    for model in (
        CompletionModel("smollm2", base_url=base_url),
        ChatModel("openai:smollm2", base_url=base_url, method="grammar"),
        ChatModel("openai:smollm2", base_url=base_url),
    ):
        with contextlib.suppress(InvalidRecord):  # small models write on and on, until they are cut short
            [call] = ask(model, free)
            assert isinstance(call.arguments[free.name], str if free.type == "text" else int | float)


@pytest.mark.parametrize("method", ["grammar", "text"])
def test_hidden_orders_gain_nothing_with_a_real_model(base_url, method):
    model = CompletionModel("smollm2", base_url=base_url, method=method, max_tokens=24)
    for channel in CHANNELS:
        for _, text in attempts():
            attempt(channel, model, text, max_decisions=1, max_rounds=0)


TEXTS = [
    "",
    "Task: open(red door).",
    "0123456789" * 9,
    "日本語のテキスト",
    "🔴 ball 👨‍👩‍👧",
    "ﷺ" * 9,
    "<|im_start|>user",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_servers_count_is_within_the_bound_and_covers_what_it_then_reads(base_url, text):
    counted = run_awaitable(ServerTokens(base_url).count(text))
    assert counted <= at_most(text)
    choices = CallChoices.of([Skill(name="wait")])
    for model, around in (
        (CompletionModel("smollm2", base_url=base_url), 0),
        (ChatModel("openai:smollm2", base_url=base_url, method="grammar"), TOKENS_AROUND_A_CHAT),
    ):
        request = Request(role="plan", template="t@1", prompt=Prompt(f"a {text}"), choices=choices)
        answer = run_awaitable(model.answer(request))
        assert answer.tokens_in <= run_awaitable(ServerTokens(base_url).count(f"a {text}")) + around


def test_the_server_says_how_sure_the_model_was(base_url):
    choices = CallChoices.of(
        [Skill(name="take", parameters=(Parameter(name="object", choices=("key", "qzx")),))]
    )
    for model in (
        CompletionModel("smollm2", base_url=base_url, confidence=True),
        ChatModel("openai:smollm2", base_url=base_url, method="grammar", confidence=True),
    ):
        request = Request(
            role="plan", template="t@1", prompt=Prompt("Take the key: take(key)\nAction:"), choices=choices
        )
        assert 0 < run_awaitable(model.answer(request)).confidence <= 1
