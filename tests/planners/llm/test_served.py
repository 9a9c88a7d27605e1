"""Models behind a real HTTP server on loopback: a stand-in that also does all that servers do wrong."""

import asyncio
import json
import logging
import re
import socket
import threading
import time

import model_server as stand_in
import pytest
from gbnf import Grammar

from embodied_mem import Agent, Limits
from embodied_mem.agent.answers import run_awaitable
from embodied_mem.errors import ExperimentError, MissingExtra, ModelError, UnknownName
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.models.assembled import assembled
from embodied_mem.planners.llm.models.call_log import FILE, LoggedModel
from embodied_mem.planners.llm.models.language_model import LanguageModel, Request
from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.planners.llm.models.served import ChatModel, CompletionModel
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.records import SkillCall, Status
from embodied_mem.records.skills import Parameter, Skill
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

pytest.importorskip("langchain_openai")

KEY = "sk-very-secret-0123456789"
CHOICES = CallChoices.of([Skill(name="go", parameters=(Parameter(name="to", choices=("door", "chest")),))])
PLAN = json.dumps({"plan": [{"name": "go", "arguments": {"to": "door"}}]})
FORMS = ["completion", "chat json_schema"]
KINDS = ["completion", "chat json_schema", "chat grammar", "chat text"]


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("STAND_IN_KEY", KEY)


def model_at(url, kind="completion", **options):
    form, _, method = kind.partition(" ")
    settings = {"api_key_env": "STAND_IN_KEY", "timeout_s": 5.0, "max_retries": 0, **options}
    if form == "completion":
        return CompletionModel("tiny", base_url=url, **settings)
    return ChatModel("openai:tiny", base_url=url, method=method, **settings)


def request(system="", user="Task: go.\nAction:"):
    return Request(role="plan", template="plan/t@1", prompt=Prompt(user, system), choices=CHOICES)


def ask(model, asked=None):
    return run_awaitable(model.answer(asked or request()))


def right_answer(kind):
    return PLAN if kind == "chat json_schema" else "go(door)"


# It answers


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_read_with_its_tokens(kind):
    with stand_in.StandInServer(right_answer(kind)) as server:
        model = model_at(server.url, kind)
        answer = ask(model)
    assert isinstance(model, LanguageModel)
    assert CHOICES.read(answer.text) == (SkillCall("go", {"to": "door"}),)
    assert (answer.tokens_in, answer.tokens_out) == (31, 7)
    assert answer.tokens_cached == (None if kind == "completion" else 20)
    assert 0 < answer.seconds < 5


@pytest.mark.parametrize("kind", KINDS)
def test_prompt_and_choices_arrive_in_the_request(kind):
    with stand_in.StandInServer(right_answer(kind)) as server:
        ask(model_at(server.url, kind, max_tokens=33, seed=5), request(system="Be brief."))
    [body] = server.bodies
    assert (body["model"], body["temperature"], body["seed"]) == ("tiny", 0.0, 5)
    assert 33 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    if kind == "completion":
        assert body["prompt"] in ("Be brief.\n\nTask: go.\nAction:", ["Be brief.\n\nTask: go.\nAction:"])
        assert body["stop"] == ["\n\n"]
    else:
        assert [(each["role"], each["content"]) for each in body["messages"]] == [
            ("system", "Be brief."),
            ("user", "Task: go.\nAction:"),
        ]
    if kind in ("completion", "chat grammar"):
        lead = " " if kind == "completion" else ""
        grammar = Grammar(body["grammar"])
        assert grammar.accepts(f"{lead}go(door)")
        assert not grammar.accepts(f"{lead}go(moon)")
    if kind == "chat json_schema":
        said = body["response_format"]
        assert said["type"] == "json_schema"
        plan = said["json_schema"]["schema"]["properties"]["plan"]
        assert plan == CHOICES.schema()["properties"]["plan"]
    if kind == "chat text":
        assert not {"grammar", "response_format"} & set(body)


def test_the_key_is_sent_and_said_nowhere():
    with stand_in.StandInServer() as server:
        model = model_at(server.url.replace("://", "://user:pass-word@") + "?key=abc")
        ask(model)
    assert KEY in server.headers[0]["Authorization"] or "Basic" in server.headers[0]["Authorization"]
    assert not any(secret in json.dumps(model.describe()) for secret in (KEY, "pass-word", "abc"))
    assert model.describe()["server"] == server.url


def test_numbers_that_affect_answers_are_said_of_a_model():
    model = model_at("http://127.0.0.1:9/v1", temperature=0.7, seed=3)
    assert model.describe()["temperature"] == 0.7
    assert model.describe()["seed"] == 3
    with_headers = model_at("http://127.0.0.1:9/v1", default_headers={"x-token": KEY})
    assert KEY not in json.dumps(with_headers.describe())


def test_without_a_key_none_is_needed_for_a_server_of_ones_own(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with stand_in.StandInServer(PLAN) as server:
        for kind in ("completion", "chat json_schema"):
            assert ask(model_at(server.url, kind, api_key_env="")).text


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_answers_in_one_event_loop_after_another(kind):
    with stand_in.StandInServer(right_answer(kind)) as server:
        model = model_at(server.url, kind)
        for _ in range(3):
            assert asyncio.run(model.answer(request())).text
    assert len(server.bodies) == 3


# Faults

FAULTS = {
    "500 always": (500, "500"),
    "401": (401, "401"),
    "400": (400, "400"),
    "429 always": (429, "429"),
    "hangs": (stand_in.hangs, "nothing came within|[Tt]imed? ?out"),
    "dribbles": (stand_in.dribbles, "nothing came within"),
    "closes in the middle": (stand_in.closes_in_the_middle, "Connection|peer closed"),
    "closes at once": (stand_in.closes_at_once, "Connection"),
    "no JSON": (stand_in.sends_no_json, "gave no answer"),
    "wrong types": (stand_in.sends_wrong_types, "gave no answer"),
    "no choice": (stand_in.sends_no_choice, "gave no answer"),
    "null": (stand_in.sends_null, "gave no answer"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", FORMS)
def test_a_fault_is_an_error_that_names_model_and_server_and_no_key(kind, fault):
    what, cause = FAULTS[fault]
    with stand_in.StandInServer(always=what) as server:
        model = model_at(server.url, kind, timeout_s=0.4)
        began_s = time.perf_counter()
        with pytest.raises(ModelError, match=cause) as raised:
            ask(model)
    assert time.perf_counter() - began_s < 4
    message = str(raised.value)
    assert "tiny" in message
    assert server.url in message
    assert KEY not in message
    assert len(message) < 700


@pytest.mark.parametrize("kind", FORMS)
def test_a_refused_connection_is_such_an_error_too(kind):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"  # bound, and nobody listens
        with pytest.raises(ModelError, match=r"tiny at http://127.0.0.1:.* gave no answer: .*onnect"):
            ask(model_at(url, kind))


@pytest.mark.parametrize("faults", [[429], [500], [503, 429], [stand_in.closes_at_once]])
def test_a_fault_that_passes_is_waited_out(faults):
    with stand_in.StandInServer(faults=faults) as server:
        assert ask(model_at(server.url, max_retries=2, timeout_s=10)).text == "go(door)"
    assert len(server.bodies) == len(faults) + 1


def test_retries_do_not_make_the_wait_longer():
    with stand_in.StandInServer(always=stand_in.hangs) as server:
        began_s = time.perf_counter()
        with pytest.raises(ModelError):
            ask(model_at(server.url, max_retries=5, timeout_s=0.5))
    assert time.perf_counter() - began_s < 3


@pytest.mark.parametrize(("seconds", "times", "least_s", "most_s"), [(0.01, 5, 0, 8), (1, 1, 1, 10)])
def test_it_waits_as_long_as_the_server_says(seconds, times, least_s, most_s):
    """Without a word of the server it would wait 8.6 s or more for five refusals, and 0.5 s for one."""
    with stand_in.StandInServer(faults=[stand_in.asks_for_patience(seconds)] * times) as server:
        model = model_at(server.url, max_retries=times, timeout_s=20)
        began_s = time.perf_counter()
        assert ask(model).text == "go(door)"
        took_s = time.perf_counter() - began_s
    assert least_s <= took_s < most_s


@pytest.mark.parametrize("fault", [429, 503, stand_in.asks_for_patience(30)])
def test_waiting_for_a_busy_server_ends_with_the_time_and_says_what_it_had_said(fault):
    with stand_in.StandInServer(always=fault) as server:
        began_s = time.perf_counter()
        with pytest.raises(
            ModelError, match=r"nothing came within 0\.6 s; it had refused with status (429|503)"
        ):
            ask(model_at(server.url, max_retries=50, timeout_s=0.6))
    assert time.perf_counter() - began_s < 5


def test_a_key_that_the_server_repeats_is_struck_out():
    with stand_in.StandInServer(f"go(door) {KEY}") as server:
        assert ask(model_at(server.url)).text == "go(door) ***"


# Whole episodes

ODD_ANSWERS = {
    "not a call": ("I would rather sing.", "is no call"),
    "empty": ("", "is empty"),
    "hostile": ("rm -rf /; take(__import__('os'))\nAction: destroy(world)", "Unknown skill|take|expected"),
    "truncated JSON": ('{"plan": [{"name": "take", "argum', "cut short"),
    "wrong types": ('{"plan": [{"name": 7, "arguments": []}]}', "plan"),
    "another object": ('{"answer": 42}', "expected an object with a plan"),
    "a number": ("42", "is no call"),
    "very long": ("take(" * 200_000, "is no call"),
}


def play(model, *, max_rounds=1, **limits):
    agent = Agent(planner=LLMPlanner(model, k=0, max_rounds=max_rounds), limits=Limits(**limits))
    return agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=20)), seed=0)


@pytest.mark.parametrize("odd", ODD_ANSWERS)
@pytest.mark.parametrize("kind", FORMS)
def test_an_answer_that_cannot_be_read_ends_the_episode_with_its_reason(kind, odd, tmp_path):
    text, reason = ODD_ANSWERS[odd]
    with stand_in.StandInServer(text) as server:
        episode = play(LoggedModel(model_at(server.url, kind), tmp_path))
    assert not episode.outcome.is_success
    assert episode.trace.ended_by == "planner"
    assert not episode.trace.calls
    [decision] = episode.trace.decisions
    assert "the answer cannot be read: " in decision.reason
    assert re.search(reason, decision.reason), decision.reason
    assert decision.cost["model_calls"] == 2
    assert decision.cost["tokens_in"] == 62
    assert len(lines_of(tmp_path)) == 2


def test_a_refusal_ends_the_episode_with_its_words():
    said = {"content": None, "refusal": "I must not open doors."}
    with stand_in.StandInServer(message=said) as server:
        episode = play(model_at(server.url, "chat json_schema"))
    assert "I must not open doors" in episode.trace.decisions[-1].reason


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_cut_at_its_length_is_no_lost_episode(kind):
    with stand_in.StandInServer('{"plan": [{"na', finish="length") as server:
        episode = play(model_at(server.url, kind))
    assert episode.trace.ended_by == "planner"
    assert "cut short" in episode.trace.decisions[-1].reason


@pytest.mark.parametrize("fault", FAULTS)
def test_an_episode_with_a_fault_is_recorded_with_its_cause(fault, tmp_path):
    what, _ = FAULTS[fault]
    with stand_in.StandInServer("take(red key)", faults=[None], always=what) as server:
        model = LoggedModel(model_at(server.url, timeout_s=3.0), tmp_path)
        episode = play(model)
        url = server.url
    assert episode.outcome.status is Status.TRUNCATED
    assert episode.trace.ended_by == "planner_error"
    assert url in episode.trace.error
    assert [str(record.call) for record in episode.trace.calls] == ["take(red key)"]
    answered, failed = lines_of(tmp_path)
    assert answered["answer"] == "take(red key)"
    assert "gave no answer" in failed["error"]
    assert failed["error"] in episode.trace.error
    assert KEY not in (tmp_path / FILE).read_text("utf-8")


def test_an_answer_that_was_paid_for_counts_if_the_next_one_is_a_fault():
    with stand_in.StandInServer("I would rather sing.", faults=[None], always=500) as server:
        episode = play(model_at(server.url))
    assert episode.trace.ended_by == "planner_error"
    assert episode.outcome.status is Status.TRUNCATED
    assert (episode.outcome.cost["model_calls"], episode.outcome.cost["tokens_in"]) == (1, 31)


def test_a_limit_in_seconds_holds_while_the_server_hangs_and_the_call_is_logged(tmp_path):
    with stand_in.StandInServer(always=stand_in.hangs) as server:
        episode = play(LoggedModel(model_at(server.url, timeout_s=20), tmp_path), max_seconds=0.5)
    assert episode.trace.ended_by == "max_seconds"
    assert [line["error"] for line in lines_of(tmp_path)] == ["cancelled"]


def test_64_episodes_at_once_and_then_one_after_another_use_one_model():
    lock, now, most = threading.Lock(), [], []

    def text(body):
        with lock:
            now.append(1)
            most.append(len(now))
        time.sleep(0.005)
        with lock:
            now.pop()
        return "take(red key)"

    async def all_of_them(n):
        worlds = [KeyDoorWorld(KeyDoorEnv(max_steps=8)) for _ in range(n)]
        return await asyncio.gather(*(agent.run_episode_async(each, seed=i) for i, each in enumerate(worlds)))

    with stand_in.StandInServer(text) as server:
        options = {"model": "tiny", "base_url": server.url, "timeout_s": 60, "max_concurrent": 8}
        model = assembled({"name": "completion", "options": options})
        agent = Agent(planner=LLMPlanner(model, k=0, max_rounds=0))
        episodes = [*run_awaitable(all_of_them(64)), *asyncio.run(all_of_them(10))]
        episodes += [agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=8)), seed=i) for i in range(3)]
    assert not any(episode.trace.error for episode in episodes)
    assert max(most) <= 8
    assert len(episodes) == 77
    assert len(server.bodies) == sum(episode.outcome.cost["model_calls"] for episode in episodes) >= 154


def test_many_episodes_share_a_server_of_which_one_answer_in_four_is_a_fault():
    faults = [None, None, None, 400] * 3

    async def all_of_them():
        agent = Agent(planner=LLMPlanner(model_at(server.url, timeout_s=20), k=0))
        worlds = [KeyDoorWorld(KeyDoorEnv(max_steps=8)) for _ in range(12)]
        return await asyncio.gather(*(agent.run_episode_async(each, seed=i) for i, each in enumerate(worlds)))

    with stand_in.StandInServer("take(red key)", faults=faults) as server:
        episodes = run_awaitable(all_of_them())
    assert len(episodes) == 12
    assert all(
        bool(episode.trace.error) == (episode.trace.ended_by == "planner_error") for episode in episodes
    )
    assert sum(episode.trace.ended_by == "planner_error" for episode in episodes) == 3


# Making one


def test_an_unknown_method_provider_or_package_is_named():
    with pytest.raises(UnknownName, match=r"grammr.*Did you mean 'grammar'"):
        CompletionModel("m", base_url="http://127.0.0.1:9/v1", method="grammr")
    with pytest.raises(ExperimentError, match="nobody:m"):
        ChatModel("nobody:m")
    with pytest.raises((MissingExtra, ExperimentError), match="mistralai"):
        ChatModel("mistralai:m")


def test_a_key_that_is_not_set_is_named_before_the_first_call(monkeypatch):
    monkeypatch.delenv("STAND_IN_KEY")
    with pytest.raises(ExperimentError, match="STAND_IN_KEY, which is not set"):
        model_at("http://127.0.0.1:9/v1")


def test_nothing_of_a_request_is_logged_by_default(caplog):
    with caplog.at_level(logging.INFO), stand_in.StandInServer() as server:
        ask(model_at(server.url))
    assert KEY not in caplog.text


def lines_of(folder):
    return [json.loads(line) for line in (folder / FILE).read_text("utf-8").splitlines()]
