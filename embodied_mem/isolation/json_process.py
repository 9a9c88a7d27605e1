"""A child process that is driven over pipes with one JSON object per line: no pickle, no socket."""

import contextlib
import json
import math
import os
import queue
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from embodied_mem.errors import EmbodiedMemError

STOP_WAIT_S = 5.0
POLL_S = 0.5  # how often a silent process is looked after


class ProcessEnded(EmbodiedMemError):
    """The process ended; `status` is its exit status, negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the process ended with exit status {status}")
        self.status = status


class JsonProcess:
    """The parent's side. What the process starts is in its process group and ends with it.

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
                process_group=0 if hasattr(os, "killpg") else None,
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
        if not self._has_message(timeout_s):
            return []
        chunk = os.read(self.fileno(), 1 << 20)
        if not chunk:
            raise ProcessEnded(self._process.wait())
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        return [json.loads(line) for line in lines]

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it at once, whatever it does, and what it started."""
        _kill_group(self._process.pid)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def stop(self) -> None:
        """End it, at once if it does not end by itself."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_WAIT_S)
        self.kill()

    def _has_message(self, timeout_s: float | None) -> bool:
        """Wait for a message or the end of the process.

        What the process started may hold its pipe open, so the end of the pipe alone does not tell.
        """
        end_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            while True:
                had_ended = self.has_ended
                wait_s = min(POLL_S, end_s - time.monotonic())
                if selector.select(0 if had_ended else max(wait_s, 0)):
                    return True
                if had_ended:
                    raise ProcessEnded(self._process.wait())
                if time.monotonic() >= end_s:
                    return False


class JsonChannel:
    """The child's side: takes over standard input and output, and ends the process when its input ends.

    What simulators print goes to standard error; what they read from standard input is empty.
    """

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
        self._out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._in: TextIO = os.fdopen(os.dup(0), encoding="utf-8")
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
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
        for line in self._in:
            self._lines.put(line)
        if os.name == "posix" and os.getpgrp() == os.getpid():
            _kill_group(os.getpid())
        os._exit(0)  # at once, even during an episode: the parent is gone


def _kill_group(leader: int) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # none of it is left
            os.killpg(leader, signal.SIGKILL)


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
