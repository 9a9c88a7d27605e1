"""Calls of a memory or judge that may be asynchronous, from the plain and the async methods of LangChain."""

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from langchain_core.runnables.config import run_in_executor

from embodied_mem.agent.answers import answers_async, is_in_loop, run_awaitable
from embodied_mem.contracts import AsyncMemory, Memory
from embodied_mem.errors import EpisodeError, InvalidQuery
from embodied_mem.records.experience import Experience, Recalled, Receipt
from embodied_mem.records.queries import Query

T = TypeVar("T")
AnyMemory = Memory | AsyncMemory


def check_memory(memory: object) -> None:
    """Reject what is no memory.

    Raises:
        InvalidQuery: It lacks `record`, `recall` or `feedback`.
    """
    if not isinstance(memory, Memory):  # the methods of both kinds have the same names
        raise InvalidQuery(
            f"memory is {type(memory).__name__}; expected a memory, such as MemoryStore.open(path).memory()"
        )


def waited_for(answer: "T | Awaitable[T]") -> T:
    """Return an answer in a plain call; what has to be awaited runs in the event loop of this process.

    Raises:
        EpisodeError: It has to be awaited and an event loop is running in this thread.
    """
    if not inspect.isawaitable(answer):
        return answer
    if is_in_loop():
        if inspect.iscoroutine(answer):
            answer.close()
        raise EpisodeError(
            "an event loop is running in this thread, so an asynchronous memory or judge cannot be waited "
            "for here; use the async form, such as ainvoke"
        )
    awaited: Awaitable[T] = answer
    return run_awaitable(awaited)


async def called(function: "Callable[..., T | Awaitable[T]]", *arguments: object, is_async: bool) -> T:
    """Return the answer of a function in an async call; one that may block runs in a thread."""
    answer = function(*arguments) if is_async else await run_in_executor(None, function, *arguments)
    if inspect.isawaitable(answer):
        awaited: Awaitable[T] = answer
        return await awaited
    return answer


def recall(memory: AnyMemory, query: Query) -> list[Recalled]:
    """Recall in a plain call."""
    return waited_for(memory.recall(query))


async def arecall(memory: AnyMemory, query: Query) -> list[Recalled]:
    """Recall in an async call: awaited where memory is asynchronous, else in a thread."""
    return await called(memory.recall, query, is_async=answers_async(memory, "recall"))


def record(memory: AnyMemory, experience: Experience) -> Receipt:
    """Record in a plain call."""
    return waited_for(memory.record(experience))


async def arecord(memory: AnyMemory, experience: Experience) -> Receipt:
    """Record in an async call: awaited where memory is asynchronous, else in a thread."""
    return await called(memory.record, experience, is_async=answers_async(memory, "recall"))
