"""A child process that is driven over pipes with one JSON object per line: no pickle, no socket."""

import contextlib
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from embodied_mem.errors import EmbodiedMemError

STOP_WAIT_S = 5.0


class ProcessEnded(EmbodiedMemError):
    """The process ended; `status` is its exit status, negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the process ended with exit status {status}")
        self.status = status


class JsonProcess:
    """The parent's side.

    Args:
        module: The module to run with `python -m`; its `main` serves a `JsonChannel`.
    """

    def __init__(self, module: str) -> None:
        self._buffer = b""
        with _sigint_blocked():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
            )

    def fileno(self) -> int:
        """File descriptor of its messages, for selectors."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; a dead process is noticed by the next `receive`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def receive(self, timeout_s: float | None = None) -> list[dict[str, Any]]:
        """Return the messages that have arrived; waits until something arrives or the time is over.

        Raises:
            ProcessEnded: The process has ended.
        """
        ready, _, _ = select.select([self], [], [], timeout_s)
        if not ready:
            return []
        chunk = os.read(self.fileno(), 1 << 20)
        if not chunk:
            raise ProcessEnded(self._process.wait())
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        return [json.loads(line) for line in lines]

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._close_pipes()

    def stop(self) -> None:
        """End it, at once if it does not end by itself."""
        self._process.terminate()
        try:
            self._process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close_pipes()

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class JsonChannel:
    """The child's side: takes over standard output, and ends the process when standard input ends.

    What simulators print goes to standard error.
    """

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
        self._out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message to the parent."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def receive(self) -> dict[str, Any]:
        """Wait for the next message of the parent."""
        message: dict[str, Any] = json.loads(self._lines.get())
        return message

    def _read(self) -> None:
        for line in sys.stdin:
            self._lines.put(line)
        os._exit(0)  # at once, even during an episode: the parent is gone


def _environment() -> dict[str, str]:
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)
    return {**os.environ, "PYTHONPATH": paths}


@contextlib.contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Block SIGINT in this process during the block, and for good in a process started within it.

    A child that is still importing cannot ignore Ctrl-C itself and would print a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
