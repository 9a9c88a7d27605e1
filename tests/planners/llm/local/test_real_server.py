"""The real llama-server with real weights, where they are installed."""

import json
import re
import urllib.request

import pytest

from embodied_mem.planners.llm.local import (
    KNOWN_MODELS,
    LocalServer,
    MissingServerProgram,
    MissingWeights,
    find_server_program,
    find_weights,
)

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module", params=KNOWN_MODELS)
def real_server(request, tmp_path_factory):
    try:
        program = find_server_program()
        weights = find_weights(KNOWN_MODELS[request.param], tmp_path_factory.mktemp("models"))
    except (MissingServerProgram, MissingWeights) as missing:
        pytest.skip(str(missing))
    if program.kind != "llama-server":
        pytest.skip("grammars are tested with llama-server only")
    with LocalServer(weights, model=request.param, program=program) as server:
        yield server


def completion(server, **wanted):
    request = urllib.request.Request(
        f"{server.base_url}/completions",
        data=json.dumps({"model": server.model, "max_tokens": 16, "temperature": 0, **wanted}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_an_answer_keeps_to_a_grammar(real_server):
    answer = completion(real_server, prompt="Action:", grammar='root ::= "go to the " ("red"|"blue") " ball"')
    assert re.fullmatch("go to the (red|blue) ball", answer["choices"][0]["text"])
    assert answer["model"] == real_server.model


def test_a_web_page_of_another_site_may_not_read_answers(real_server):
    request = urllib.request.Request(
        f"{real_server.base_url}/models", headers={"Origin": "https://example.org"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] not in ("*", "https://example.org")


def test_a_prompt_that_begins_as_the_last_one_is_partly_cached(real_server):
    shared = "Task: open the door. Known: a red door, a blue key. " * 20
    completion(real_server, prompt=f"{shared}Action:")
    usage = completion(real_server, prompt=f"{shared}Next:")["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] > usage["prompt_tokens"] / 2
