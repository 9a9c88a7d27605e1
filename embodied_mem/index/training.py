"""Work for later: one background thread of the lowest priority, which never holds up whoever waits for it."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

LOWEST = 19  # niceness

Result = TypeVar("Result")


class Stopped(Exception):
    """The work was no longer wanted; raised inside it, never out of `BackgroundWork`."""


class BackgroundWork(Generic[Result]):
    """One function that runs in a thread of its own.

    Args:
        name: What it does, for the thread's name and for messages.
        function: Gets a function to be called now and then, which raises `Stopped` once the result is no
            longer wanted.
    """

    def __init__(self, name: str, function: Callable[[Callable[[], None]], Result]) -> None:
        self.name = name
        self.error: Exception | None = None
        self._function = function
        self._result: Result | None = None
        self._is_unwanted = threading.Event()
        # A daemon: whoever forgets to close a store is not kept from leaving.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether it ended, well or not."""
        return not self._thread.is_alive()

    def result(self) -> Result | None:
        """What it gave; None while it runs and if it failed."""
        return self._result if self.is_done else None

    def wait(self, timeout_s: float | None = None) -> None:
        """Until it ends."""
        self._thread.join(timeout_s)

    def stop(self) -> None:
        """Give it up and wait for its end, which comes soon."""
        self._is_unwanted.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            _lower_priority()
            self._result = self._function(self._check)
        except Stopped:
            pass
        except Exception as error:
            logger.exception("%s failed; the store works on without it", self.name)
            self.error = error

    def _check(self) -> None:
        if self._is_unwanted.is_set():
            raise Stopped


def _lower_priority() -> None:
    """Let every other thread go first, where the system has priorities of single threads."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST)
