"""Counters of tokens: never too few, by a bound, a tokenizer on disk, or a server; and played again."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from key_door_scripts import right_line
from model_server import StandInServer

from embodied_mem import Agent, MemoryStore
from embodied_mem.agent.answers import run_awaitable
from embodied_mem.errors import ExperimentError, MissingExtra, ModelError, NotRecorded, UnknownName
from embodied_mem.planners import make_planner
from embodied_mem.planners.llm.models.recorded import record
from embodied_mem.planners.llm.models.served import ChatModel, CompletionModel
from embodied_mem.planners.llm.models.token_counting import (
    EstimatedTokens,
    FileTokens,
    ServerTokens,
    TokenCounter,
    counter_of,
    make_counter,
)
from embodied_mem.testing.key_door import KeyDoorWorld

# Each is worse for some tokenizer than English: digits, many bytes a character, and what NFKC makes longer.
TEXTS = [
    "",
    "a",
    "Task: open(red door).",
    "0123456789" * 9,
    "é ü ñ",
    "日本語のテキスト",
    "مرحبا",
    "🔴 ball 👨‍👩‍👧",
]
TEXTS += ["ﷺ" * 9, "ﬃ", "½", "\u200b\u200d", " \n\t ", "<|im_start|>", "\ud800", "Ελληνικά"]


def count(counter, text):
    return run_awaitable(counter.count(text))


@pytest.fixture(scope="module")
def tokenizer_files(tmp_path_factory):
    """Small tokenizers of the usual kinds, with no vocabulary to speak of: the most tokens they can make."""
    tokenizers = pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("tokenizers")
    byte_level = tokenizers.Tokenizer(tokenizers.models.BPE())
    byte_level.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    byte_level.train_from_iterator(
        ["the red door"], tokenizers.trainers.BpeTrainer(vocab_size=260, initial_alphabet=alphabet)
    )
    vocabulary = {f"<0x{n:02X}>": n for n in range(256)} | {"<unk>": 256, "▁": 257, "<s>": 258}
    fallback = tokenizers.Tokenizer(
        tokenizers.models.BPE(vocabulary, [], byte_fallback=True, unk_token="<unk>", fuse_unk=True)
    )
    fallback.normalizer = tokenizers.normalizers.Sequence(
        [
            tokenizers.normalizers.NFKC(),
            tokenizers.normalizers.Prepend("▁"),
            tokenizers.normalizers.Replace(" ", "▁"),
        ]
    )
    fallback.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 258)]
    )
    paths = []
    for name, made in (("byte_level", byte_level), ("fallback", fallback)):
        made.save(str(folder / f"{name}.json"))
        paths.append(folder / f"{name}.json")
    return paths


# The bound


def test_the_estimate_counts_bytes():
    assert count(EstimatedTokens(), "take(key)") == 9 + 2
    assert count(EstimatedTokens(), "é") == 2 + 2
    assert count(EstimatedTokens(), "ﷺ") == len("صلى الله عليه وسلم".encode()) + 2


@pytest.mark.parametrize("text", TEXTS)
def test_the_estimate_is_never_below_a_tokenizer(text, tokenizer_files):
    if text == "\ud800":
        assert count(EstimatedTokens(), text) == 3 + 2
        return
    for path in tokenizer_files:
        assert count(FileTokens(path), text) <= count(EstimatedTokens(), text)


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_the_estimate_is_never_below_a_tokenizer_for_any_text(text, tokenizer_files):
    for path in tokenizer_files:
        assert count(FileTokens(path), text) <= count(EstimatedTokens(), text)


# A file


def test_a_tokenizer_on_disk_counts(tokenizer_files):
    byte_level, fallback = map(FileTokens, tokenizer_files)
    assert 0 < count(byte_level, "the red door") < len("the red door")
    assert count(fallback, "ab") == 1 + 1 + 2  # <s>, the space before, two bytes
    assert isinstance(byte_level, TokenCounter)


def test_a_file_that_is_no_tokenizer_is_named(tmp_path):
    pytest.importorskip("tokenizers")
    (tmp_path / "t.json").write_text("{}")
    for name in ("t.json", "missing.json"):
        with pytest.raises(ExperimentError, match=rf"{name} cannot be read: .*expected a tokenizer.json"):
            make_counter("file", path=tmp_path / name)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises((MissingExtra, ImportError), match="tokenizers"):
        FileTokens("t.json")


def test_a_wrong_setting_is_named():
    with pytest.raises(UnknownName, match=r"counter of tokens 'sever'.*Did you mean 'server'"):
        make_counter("sever")
    with pytest.raises(ExperimentError, match="'file' cannot be made with"):
        make_counter("file")
    with pytest.raises(ExperimentError, match="stored with the run"):
        make_counter("server", base_url="http://127.0.0.1:1/v1", key="sk-1")


# A server


class TokenizingServer(StandInServer):
    """Counts words as llama.cpp answers: `{"tokens": [...]}`."""

    def document(self, path, body):
        if path == "/tokenize":
            return {"tokens": [1, *range(len(body["content"].split()))]}
        return super().document(path, body)


def test_the_server_counts_the_text_as_it_stands():
    with TokenizingServer() as server:
        counter = ServerTokens(server.url, key="sk-1")
        assert [count(counter, text) for text in ("", "a b c", "<|im_start|>")] == [1, 4, 2]
    assert server.bodies[1] == {"content": "a b c", "add_special": True, "parse_special": False}
    assert server.headers[0]["Authorization"] == "Bearer sk-1"


@pytest.mark.parametrize("fault", [404, 500])
def test_a_server_that_cannot_count_says_what_else_can(fault):
    with TokenizingServer(always=fault) as server:
        address = server.url.replace("http://", "http://me:secret@")
        with pytest.raises(ModelError, match=rf"{fault}.*name: estimate") as error:
            count(ServerTokens(address), "a")
    assert "secret" not in str(error.value)


def test_a_served_model_brings_the_counter_of_its_server():
    url = "http://127.0.0.1:1/v1"
    assert counter_of(CompletionModel("m", base_url=url)).name == "server"
    assert counter_of(CompletionModel("m", base_url=url, method="text")) is None
    assert counter_of(ChatModel("openai:m", base_url=url)) is None
    assert counter_of(ChatModel("openai:m", base_url=url, method="grammar")).name == "server"


def test_what_a_server_counted_is_recorded_and_played_again(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory()
        teacher = Agent(planner=make_planner("case_based"), memory=memory, record_decisions=True)
        for seed in range(8):
            teacher.run_episode(KeyDoorWorld(), seed=seed)
        settings = {"k": 30, "max_prompt_tokens": 90}
        with TokenizingServer(lambda body: right_line(str(body["prompt"]))) as server:
            llm = {"name": "completion", "options": {"model": "m", "base_url": server.url}}
            planner = make_planner("llm", llm=llm, folder=tmp_path / "calls", **settings)
            assert planner.describe()["tokens"] == "server"
            first = Agent(planner=planner, memory=memory, mode="frozen").run_episode(KeyDoorWorld(), seed=50)
        record([tmp_path / "calls"], tmp_path / "answers.jsonl.gz", form="completion")
        llm = {"name": "recorded", "options": {"path": str(tmp_path / "answers.jsonl.gz")}}
        planner = make_planner("llm", llm=llm, **settings)
        again = Agent(planner=planner, memory=memory, mode="frozen").run_episode(KeyDoorWorld(), seed=50)
        other = make_planner("llm", llm=llm, **settings | {"max_prompt_tokens": 60})
        wrong = Agent(planner=other, memory=memory, mode="frozen").run_episode(KeyDoorWorld(), seed=51)
    assert first.outcome.is_success
    assert first.outcome.cost["tokens_memory"] > 0
    assert all(0 < len(each.shown) < 30 for each in first.trace.decisions)
    assert (again.outcome, again.trace.decisions) == (first.outcome, first.trace.decisions)
    assert NotRecorded.__name__ in wrong.trace.error


def test_a_recording_without_counts_is_as_it_was(tmp_path):
    folder = tmp_path / "calls"
    planner = make_planner("llm", llm={"name": "copy"}, folder=folder)
    Agent(planner=planner).run_episode(KeyDoorWorld(), seed=0)
    assert {path.name for path in folder.iterdir()} == {"model_calls.jsonl"}
    line = json.loads((folder / "model_calls.jsonl").read_text("utf-8").splitlines()[0])
    assert line["confidence"] is None
