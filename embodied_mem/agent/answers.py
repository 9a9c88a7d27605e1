"""Answers that may have to be awaited, in a run with an event loop and in one without."""

import asyncio
import atexit
import contextvars
import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar, cast

from embodied_mem.errors import EpisodeError

T = TypeVar("T")

EXIT_WAIT_S = 1.0
MAX_WAITING_EPISODES = 256

_process_loop: asyncio.AbstractEventLoop | None = None
_lock = threading.Lock()


class Answers:
    """Waits for the answers of planners, memories, judges and reflectors.

    Args:
        in_loop: Whether the episode runs in an event loop; otherwise awaitables run in the loop that this
            process keeps for episodes.
    """

    def __init__(self, *, in_loop: bool) -> None:
        self._in_loop = in_loop

    async def of(
        self,
        answer: "T | Awaitable[T]",
        *,
        timeout_s: float | None = None,
        meanwhile: Callable[[], bool] | None = None,
    ) -> T:
        """Return an answer, awaited if it is an awaitable.

        Args:
            answer: The answer, or an awaitable of it.
            timeout_s: Seconds to wait; None: no limit.
            meanwhile: Called again and again while the answer is awaited; False gives up waiting.

        Raises:
            TimeoutError: The awaitable took longer, or `meanwhile` gave up; it was cancelled.
        """
        if not inspect.isawaitable(answer):
            return answer
        awaited: Awaitable[T] = answer
        if not self._in_loop:
            return run_awaitable(awaited, timeout_s=timeout_s, meanwhile=meanwhile)
        task: asyncio.Task[T] = asyncio.ensure_future(_within(awaited, timeout_s))
        try:
            while meanwhile is not None and not task.done():
                await asyncio.sleep(0)
                if not task.done() and not meanwhile():
                    raise TimeoutError
            return await task
        finally:
            task.cancel()

    async def call(
        self, function: Callable[[Any], T], argument: Any, *, cancel: Callable[[], None] | None = None
    ) -> T:
        """Return the answer of a function that may block, called in a thread if there are others to go on.

        Args:
            function: The function.
            argument: Its argument.
            cancel: Called if this task is cancelled; the answer is then waited for and returned, because a
                thread cannot be interrupted. None: the answer is dropped.
        """
        if not self._in_loop:
            return function(argument)
        context = contextvars.copy_context()
        run = asyncio.get_running_loop().run_in_executor
        answer = run(_threads(), context.run, function, argument)
        if cancel is None:
            return await answer
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            cancel()
            return await answer


def run_awaitable(
    awaitable: "Awaitable[T]",
    *,
    timeout_s: float | None = None,
    meanwhile: Callable[[], bool] | None = None,
) -> T:
    """Return what an awaitable gives, run in the one event loop that this process keeps for episodes.

    The arguments are those of `Answers.of`.

    Raises:
        EpisodeError: An event loop is running in this thread.
        TimeoutError: It took longer, or `meanwhile` gave up; it was cancelled.
    """
    if is_in_loop():
        if inspect.iscoroutine(awaitable):
            awaitable.close()
        raise EpisodeError(
            "an event loop is running in this thread, so an asynchronous answer cannot be waited for here; "
            "await agent.run_episode_async(...), and in an async planner await context.arecall(query)"
        )

    future = asyncio.run_coroutine_threadsafe(_within(awaitable, timeout_s), _loop())
    try:
        while meanwhile is not None and not future.done():
            if not meanwhile():
                raise TimeoutError
        return future.result()
    finally:  # also after Ctrl-C, which must not leave the call running
        future.cancel()


async def _within(awaitable: "Awaitable[T]", timeout_s: float | None) -> T:
    return await asyncio.wait_for(awaitable, timeout_s)


@cache
def _threads() -> ThreadPoolExecutor:
    # The loop's own pool has as few as five threads, and each episode that waits for memory takes one.
    return ThreadPoolExecutor(MAX_WAITING_EPISODES, thread_name_prefix="embodied_mem.agent")


def expect(kind: type[T], answer: object, *, said_by: str) -> T:
    """Return an answer of this type.

    Raises:
        EpisodeError: It has another type; the message names who gave it, and the value.
    """
    if not isinstance(answer, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise EpisodeError(f"{said_by} answered {answer!r:.200}; expected {article} {kind.__name__}")
    return answer


def run_to_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never suspends, without an event loop.

    A run in which nothing is awaited needs no loop, and so opens no socket pair.
    """
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return cast("T", finished.value)
    coroutine.close()
    raise EpisodeError("the episode awaited something outside of an event loop")


def is_in_loop() -> bool:
    """Whether an event loop is running in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def answers_async(part: Any, method: str) -> bool:
    """Whether a method of a part is known to answer with an awaitable."""
    declared = getattr(part, "is_async", None)
    return (
        bool(declared) if declared is not None else inspect.iscoroutinefunction(getattr(part, method, None))
    )


def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of this process for episodes, in a thread of its own; made when first needed.

    One loop for all episodes, because a client with open connections is bound to the loop it was used in.
    """
    global _process_loop
    with _lock:
        if _process_loop is None:
            _process_loop = asyncio.new_event_loop()
            thread = threading.Thread(
                target=_process_loop.run_forever, name="embodied_mem.agent", daemon=True
            )
            thread.start()
            atexit.register(_stop, _process_loop, thread)
        return _process_loop


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    thread.join(EXIT_WAIT_S)
    if not thread.is_alive():
        loop.close()


def _forget_threads() -> None:
    global _process_loop
    _process_loop = None  # its thread does not exist in a forked child
    _threads.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
