"""A stand-in server on PATH, and a file that begins like a model."""

import json
import socket
import sys
import time
from pathlib import Path

import pytest

from embodied_mem.planners.llm.local import LocalServer, find_server_program

PROGRAM = Path(__file__).with_name("stand_in_server.py")


@pytest.fixture
def weights(tmp_path):
    """A file that begins as a GGUF file does; the stand-in reads none of it."""
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF stand-in")
    return file


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts the stand-in on PATH as llama-server; the function says how it behaves from then on."""
    programs = tmp_path / "programs"
    programs.mkdir()
    program = programs / "llama-server"
    program.write_text(f"#!{sys.executable} -S\n{PROGRAM.read_text('utf-8')}", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("STAND_IN_FOLDER", str(tmp_path))

    def behaves(manner: str) -> None:
        monkeypatch.setenv("STAND_IN", manner)

    return behaves


@pytest.fixture
def server(stand_in, weights):
    """Makes a server of the stand-in with these options; not started."""

    def make(**options) -> LocalServer:
        return LocalServer(weights, model="tiny", program=find_server_program(), **options)

    return make


@pytest.fixture
def given(tmp_path):
    """What the stand-in was given: its arguments, its pid, and settings by variables."""
    return lambda: json.loads((tmp_path / "given.json").read_text("utf-8"))


@pytest.fixture
def is_over():
    """Whether nothing answers at an address any more, within some seconds."""

    def check(base_url: str, limit_s: float = 5.0) -> bool:
        port = int(base_url.split(":")[2].split("/")[0])
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)):
                    return True
            time.sleep(0.05)
        return False

    return check
