"""Every role asked of a model behind a real HTTP server on loopback, and what it does where that fails."""

import base64
import json
from dataclasses import dataclass, field

import model_server as stand_in
import pytest
from gbnf import Grammar
from role_moments import HERE, IMAGE, OPEN, SKILLS, TAKE, after_failure, called, context_of, hit

from embodied_mem.agent.answers import run_awaitable
from embodied_mem.errors import ModelError
from embodied_mem.facts import Extracted, Extractor, Triplet
from embodied_mem.planners.llm.answers.answer_forms import Judgement
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.models.call_log import FILE, LoggedModel
from embodied_mem.planners.llm.models.copying import CopyModel
from embodied_mem.planners.llm.models.prices import PricedModel, Prices
from embodied_mem.planners.llm.models.recorded import RecordedModel, record
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.models.served import ChatModel, CompletionModel
from embodied_mem.planners.llm.roles.make_role import ROLES, make_role
from embodied_mem.records import Experience, Outcome, SkillCall, Status, Task
from embodied_mem.store.png import encode_png
from embodied_mem.testing import JudgeContract, ReflectorContract
from embodied_mem.testing.judge import example_trace

pytest.importorskip("langchain_openai")

KINDS = ["completion grammar", "completion text", "chat json_schema", "chat grammar", "chat text"]
CHOICES = CallChoices(SKILLS, max_calls=2)
EPISODE = example_trace(goal_reached=None, calls=(called(),), last=called().after)
KNOWN = (Triplet("red door", "in", "hall"), Triplet("cat", "on", "mat"))
LOST = Outcome(status=Status.FAILURE, explanation="locked")


@dataclass(frozen=True)
class Case:
    """A role with its answer.

    `ask` asks it, `text` and `document` are the answer as a line and as an object, `value` what it means,
    `plain` what the role says without a model, and `told` what the prompt must say.
    """

    ask: object
    text: str
    document: dict
    value: object
    plain: object
    told: tuple = ()
    options: dict = field(default_factory=dict)


def outcome_of(judged):
    return judged.status, judged.explanation


def lesson_of(reflection):
    return reflection.experiences[0].metadata["lesson"]


CASES = {
    "describe": Case(
        ask=lambda role: role.describe_scene(context_of()),
        text="A locked red door.",
        document={"text": "A locked red door."},
        value="A locked red door.",
        plain=HERE.text,
        told=("Task: get to the chest", f"Perceived: {HERE.text}"),
    ),
    "predict": Case(
        ask=lambda role: role.predict(context_of(), [OPEN], [hit(OPEN, Status.FAILURE, why="no key")]),
        text="success: it opens",
        document={"reason": "it opens", "verdict": "success"},
        value=Judgement(True, "it opens"),
        plain=Judgement(False, "no key"),
        told=("Plan: open(red door)", f"Earlier: {HERE.text} -> open(red door) failure: no key"),
    ),
    "self_check": Case(
        ask=lambda role: role.check(after_failure(), [TAKE]),
        text="missing: a free hand",
        document={"reason": "a free hand", "verdict": "missing"},
        value=Judgement(False, "a free hand"),
        plain=Judgement(True),
        told=("Plan: take(red key)", "Failed here: open(red door) failed: the red door is locked."),
    ),
    "judge": Case(
        ask=lambda role: role.judge(EPISODE),
        text="success: the chest is near",
        document={"reason": "the chest is near", "verdict": "success"},
        value=(Status.SUCCESS, "the chest is near"),
        plain=(
            Status.UNVERIFIED,
            "ended by environment after 2 steps; last obstacle: the red door is locked",
        ),
        told=("At first: The door is locked.", "Done: open(red door) failed", "ended by the world"),
    ),
    "explain": Case(
        ask=lambda role: role.explain(after_failure()),
        text="No key is held.",
        document={"text": "No key is held."},
        value="No key is held.",
        plain="the red door is locked",
        told=("Failed call: open(red door)", "Reported reason: the red door is locked"),
    ),
    "repair": Case(
        ask=lambda role: role.repair(
            after_failure(),
            CHOICES,
            "it is locked",
            [hit(SkillCall("open", {"object": "<object>"}), state="the <object> is locked")],
        ),
        text="take(red key)\nopen(red door)",
        document={
            "plan": [
                {"name": "take", "arguments": {"object": "red key"}},
                {"name": "open", "arguments": {"object": "red door"}},
            ]
        },
        value=(TAKE, OPEN),
        plain=(OPEN,),
        told=(
            "Failed call: open(red door)",
            "Reason: it is locked",
            "Repair that worked earlier: the red door is locked -> open(red door)",
            "Calls: - take(object)",
        ),
    ),
    "summarise": Case(
        ask=lambda role: role.reflect(EPISODE, LOST),
        text="Take the key first.",
        document={"text": "Take the key first."},
        value="Take the key first.",
        plain="open(red door) failed: the red door is locked.",
        told=("Outcome: failure", "Because: locked"),
    ),
    "propose": Case(
        ask=lambda role: role.propose([Experience(task="a", outcome=LOST)], ("a", "b"), place="run/1"),
        text="a",
        document={"choice": "a"},
        value="a",
        plain="b",
        told=("Tried: a: 0 of 1 succeeded", "Possible: a\nPossible: b"),
    ),
    "extract": Case(
        ask=lambda role: role.extract(HERE, known=KNOWN),
        text="red door; is; shut",
        document={"triplets": [{"subject": "red door", "relation": "is", "object": "shut"}]},
        value=(Triplet("red door", "is", "shut"),),
        plain=(Triplet("red door", "is", "locked"),),
        told=("Known: red door; in; hall\nObservation:", f"Observation: {HERE.text}"),
    ),
}


def asked(case, role):
    """(what it means, the costs)."""
    answer = case.ask(role)
    answer = run_awaitable(answer) if hasattr(answer, "__await__") else answer
    if hasattr(answer, "value"):
        return answer.value, dict(answer.cost)
    if isinstance(answer, Outcome):
        return outcome_of(answer), dict(answer.cost)
    if isinstance(answer, Extracted):
        return answer.triplets, dict(answer.cost)
    return lesson_of(answer), dict(answer.cost)


def model_at(url, kind, **options):
    form, method = kind.split()
    settings = {"timeout_s": 5.0, "max_retries": 0, **options}
    if form == "completion":
        return CompletionModel("tiny", base_url=url, method=method, **settings)
    return ChatModel("openai:tiny", base_url=url, method=method, **settings)


def prompt_of(body):
    if "prompt" in body:
        return body["prompt"] if isinstance(body["prompt"], str) else body["prompt"][0]
    return "\n\n".join(message["content"] for message in body["messages"])


def test_every_role_is_asked_here():
    assert set(CASES) == set(ROLES)


@pytest.mark.parametrize("role", CASES)
def test_without_a_model_it_answers_too(role):
    assert asked(CASES[role], make_role(role))[0] == CASES[role].plain


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", CASES)
def test_a_model_is_asked_and_its_answer_read(role, kind):
    case = CASES[role]
    answer = json.dumps(case.document) if kind.endswith("schema") else case.text
    with stand_in.StandInServer(answer) as server:
        value, cost = asked(case, make_role(role, "model", model_at(server.url, kind)))
    assert value == case.value
    assert cost.pop("seconds") > 0
    assert cost == {"model_calls": 1.0, "tokens_in": 31.0, "tokens_out": 7.0}
    [body] = server.bodies
    assert all(text in prompt_of(body) for text in case.told)
    if "grammar" in body:
        lead = " " if "prompt" in body else ""
        assert Grammar(body["grammar"]).accepts(lead + case.text)
    if "response_format" in body:
        schema = body["response_format"]["json_schema"]["schema"]
        assert set(case.document) == set(schema["properties"])
        assert body["response_format"]["json_schema"]["name"] == schema["title"]


@pytest.mark.parametrize("role", CASES)
def test_an_answer_that_cannot_be_read_is_asked_for_anew_once(role):
    case, model = CASES[role], ScriptedModel(["", case_text(role)])
    value, cost = asked(case, make_role(role, "model", model))
    assert (value, cost["model_calls"]) == (case.value, 2.0)
    first, second = model.requests
    assert second.prompt.user.startswith(f"{first.prompt.user} \n(This cannot be done: ")
    assert second.place == f"{first.place}+"
    assert first.place.endswith(f"/{role}")


def case_text(role):
    return CASES[role].text


@pytest.mark.parametrize("role", CASES)
def test_where_no_answer_can_be_read_the_role_does_without_the_model(role):
    value, cost = asked(CASES[role], make_role(role, "model", ScriptedModel(["", ""])))
    assert cost["model_calls"] == 2.0
    if role == "judge":
        status, told = value
        assert (status, told.endswith(CASES[role].plain[1])) == (CASES[role].plain[0], True)
        assert "the judge's answer cannot be read: the answer is ''" in told
    else:
        assert value == CASES[role].plain


@pytest.mark.parametrize("role", CASES)
def test_a_copy_has_calls_and_no_words(role):
    value, _ = asked(CASES[role], make_role(role, "model", CopyModel()))
    assert value == CASES[role].plain or role == "judge"


@pytest.mark.parametrize("role", CASES)
def test_a_server_that_fails_is_told(role):
    with stand_in.StandInServer(always=500) as server, pytest.raises(ModelError, match="tiny"):
        asked(CASES[role], make_role(role, "model", model_at(server.url, "chat text")))


# Accounts, logs, recordings


def test_every_role_is_priced_logged_and_played_again_without_the_model(tmp_path):
    prices, rolls = Prices({"openai:tiny": (1.0, 2.0)}), {}
    for role, case in CASES.items():
        with stand_in.StandInServer(case.text) as server:
            model = PricedModel(model_at(server.url, "chat text"), prices)
            value, cost = asked(case, make_role(role, "model", LoggedModel(model, tmp_path / "log")))
        assert cost["usd"] == pytest.approx((31 + 2 * 7) / 1e6)
        rolls[role] = value
    lines = [json.loads(line) for line in (tmp_path / "log" / FILE).read_text("utf-8").splitlines()]
    assert [line["role"] for line in lines] == list(CASES)
    assert [line["template"].split("/")[0] for line in lines] == list(CASES)
    assert record([tmp_path / "log"], tmp_path / "answers.jsonl.gz", form="chat") == len(CASES)
    played = RecordedModel(tmp_path / "answers.jsonl.gz")
    for role, case in CASES.items():
        assert asked(case, make_role(role, "model", played))[0] == rolls[role]


def test_a_recording_says_which_input_of_a_role_changed(tmp_path):
    logged = LoggedModel(ScriptedModel(["No key."]), tmp_path)
    run_awaitable(make_role("explain", "model", logged).explain(after_failure()))
    record([tmp_path], tmp_path / "answers.jsonl.gz", form="completion")
    played = make_role("explain", "model", RecordedModel(tmp_path / "answers.jsonl.gz"))
    with pytest.raises(ModelError, match=r"at run/0#1/explain the recorded request differs in task;"):
        run_awaitable(played.explain(after_failure(task=Task("another task"))))


def test_a_template_of_your_own_is_used(tmp_path):
    own = tmp_path / "short.toml"
    own.write_text(
        'role = "explain"\nversion = 2\ninputs = ["call", "held"]\nopening = "Why:"\n'
        'lines = ["{call} failed, holding {held}."]\n[system]\ncompletion = "Be brief."\n',
        "utf-8",
    )
    model = ScriptedModel(["Because."])
    role = make_role("explain", "model", model, template=str(own))
    assert run_awaitable(role.explain(after_failure())).value == "Because."
    [request] = model.requests
    assert request.prompt.user == "open(red door) failed, holding blue key.\nWhy:"
    assert (request.prompt.system, request.template) == ("Be brief.", "explain/short-completion@2")
    assert role.describe()["template"] == request.template


# Images


IMAGE_BLOCK = f"data:image/png;base64,{base64.b64encode(encode_png(IMAGE)).decode()}"


@pytest.mark.parametrize(
    ("role", "ask"),
    [
        ("describe", CASES["describe"].ask),
        ("extract", CASES["extract"].ask),
        ("judge", lambda role: role.judge_with_images(EPISODE, HERE.images)),
    ],
)
def test_pixels_arrive_where_a_role_looks_at_images(role, ask):
    with stand_in.StandInServer(CASES[role].text) as server:
        model = model_at(server.url, "chat text")
        run_awaitable(ask(make_role(role, "model", model, images=True)))
        run_awaitable(ask(make_role(role, "model", model)))
    urls = [
        [block["image_url"]["url"] for block in content if block["type"] == "image_url"]
        for content in (body["messages"][-1]["content"] for body in server.bodies)
        if isinstance(content, list)
    ]
    assert urls == [[IMAGE_BLOCK]]


# Contracts, and what only one role does


class TestJudge(JudgeContract):
    @pytest.fixture
    def judge(self):
        return make_role("judge", "model", ScriptedModel(lambda request: "failure: no chest in sight"))


class TestReflector(ReflectorContract):
    @pytest.fixture
    def reflector(self):
        return make_role("summarise", "model", ScriptedModel(lambda request: "Look first."))


def test_the_judge_asks_nobody_about_what_is_settled():
    nobody = ScriptedModel([])
    asking = make_role("judge", "model", nobody)
    assert run_awaitable(asking.judge(example_trace(goal_reached=False))).status is Status.FAILURE
    assert run_awaitable(asking.judge(example_trace())).is_success
    broken = example_trace(error="OSError: gone", goal_reached=None, ended_by="error")
    cancelled = example_trace(ended_by="cancelled", goal_reached=None)
    for trace, status in ((broken, Status.TRUNCATED), (cancelled, Status.CANCELLED)):
        assert run_awaitable(asking.judge(trace)).status is status
    unknown = make_role("judge", "model", ScriptedModel(["failure: no sign"]), trust_goal=False)
    late = example_trace(is_truncated=True, ended_by="max_steps")
    assert outcome_of(run_awaitable(unknown.judge(late))) == (Status.TIMEOUT, "no sign")


def test_a_won_episode_teaches_nothing_where_only_failures_count():
    role = make_role("summarise", "model", ScriptedModel([]), only_failed=True)
    assert run_awaitable(role.reflect(EPISODE, Outcome(status=Status.SUCCESS))).experiences == ()
    assert run_awaitable(role.reflect(example_trace(calls=()), LOST)).experiences == ()


def test_the_check_of_a_call_that_cannot_be_made_needs_no_model():
    role = make_role("self_check", "model", ScriptedModel([]))
    assert not run_awaitable(role.check(context_of(), [SkillCall("fly")])).value.is_good


def test_what_extracts_is_an_extractor_with_a_model_and_without():
    assert isinstance(make_role("extract"), Extractor)
    assert isinstance(make_role("extract", "model", ScriptedModel([])), Extractor)


def test_a_task_may_be_made_up_where_none_is_listed():
    role = make_role("propose", "model", ScriptedModel(["Find the blue key."]))
    assert run_awaitable(role.propose([], state="A room.")).value == "Find the blue key."
