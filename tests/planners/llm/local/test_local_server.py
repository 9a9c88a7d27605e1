"""A server lives as long as its context, no longer than its caller, and says why it could not."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest

from embodied_mem.planners.llm.local import LocalServerFailed, PortInUse, local_server
from embodied_mem.planners.llm.local.local_server import free_port

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in server is a script with a #! line")

CALLER = """
import pathlib, sys, time
from embodied_mem.planners.llm.local import LocalServer, find_server_program
server = LocalServer(pathlib.Path(sys.argv[1]), model="tiny", program=find_server_program()).start()
print(server.base_url, flush=True)
time.sleep(60)
"""


def names_at(base_url):
    with urllib.request.urlopen(f"{base_url}/models", timeout=5) as answer:
        return [model["id"] for model in json.load(answer)["data"]]


def test_it_answers_within_its_context_and_is_over_after_it(server, is_over):
    with server() as running:
        assert names_at(running.base_url) == ["tiny"]
    assert is_over(running.base_url)


def test_it_is_started_with_the_arguments_that_were_measured(server, given, weights):
    with server(threads=2, context_tokens=512) as running:
        port = running.base_url.split(":")[2].removesuffix("/v1")
        assert given()["arguments"] == [
            *("-m", str(weights), "--alias", "tiny", "--host", "127.0.0.1", "--port", port),
            *("-t", "2", "-tb", "2", "-c", "512", "-np", "1", "--swa-full", "--cache-ram", "0", "--no-webui"),
        ]


def test_variables_change_no_setting_of_it_and_no_web_page_may_read_its_answers(server, given, monkeypatch):
    monkeypatch.setenv("LLAMA_ARG_CTX_SIZE", "1")
    monkeypatch.setenv("LLAMA_API_KEY", "no-secret")
    with server():
        assert given()["settings"] == {"LLAMA_ARG_CORS_ORIGINS": "localhost"}


def test_one_that_dies_at_the_start_is_an_error_with_its_last_lines(server, stand_in):
    stand_in("dies")
    with pytest.raises(LocalServerFailed, match="exit status 1 before it was ready") as failed:
        server().start()
    assert "the model is of an unknown architecture" in str(failed.value)


def test_one_that_is_never_ready_is_stopped_at_the_limit(server, stand_in, is_over):
    stand_in("never ready")
    slow = server(ready_limit_s=1.0)
    with pytest.raises(LocalServerFailed, match="did not answer within 1 s") as failed:
        slow.start()
    assert "listening" in str(failed.value)
    assert is_over(slow.base_url, limit_s=0.5)


def test_one_that_ends_while_it_is_used_is_an_error_with_its_status(server, stand_in):
    stand_in("ends later")
    with server() as running, pytest.raises(LocalServerFailed, match="ended with exit status 7"):
        running.wait()


def test_one_that_ignores_sigterm_is_killed(server, stand_in, is_over, monkeypatch):
    monkeypatch.setattr(local_server, "GRACE_S", 0.3)
    stand_in("ignores SIGTERM")
    with server() as running:
        pass
    assert is_over(running.base_url, limit_s=0.5)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_when_its_caller_is_killed(stand_in, weights, child_environment, is_over, number):
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(weights)],
        env={**os.environ, "PYTHONPATH": child_environment["PYTHONPATH"]},
        stdout=subprocess.PIPE,
        text=True,
    )
    with caller:
        base_url = caller.stdout.readline().strip()
        assert names_at(base_url) == ["tiny"]
        caller.send_signal(number)
    assert is_over(base_url)


def test_it_outlives_the_thread_that_started_it(server):
    running = server()
    starter = threading.Thread(target=running.start)
    starter.start()
    starter.join()
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            running._process.wait(0.5)
        assert names_at(running.base_url) == ["tiny"]
    finally:
        running.stop()


def test_it_is_out_of_reach_of_ctrl_c(server, given):
    with server():
        assert os.getsid(given()["pid"]) != os.getsid(0)


def test_stop_ends_it_even_if_the_guard_was_killed(server, is_over):
    running = server().start()
    os.kill(running._process.pid, signal.SIGKILL)
    running._process.wait()
    running.stop()
    assert is_over(running.base_url, limit_s=0.5)


def test_stop_may_be_repeated_and_start_may_not(server):
    with server() as running, pytest.raises(LocalServerFailed, match="stop it first"):
        running.start()
    running.stop()
    running.stop()


def test_a_server_may_be_started_again(server):
    again = server()
    for _ in range(2):
        with again:
            assert names_at(again.base_url) == ["tiny"]


def test_a_port_in_use_is_refused_before_a_start(server):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} cannot be used"):
            server(port=port).start()


def test_a_port_that_was_just_left_may_be_taken_again(server):
    port = free_port(0)
    for _ in range(2):
        with server(port=port) as running:
            assert names_at(f"http://127.0.0.1:{port}/v1") == ["tiny"]
    assert running.base_url == f"http://127.0.0.1:{port}/v1"
