"""At most so many questions at once: in order, whoever gives up, and in any number of event loops."""

import asyncio

import pytest

from embodied_mem.errors import ExperimentError, ModelError
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.models.language_model import Answer, LanguageModel, Request
from embodied_mem.planners.llm.models.limited import LimitedModel
from embodied_mem.planners.llm.models.prompt import Prompt


class Counting:
    """A stand-in that takes its time, and notes who asked when and how many asked at once."""

    form = "completion"

    def __init__(self, seconds=0.002):
        self.seconds, self.now, self.most, self.order = seconds, 0, 0, []

    async def answer(self, request):
        self.order.append(request.place)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.now -= 1
        if request.place == "fault":
            raise ModelError("no")
        return Answer(text=request.place)

    def describe(self):
        return {"model": "counting"}


def request(place):
    return Request(role="plan", template="t", prompt=Prompt("p"), choices=CallChoices(()), place=str(place))


def test_no_more_than_so_many_are_asked_at_once_and_first_come_is_first_served():
    async def ask():
        return await asyncio.gather(*(model.answer(request(at)) for at in range(40)))

    inner = Counting()
    model = LimitedModel(inner, 3)
    answers = asyncio.run(ask())
    assert isinstance(model, LanguageModel)
    assert [each.text for each in answers] == [str(at) for at in range(40)]
    assert inner.most == 3
    assert inner.order == [str(at) for at in range(40)]
    assert model.describe() == {"model": "counting"}


def test_one_event_loop_after_another_may_ask():
    inner = Counting()
    model = LimitedModel(inner, 1)

    async def ask():
        await asyncio.gather(*(model.answer(request(at)) for at in range(3)))

    for _ in range(3):
        asyncio.run(ask())
    assert (len(inner.order), inner.most) == (9, 1)


@pytest.mark.parametrize("cancelled", [0, 2, 5], ids=["in flight", "next in line", "last in line"])
def test_who_is_cancelled_takes_no_turn_with_him(cancelled):
    async def ask():
        tasks = [asyncio.create_task(model.answer(request(at))) for at in range(6)]
        await asyncio.sleep(0)
        tasks[cancelled].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    inner = Counting()
    model = LimitedModel(inner, 2)
    said = asyncio.run(asyncio.wait_for(ask(), 20))
    assert [isinstance(each, asyncio.CancelledError) for each in said] == [at == cancelled for at in range(6)]
    assert (inner.most, inner.now) == (2, 0)


def test_a_fault_gives_its_turn_to_the_next():
    async def ask():
        places = ["fault", 1, "fault", 3]
        return await asyncio.gather(*map(model.answer, map(request, places)), return_exceptions=True)

    model = LimitedModel(Counting(), 1)
    kinds = [type(each) for each in asyncio.run(asyncio.wait_for(ask(), 20))]
    assert kinds == [ModelError, Answer, ModelError, Answer]


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "8"])
def test_a_number_that_is_none_is_refused(number):
    with pytest.raises(ExperimentError, match="expected an integer of at least 1"):
        LimitedModel(Counting(), number)
