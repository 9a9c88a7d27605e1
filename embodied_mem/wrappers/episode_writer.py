"""The process that describes and writes episodes which another one has stepped."""

import contextlib
import os
import signal
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from embodied_mem import describe
from embodied_mem.contracts import Memory
from embodied_mem.errors import EmbodiedMemError
from embodied_mem.wrappers.episode_log import EpisodeLog, EpisodeStart, MakePlan
from embodied_mem.wrappers.options import RecordOptions
from embodied_mem.wrappers.raw_episode import Parts, Unpacked
from embodied_mem.wrappers.recorder import Recorder, RecordingCounts

CONFIRMED_EVERY = 64  # episodes after which the process says how far it is, and errors after the first
MAX_ERROR_CHARS = 2_000  # of what it says at once: much more could fill the pipe while nobody listens
NICENESS = 10
NO_MORE = b""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the other process says of itself.

    Attributes:
        n_received: Episodes it has been through; what was recorded of them is acknowledged.
        counts: What became of them.
        error: The first error since it last said something.
    """

    n_received: int
    counts: RecordingCounts
    error: Exception | None


class _Writer(Recorder):
    """The recorder in the other process."""

    def __init__(self, memory: Memory, options: RecordOptions, environment: str, make_plan: MakePlan) -> None:
        self._now_s = 0.0
        options = replace(options, clock=lambda: self._now_s)
        super().__init__(memory, options, environment=environment, make_plan=make_plan)
        self._starts: dict[Any, EpisodeStart] = {}

    def write(self, parts: Parts) -> None:
        """Describe an episode and record it; never raises."""
        try:
            raw = Unpacked.of(parts)
            self._now_s = raw.happened_at_s
            log = self._described(raw)
            if log is not None:
                raw.fill(log)
        except Exception as error:  # what nobody foresaw costs a record and not the ones after it
            self.lose(error, "an episode was received")
            return
        if log is not None:
            self.finish(log, raw.ending, **raw.metadata)

    @property
    def has_error(self) -> bool:
        """Whether there is something to say at once."""
        return self._pending is not None

    def progress(self, n_received: int) -> Progress:
        """What there is to say once memory has acknowledged everything."""
        self.settle()
        error, self._pending = self._pending, None
        return Progress(n_received, self.counts, error)

    def _described(self, raw: Unpacked) -> EpisodeLog | None:
        """A log with the start in words and vectors; a span after the first keeps task and attempt."""
        first = raw.start
        log = self.begin(
            first.observation, first.info, episode=first.episode, seed=first.seed, options=first.options
        )
        if log is None:
            return None
        place = raw.metadata.get("env_index")
        start, before = log.start, self._starts.get(place)
        start.first_step, start.span = first.first_step, first.span
        if first.span and before is not None:
            start.task, start.attempt = before.task, before.attempt
        self._starts[place] = start
        return log


def write_episodes(
    line: Connection, memory: Memory, options: RecordOptions, environment: str, make_plan: MakePlan
) -> None:
    """What the other process does until it is told that there is no more, or nobody is there to tell it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that steps
    if hasattr(os, "nice"):  # or the scheduler lets it interrupt that process whenever something was sent
        os.nice(NICENESS)
    writer = _Writer(memory, options, environment, make_plan)
    n_received = n_said = n_errors = 0
    while sent := _next(line):
        for parts in _unpickled(sent, writer):
            writer.write(parts)
        n_received += int.from_bytes(sent[:2], "big")
        if n_received >= n_said + CONFIRMED_EVERY or (writer.has_error and not n_errors):
            n_said, n_errors = n_received, n_errors + writer.has_error
            _say(line, writer.progress(n_received))
    _say(line, writer.progress(n_received))
    close = getattr(memory, "close", None)
    if callable(close):
        close()
        line.close()  # all is done: taking the interpreter apart is nothing to wait for


def _unpickled(sent: bytes, writer: _Writer) -> list[Parts]:
    try:
        batch: list[Parts] = ForkingPickler.loads(memoryview(sent)[2:])
    except Exception as error:  # a class of the environment that cannot be made here
        writer.counts.failed += int.from_bytes(sent[:2], "big") - 1
        writer.lose(error, "episodes were received")
        return []
    return batch


def _next(line: Connection) -> bytes:
    """What was sent next; nothing if there is no more."""
    try:
        return line.recv_bytes()
    except (EOFError, OSError):  # the process that steps was killed; what it sent came before this
        return NO_MORE


def _say(line: Connection, progress: Progress) -> None:
    if progress.error is not None:
        progress = replace(progress, error=_sendable(progress.error))
    with contextlib.suppress(OSError):  # nobody is there to hear it
        line.send(progress)


def _sendable(error: Exception) -> Exception:
    """The error, or one that says the same where it is long, or someone else's that cannot be made again."""
    try:
        if len(error.args) == 1 and isinstance(error.args[0], str) and len(error.args[0]) > MAX_ERROR_CHARS:
            error = type(error)(describe.clip(error.args[0], MAX_ERROR_CHARS))
        sent = ForkingPickler.dumps(error)
        ForkingPickler.loads(sent)
        problem = "" if len(sent) <= 2 * MAX_ERROR_CHARS else "too long to be sent"
    except Exception as another:
        problem = describe.clip(another, MAX_ERROR_CHARS)
    if not problem:
        return error
    said = describe.clip(f"{type(error).__name__}: {error}", MAX_ERROR_CHARS)
    return EmbodiedMemError(f"{said} ({problem})")
