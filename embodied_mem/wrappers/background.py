"""Episodes described and written by another process, so that the one that steps does neither."""

import contextlib
import logging
import multiprocessing
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from multiprocessing.util import Finalize
from typing import Any

from embodied_mem.contracts import Memory
from embodied_mem.errors import StoreError
from embodied_mem.wrappers.episode_log import ActionLog, Ending, EpisodeLog, MakePlan
from embodied_mem.wrappers.episode_writer import NO_MORE, Progress, write_episodes
from embodied_mem.wrappers.options import RecordingError, RecordOptions
from embodied_mem.wrappers.raw_episode import (
    Ended,
    Parts,
    RawActions,
    RawLog,
    RawStart,
    packed,
    without_infos,
)
from embodied_mem.wrappers.recorder import Recorder, RecordingCounts, copied

SENT_TOGETHER = 32  # episodes at most, and
SENT_BYTES = 4_000_000  # no more than about so many, and
SENT_AFTER_S = 1.0  # never later than the first end of an episode after so long: sending takes 0.1 ms
MAX_STARTS_IN_VAIN = 3  # processes that end before they confirm an episode, until the next `reset`
END_TIMEOUT_S = 60.0

logger = logging.getLogger(__name__)


class BackgroundRecorder(Recorder):
    """Hands each episode as it is to another process, which makes an experience of it and records it.

    Memory and options go there as they go to any worker of `multiprocessing`: a store is opened again by its
    path, and functions have to be ones that can be imported. Should that process end, the episodes that it
    had been sent and had not confirmed count as failed, which the next `reset` raises; another process takes
    its place at once, unless three in a row ended before they confirmed any.
    """

    def __init__(
        self, memory: Memory, options: RecordOptions, *, environment: str, make_plan: MakePlan
    ) -> None:
        super().__init__(memory, options, environment=environment, make_plan=make_plan)
        self._takes_numbers = make_plan().takes_numbers
        self._line: Connection | None = None
        self._end: Finalize | None = None
        self._waiting: list[Ended] = []  # always the same list, which `_end` knows too
        self._together = 1  # episodes that are sent at once; the first says how large they are
        self._sent_at_s = 0.0
        self._process: Any = None
        self.writer_pid: int | None = None
        self._owner = os.getpid()
        self._n_sent = self._n_confirmed = self._n_heard = 0
        self._n_starts_in_vain = 0
        self._said = RecordingCounts()  # what the other process counted when it last said so

    def __getstate__(self) -> dict[str, Any]:
        """A copy starts a process of its own; what waits to be sent stays with the original."""
        fresh: dict[str, Any] = {
            "_line": None,
            "_end": None,
            "_process": None,
            "writer_pid": None,
            "_waiting": [],
        }
        counted = {"_n_sent": 0, "_n_confirmed": 0, "_n_heard": 0, "_said": RecordingCounts()}
        return {**vars(self), **fresh, **counted}

    def check_memory(self) -> None:
        """Start the other process, unless it is there.

        Raises:
            RecordingError: Memory or options cannot be sent there.
        """
        if self._line is None or self._owner != os.getpid():
            super().check_memory()
            self._n_starts_in_vain = 0
            self._start()

    def begin(
        self,
        observation: Any,
        info: Mapping[str, Any],
        *,
        episode: int,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> EpisodeLog | None:
        """A log for the episode that begins; None if it is not to be recorded."""
        self.counts.begun += 1
        if self._is_left_out():
            return None
        first, info = copied(observation), copied(info)
        start = RawStart(observation=first, info=info, episode=episode, seed=seed, options=options)
        return RawLog(start, self._fresh_actions())

    def cut(self, episode: EpisodeLog, ending: Ending, **metadata: Any) -> EpisodeLog:
        """Hand over what there is of a running episode and go on with a fresh log."""
        fresh = super().cut(episode, ending, **metadata)
        return RawLog(fresh.start, self._fresh_actions())

    def _fresh_actions(self) -> ActionLog:
        return RawActions(self._make_plan) if self._takes_numbers else self._make_plan()

    def finish(self, episode: EpisodeLog, ending: Ending, **metadata: Any) -> None:
        """Hand an episode over that ended in any way; never raises."""
        if not episode.steps and ending.error is None:
            self.counts.empty += 1
            return
        try:
            assert isinstance(episode, RawLog)
            last, info = copied(ending.observation), copied(ending.info)
            ended = Ended(episode, ending, last, info, self._options.clock(), metadata)
        except Exception as error:  # a clock of the user's
            self.lose(error, f"episode {episode.start.episode} was handed over")
            return
        if self._owner != os.getpid():  # what it would write into belongs to the parent
            forked = StoreError("this process was forked while an episode ran; call reset() here first")
            self.lose(forked, f"episode {episode.start.episode} was handed over")
            return
        self._waiting.append(ended)
        if len(self._waiting) >= self._together or time.monotonic() > self._sent_at_s + SENT_AFTER_S:
            self._send_waiting()

    def _send_waiting(self) -> None:
        """Send what waits, and take in what the other process has said meanwhile."""
        self._sent_at_s = time.monotonic()
        batches, refused = _batches(self._waiting)
        self._waiting.clear()
        for error in refused:
            self.lose(error, "an episode was handed over")
        for batch in batches:
            self._send(batch)
            self._together = max(1, min(SENT_TOGETHER, SENT_BYTES * batch.n_episodes // len(batch.sent)))

    def _send(self, batch: "_Batch") -> None:
        """Send a batch, if need be to a process that takes the place of one that ended."""
        while self._line is not None or self._is_started_again():
            if self._is_sent(batch):
                return
        self.counts.failed += batch.n_episodes

    def _is_sent(self, batch: "_Batch") -> bool:
        self._listen()  # or each process could wait for the other to make room in its pipe
        if self._line is None:
            return False
        try:
            self._line.send_bytes(batch.sent)
        except OSError:  # nobody has received all of it, so it may be sent once more
            self._note_death()
            return False
        except BaseException:  # Ctrl-C in the middle of a message: what follows would not be understood
            self._n_sent += batch.n_episodes
            self._note_death()
            raise
        self._n_sent += batch.n_episodes
        return True

    def _is_started_again(self) -> bool:
        if self._n_starts_in_vain >= MAX_STARTS_IN_VAIN:
            return False
        try:
            self._start()
        except Exception as error:
            self._n_starts_in_vain = MAX_STARTS_IN_VAIN
            self.keep_error(error, "while the process that writes episodes was started again")
            return False
        return True

    def settle(self) -> None:
        """Wait until all episodes were recorded and the other process ends; never raises."""
        if self._owner != os.getpid():
            return
        if self._waiting:
            self._send_waiting()
        if self._line is None:
            return
        try:
            self._line.send_bytes(NO_MORE)
            while self._line is not None:
                self._hear(self._line.recv())
        except (EOFError, OSError):
            if self._n_sent > self._n_confirmed:
                self._note_death()
        self._stop(is_ending=True)

    def raise_pending(self) -> None:
        """Raise the first error that either process met since the last call, if there was one."""
        if self._n_heard != self._n_sent:  # or nothing new can have been said
            self._listen()
        if self._pending is not None:
            super().raise_pending()

    def _listen(self) -> None:
        """Take in what the other process has said."""
        self._n_heard = self._n_sent
        try:
            while self._line is not None and self._owner == os.getpid() and self._line.poll():
                self._hear(self._line.recv())
        except (EOFError, OSError):
            self._note_death()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        own, theirs = context.Pipe()
        alone = replace(self._options, sample=1.0, rng=None)
        arguments = (theirs, self._memory, alone, self._environment, self._make_plan)
        process = context.Process(target=write_episodes, args=arguments, name="embodied_mem episodes")
        try:
            process.start()
        except Exception as error:
            own.close()
            raise RecordingError(
                f"memory or options cannot be sent to another process ({type(error).__name__}: {error}); "
                "use functions that can be imported, or leave in_background out"
            ) from error
        finally:
            theirs.close()
        if self._owner != os.getpid():  # what waits here is a copy; the parent sends it
            self._waiting = []
        self._owner, self._line, self._sent_at_s = os.getpid(), own, time.monotonic()
        self._n_starts_in_vain += 1  # until it confirms something
        self._process, self.writer_pid = process, process.pid
        # Where nobody calls `close`, at the latest when the interpreter ends.
        self._end = Finalize(self, _send_the_rest, args=(own, process, self._waiting), exitpriority=10)

    def _stop(self, *, is_ending: bool = False) -> None:
        line, self._line = self._line, None
        if line is not None and self._end is not None:
            self._end.cancel()
            line.close()
            if not is_ending:
                _wait_for(self._process)
        self._n_sent = self._n_confirmed = self._n_heard = 0
        self._said = RecordingCounts()

    def _hear(self, said: Progress) -> None:
        before, self._said = self._said, said.counts
        self._n_confirmed = said.n_received
        self._n_starts_in_vain = 0
        self.counts.recorded += said.counts.recorded - before.recorded
        self.counts.not_kept += said.counts.not_kept - before.not_kept
        self.counts.failed += said.counts.failed - before.failed
        if said.error is not None and self._pending is None:
            self._pending = said.error

    def _note_death(self) -> None:
        with contextlib.suppress(EOFError, OSError):  # what it still said
            while self._line is not None and self._line.poll():
                self._hear(self._line.recv())
        n_lost = self._n_sent - self._n_confirmed
        self._stop()
        self.counts.failed += n_lost
        message = (
            f"the process that writes episodes ended; {n_lost} episodes that it had not confirmed may be "
            "lost. It says why on stderr; a script that starts it needs `if __name__ == '__main__':`"
        )
        self.keep_error(StoreError(message), "while episodes were handed over")


@dataclass(frozen=True, slots=True)
class _Batch:
    """Episodes as they are sent.

    Attributes:
        n_episodes: How many.
        sent: Their number in two bytes, and what makes them again.
    """

    n_episodes: int
    sent: bytes


def _batches(waiting: Sequence[Ended]) -> tuple[list[_Batch], list[Exception]]:
    """What waits as messages, and why some of it cannot be one."""
    if not waiting:
        return [], []
    try:
        return [_batch(list(map(packed, waiting)))], []
    except Exception:  # simulator handles refuse in ways of their own; their infos stay behind
        pass
    batches, refused = [], []
    for ended in waiting:
        try:
            batches.append(_batch([without_infos(packed(ended))]))
        except Exception as error:  # an observation that cannot be sent
            refused.append(error)
    return batches, refused


def _batch(episodes: Sequence[Parts]) -> _Batch:
    sent = len(episodes).to_bytes(2, "big") + bytes(ForkingPickler.dumps(episodes))
    return _Batch(len(episodes), sent)


def _wait_for(process: Any) -> None:
    """Until the process, to which nobody speaks any more, has recorded what it was sent and ended."""
    process.join(END_TIMEOUT_S)
    if process.is_alive():
        logger.error("The process that writes episodes is still busy after %g s; ending it", END_TIMEOUT_S)
        process.terminate()


def _send_the_rest(line: Connection, process: Any, waiting: Sequence[Ended]) -> None:
    batches, refused = _batches(waiting)
    try:
        for batch in batches:
            line.send_bytes(batch.sent)
    except OSError as error:
        refused.append(error)
    for each in refused:
        logger.error("Episodes were lost, %s: %s; close() would have raised this", type(each).__name__, each)
    line.close()
    _wait_for(process)
