"""A server of a local model that lives as long as its context, and no longer than its caller."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from embodied_mem.planners.llm.local import guard
from embodied_mem.planners.llm.local.errors import LocalServerFailed, PortInUse
from embodied_mem.planners.llm.local.output_tail import OutputTail
from embodied_mem.planners.llm.local.server_program import HOST, ServerProgram

GRACE_S = 3.0  # from SIGTERM to SIGKILL
STOP_WAIT_S = GRACE_S + 2.0
ASK_EVERY_S = 0.1
ASK_WAIT_S = 2.0
LAST_OUTPUT_S = 1.0


class LocalServer:
    """A model served on this machine with the OpenAI protocol; a context manager.

    It ends when the context ends, and within a second when the calling process is gone, even by `kill -9`
    (POSIX). On Windows it outlives a caller that was killed. Ctrl-C reaches the caller alone.

    Args:
        weights: The GGUF file.
        model: The name under which requests ask for it.
        program: The program that serves it.
        port: Port on 127.0.0.1; 0 takes a free one.
        threads: Threads that compute, >= 1.
        context_tokens: Longest prompt and answer together, >= 1.
        ready_limit_s: How long it may take until it answers, in seconds.
    """

    def __init__(
        self,
        weights: Path,
        *,
        model: str,
        program: ServerProgram,
        port: int = 0,
        threads: int = 1,
        context_tokens: int = 4096,
        ready_limit_s: float = 120.0,
    ) -> None:
        self.weights = weights
        self.model = model
        self.program = program
        self._wanted_port = port
        self._threads = threads
        self._context_tokens = context_tokens
        self._ready_limit_s = ready_limit_s
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._output: OutputTail | None = None

    @property
    def base_url(self) -> str:
        """The address for OpenAI clients, such as http://127.0.0.1:8080/v1; it needs no key."""
        return f"http://{HOST}:{self._port}/v1"

    def start(self) -> Self:
        """Start the server and wait until it answers; `stop` must follow.

        Raises:
            PortInUse: Something listens on the wanted port already.
            LocalServerFailed: The server ended or did not answer within the limit; it is stopped.
        """
        if self._process is not None:
            raise LocalServerFailed(f"the server of {self.model} is running; stop it first")
        self._port = free_port(self._wanted_port)
        self._process = self._started()
        assert self._process.stdout is not None
        self._output = OutputTail(self._process.stdout)
        try:
            self._wait_until_ready(self._process)
        except BaseException:  # also Ctrl-C while the model loads
            self.stop()
            raise
        return self

    def wait(self) -> None:
        """Wait until the server ends by itself.

        Raises:
            LocalServerFailed: It ended; nothing but `stop` should end it.
        """
        if self._process is not None:
            self._process.wait()
            raise self._failure(f"ended with exit status {self._process.returncode}")

    def stop(self) -> None:
        """End the server: SIGTERM, and SIGKILL after some seconds. Does nothing if it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()  # the guard passes it on
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WAIT_S)
        if process.returncode is None or process.returncode < 0:  # the guard hangs, or was killed itself
            _kill_group(process)
        process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _started(self) -> "subprocess.Popen[bytes]":
        command = self.program.arguments(
            self.weights,
            model=self.model,
            port=self._port,
            threads=self._threads,
            context_tokens=self._context_tokens,
        )
        guarded = (sys.executable, "-I", guard.__file__, str(os.getpid()), str(GRACE_S))
        return subprocess.Popen(
            [*(guarded if os.name == "posix" else ()), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,  # out of reach of Ctrl-C, so that the caller can finish what it asks for
        )

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline_s = time.monotonic() + self._ready_limit_s
        while not _answers(self._port, self.program.ready_path):
            if process.poll() is not None:
                raise self._failure(f"ended with exit status {process.returncode} before it was ready")
            if time.monotonic() > deadline_s:
                raise self._failure(f"did not answer within {self._ready_limit_s:g} s")
            time.sleep(ASK_EVERY_S)

    def _failure(self, what: str) -> LocalServerFailed:
        assert self._output is not None
        said = self._output.text(LAST_OUTPUT_S)
        return LocalServerFailed(
            f"the server of {self.model} ({self.program.found}) {what}; its last lines:\n{said}"
        )


def free_port(wanted: int) -> int:
    """The wanted port of this machine if nothing listens on it, or any free one for 0.

    Asked before a start: otherwise what listens there already would answer as if it were the new server.

    Raises:
        PortInUse: Something listens on it.
    """
    with socket.socket() as probe:
        if os.name == "posix":  # a port that a server has just left may be taken again at once
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise PortInUse(
                f"port {wanted} cannot be used: {error.strerror}; choose another, or 0"
            ) from error
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=ASK_WAIT_S)  # heeds no proxy variable
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _environment() -> dict[str, str]:
    # llama-server reads settings from LLAMA_ARG_* and a key from LLAMA_API_KEY: a run shall not vary by them.
    others = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
    # A variable, because an older version refuses to start with an argument that it does not know.
    return {**others, "LLAMA_ARG_CORS_ORIGINS": "localhost"}  # by default any web page may read the answers


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
