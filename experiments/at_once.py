"""`take_in_order`: several episodes at once, with their results in order, as if played in turn."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def take_in_order(
    play: Callable[[Item], Awaitable[Result]],
    items: Sequence[Item],
    take: Callable[[Result], None],
    *,
    at_once: int,
) -> None:
    """Play every item, at most `at_once` at the same time, and take each result when its turn comes.

    The first exception of `play`, in the order of the items, is raised once all before it are taken. What is
    in play then is played to its end, and nothing else begins. An exception of `take` and a cancellation
    cancel what is in play.

    Args:
        play: Plays an item.
        items: The items.
        take: Takes a result.
        at_once: Largest number in play, >= 1.
    """
    turns, failed = asyncio.Semaphore(at_once), asyncio.Event()

    async def played(item: Item) -> Result:
        async with turns:
            if failed.is_set():
                raise asyncio.CancelledError  # never seen: the failure comes before it in order
            try:
                return await play(item)
            except Exception:
                failed.set()
                raise

    tasks = [asyncio.create_task(played(item)) for item in items]
    try:
        for task in tasks:
            take(await _result(task, tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _result(task: "asyncio.Task[Result]", tasks: "list[asyncio.Task[Result]]") -> Result:
    try:
        return await task
    except Exception:
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
