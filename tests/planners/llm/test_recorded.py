"""A run's calls to a model are logged, recorded, and played again without the model, bit by bit."""

import gzip
import json
import re
from dataclasses import replace

import pytest
from key_door_scripts import right_call

from embodied_mem import Agent, MemoryStore
from embodied_mem.agent.answers import run_awaitable
from embodied_mem.errors import ExperimentError, ModelError, NotRecorded
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.models.call_log import FILE, LoggedModel
from embodied_mem.planners.llm.models.language_model import Answer, Request
from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.planners.llm.models.recorded import RecordedModel, record
from embodied_mem.planners.llm.models.scripted import ScriptedModel
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.records import SkillCall
from embodied_mem.records.skills import Parameter, Skill
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld

SEEDS = range(6)


class Thinking:
    """A stand-in whose answers, tokens and times differ from call to call, as those of a server do."""

    form = "completion"

    def __init__(self, *, server="http://127.0.0.1:8080/v1", fails_at=None):
        self.n, self.server, self.fails_at = 0, server, fails_at

    def describe(self):
        return {"model": "thinking", "server": self.server, "method": "grammar", "max_tokens": 64}

    async def answer(self, request):
        self.n += 1
        if self.n == self.fails_at:
            raise ModelError("thinking at the server gave no answer: 500")
        calls = [*map(str, request.choices.calls()), "I do not know. é"]
        return Answer(
            text=calls[self.n % len(calls)], tokens_in=100 + self.n, tokens_out=self.n, seconds=self.n / 7.0
        )


def play(model, memory, *, seeds=SEEDS, attempt="run-1", world=KeyDoorWorld, **options):
    agent = Agent(planner=LLMPlanner(model, k=2, **options), memory=memory, mode="frozen")
    return [
        agent.run_episode(world(KeyDoorEnv(max_steps=8)), seed=seed, attempt=f"{attempt}/{seed}-0")
        for seed in seeds
    ]


def traces(episodes):
    return [(episode.trace, episode.outcome) for episode in episodes]


@pytest.fixture
def memory(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory()
        teacher = Agent(
            planner=LLMPlanner(ScriptedModel(right_call), k=0), memory=memory, record_decisions=True
        )
        for seed in range(20, 24):
            teacher.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=30)), seed=seed)
        yield memory


@pytest.fixture
def recording(tmp_path, memory):
    """A run, and its recording."""
    played = play(LoggedModel(Thinking(), tmp_path / "log"), memory)
    path = tmp_path / "answers.jsonl.gz"
    n = record([tmp_path / "log"], path, form="completion")
    assert all(decision.shown for episode in played for decision in episode.trace.decisions)
    assert n == len(lines_of(tmp_path / "log")) > 20
    print(f"{n} calls, {path.stat().st_size / n:.0f} bytes a call compressed")
    assert path.stat().st_size / n < 400
    return played, path


def test_a_recorded_run_plays_again_bit_by_bit(recording, memory):
    played, path = recording
    model = RecordedModel(path)
    again = play(model, memory)
    assert traces(again) == traces(played)
    assert model.describe() == Thinking().describe()
    assert model.form == "completion"


def test_episodes_play_again_in_any_order_and_in_part(recording, memory):
    played, path = recording
    again = play(RecordedModel(path), memory, seeds=[4, 1])
    assert traces(again) == [traces(played)[4], traces(played)[1]]


def test_a_call_without_an_answer_plays_again_as_one(tmp_path, memory):
    played = play(LoggedModel(Thinking(fails_at=3), tmp_path / "log"), memory)
    assert "500" in played[0].trace.error + played[1].trace.error
    record([tmp_path / "log"], tmp_path / "r.gz", form="completion")
    assert traces(play(RecordedModel(tmp_path / "r.gz"), memory)) == traces(played)


def test_the_number_of_the_attempt_does_not_matter(recording, memory):
    played, path = recording
    agent = Agent(planner=LLMPlanner(RecordedModel(path), k=2), memory=memory, mode="frozen")
    again = agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=8)), seed=2, attempt="run-1/2-3")
    assert (again.trace, again.outcome) == traces(played)[2]


# What changed


class OtherWords(KeyDoorWorld):
    """The same world in other words."""

    def observe(self, observation, info):
        seen = super().observe(observation, info)
        return replace(seen, text=seen.text.replace("hold", "carry"))


class OtherTask(KeyDoorWorld):
    """The same world with another instruction."""

    def begin(self, observation, info, *, seed):
        return replace(super().begin(observation, info, seed=seed), text="reach the chest")


class OtherSkills(KeyDoorWorld):
    """The same world with a skill more."""

    def skills(self, observation, *, detail="signature"):
        return (*super().skills(observation, detail=detail), Skill(name="wait"))


def template_of(tmp_path, version):
    from importlib import resources

    text = (resources.files("embodied_mem.planners.llm.prompts") / "templates" / "compact.toml").read_text(
        "utf-8"
    )
    path = tmp_path / "compact.toml"
    path.write_text(text.replace("version = 1", f"version = {version}"), "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"world": OtherWords}, "state"),
        ({"world": OtherTask}, "task"),
        ({"world": OtherSkills}, "choices"),
        ({"order": ("task", "held")}, "order"),
        ({"template": "version 2"}, "template"),
    ],
)
def test_a_miss_names_the_input_that_changed(recording, memory, tmp_path, change, named):
    _, path = recording
    if "template" in change:
        change = {"template": template_of(tmp_path, 2)}
    [episode] = play(RecordedModel(path), memory, seeds=[0], **change)
    assert episode.trace.ended_by == "planner_error"
    found = re.search(r"at run-1/0-0\S*#0 the recorded request differs in ([\w, ]+); ", episode.trace.error)
    assert found, episode.trace.error
    assert named in found[1].split(", ")
    others = {"task", "state", "choices", "template", "model"} - {named}
    assert not others & set(found[1].split(", "))
    assert "embodied-mem llm record" in episode.trace.error


def test_a_miss_names_other_examples(recording, tmp_path):
    _, path = recording
    [episode] = play(RecordedModel(path), None, seeds=[0])
    assert "the recorded request differs in examples;" in episode.trace.error


def test_a_miss_names_another_model(recording, memory):
    _, path = recording
    model = RecordedModel(path)
    model._model = {**model._model, "max_tokens": 32}
    [episode] = play(model, memory, seeds=[0])
    assert "the recorded request differs in model;" in episode.trace.error


def test_a_miss_is_an_error_of_its_own():
    assert issubclass(NotRecorded, ModelError)


# Logs and files


def test_a_recording_holds_no_prompt(recording):
    _, path = recording
    text = gzip.decompress(path.read_bytes()).decode("utf-8")
    assert "get to the chest" not in text
    assert "You hold" not in text
    assert '"prompt"' not in text


def test_a_torn_last_line_is_left_out_and_the_next_line_is_whole(tmp_path):
    log = tmp_path / "log" / FILE
    model = LoggedModel(Thinking(), tmp_path / "log")
    ask(model, "one#0")
    ask(model, "two#0")
    log.write_bytes(log.read_bytes()[:-40])  # killed while it wrote
    assert record([tmp_path / "log"], tmp_path / "r.gz", form="completion") == 1
    ask(model, "three#0")
    assert record([tmp_path / "log"], tmp_path / "r.gz", form="completion") == 2
    model = RecordedModel(tmp_path / "r.gz")
    assert ask(model, "three#0").tokens_out == 3
    assert ask(model, "one#0").tokens_out == 1


def test_the_last_attempt_of_a_resumed_run_is_played_again(tmp_path):
    model = LoggedModel(Thinking(), tmp_path)
    for attempt in ("e-0#0", "e-1#0"):
        ask(model, attempt)
    record([tmp_path], tmp_path / "r.gz", form="completion")
    assert ask(RecordedModel(tmp_path / "r.gz"), "e-2#0").tokens_out == 2


def test_a_request_is_found_at_another_place_by_what_it_asks(tmp_path):
    ask(LoggedModel(Thinking(), tmp_path), "e#0")
    record([tmp_path], tmp_path / "r.gz", form="completion")
    assert ask(RecordedModel(tmp_path / "r.gz"), "elsewhere#7").tokens_out == 1
    with pytest.raises(NotRecorded, match="no answer is recorded for elsewhere#7"):
        ask(RecordedModel(tmp_path / "r.gz"), "elsewhere#7", user="another prompt")
    with pytest.raises(NotRecorded, match="differs in its prompt"):
        ask(RecordedModel(tmp_path / "r.gz"), "e#0", user="another prompt")


def test_the_address_of_a_model_is_not_part_of_it_but_its_settings_are(tmp_path):
    ask(LoggedModel(Thinking(), tmp_path / "a"), "e#0")
    ask(LoggedModel(Thinking(server="http://127.0.0.1:9999/v1"), tmp_path / "b"), "e#1")
    assert record([tmp_path], tmp_path / "r.gz", form="completion") == 2
    other = Thinking()
    other.describe = lambda: {**Thinking().describe(), "max_tokens": 8}
    ask(LoggedModel(other, tmp_path / "c"), "e#2")
    with pytest.raises(ExperimentError, match="hold calls of 2 models; expected one"):
        record([tmp_path], tmp_path / "r.gz", form="completion")


def test_a_run_without_calls_is_no_recording(tmp_path):
    with pytest.raises(ExperimentError, match="hold calls of 0 models"):
        record([tmp_path], tmp_path / "r.gz", form="completion")


def packed(*lines):
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not gzip",
        packed({"form": "chat", "model": {}})[:-9],
        gzip.compress(b"\xff"),
        packed(),
        packed(3),
        packed({"model": {}}),
        packed({"form": "chat"}),
        packed({"form": "chat", "model": {}}, {"key": "x"}),
        packed({"form": "chat", "model": {}}, "line"),
    ],
)
def test_a_file_that_is_no_recording_is_named(tmp_path, content):
    path = tmp_path / "r.gz"
    path.write_bytes(content)
    with pytest.raises(ExperimentError, match=r"r\.gz"):
        RecordedModel(path)
    with pytest.raises(ExperimentError, match=r"none\.gz"):
        RecordedModel(tmp_path / "none.gz")


def test_odd_characters_are_logged_and_recorded(tmp_path):
    class Odd(Thinking):
        async def answer(self, request):
            return Answer(text="\ud800\x00 é\u2028\x85")

    ask(LoggedModel(Odd(), tmp_path), "e#0", user="\ud83d \u2028")
    [line] = lines_of(tmp_path)
    assert line["answer"] == "\ufffd\x00 é\u2028\x85"
    record([tmp_path], tmp_path / "r.gz", form="completion")
    assert ask(RecordedModel(tmp_path / "r.gz"), "e#0", user="\ud83d \u2028").text == line["answer"]


def ask(model, place, *, user="Task: go.\nAction:"):
    choices = CallChoices.of([Skill(name="go", parameters=(Parameter(name="to", choices=("a", "b")),))])
    assert SkillCall("go", {"to": "a"}) in set(choices.calls())
    asked = Request(role="plan", template="plan/t@1", prompt=Prompt(user), choices=choices, place=place)
    return run_awaitable(model.answer(asked))


def lines_of(folder):
    text = "".join(each.read_text("utf-8") for each in folder.rglob(FILE))
    return [json.loads(line) for line in text.split("\n") if line]
