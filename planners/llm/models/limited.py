"""`LimitedModel`: at most so many questions to a model at the same time; the others wait in line."""

import asyncio
import weakref

from embodied_mem.errors import ExperimentError
from embodied_mem.planners.llm.models.language_model import Answer, LanguageModel, Request
from embodied_mem.planners.llm.models.token_counting import counter_of
from embodied_mem.records.json_values import JsonObject


class LimitedModel:
    """A model that is asked at most so many questions at once, first come, first served.

    What waits is not sent yet: its time-out begins with its turn, and its seconds are those of the server.
    A question that is cancelled leaves the line, or gives its turn to the next.

    Args:
        inner: The model.
        max_concurrent: Largest number of questions in flight, >= 1, over all episodes of an event loop.

    Raises:
        ExperimentError: The number is none, or smaller than 1.
    """

    def __init__(self, inner: LanguageModel, max_concurrent: int) -> None:
        if isinstance(max_concurrent, bool) or not isinstance(max_concurrent, int) or max_concurrent < 1:
            raise ExperimentError(
                f"max_concurrent is {max_concurrent!r}; expected an integer of at least 1, such as the "
                "number of slots of the server"
            )
        self.inner, self.form, self._n = inner, inner.form, max_concurrent
        self.token_counter = counter_of(inner)
        # A semaphore belongs to the loop in which somebody waited for it.
        self._turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]
        self._turns = weakref.WeakKeyDictionary()

    def describe(self) -> JsonObject:
        """What the model says of itself; how many ask at once does not affect its answers."""
        return self.inner.describe()

    async def answer(self, request: Request) -> Answer:
        """Wait for a turn, and ask the model; see `LanguageModel`."""
        loop = asyncio.get_running_loop()
        async with self._turns.setdefault(loop, asyncio.Semaphore(self._n)):
            return await self.inner.answer(request)
