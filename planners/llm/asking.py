"""`ask`: one question to a model, put again if its answer cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.answer_form import AnswerForm
from embodied_mem.planners.llm.images import PromptImage
from embodied_mem.planners.llm.language_model import Answer, LanguageModel, Request
from embodied_mem.planners.llm.role_template import Input, RoleTemplate
from embodied_mem.planners.llm.template import Prompt
from embodied_mem.records import Recalled
from embodied_mem.records.episodes import added_costs

Value = TypeVar("Value")
MAX_ANSWER_SHOWN_CHARS, MAX_FAILURE_SHOWN_CHARS = 500, 300  # of an answer that is put into the next prompt


class Quotes(Protocol):
    """A template, as far as asking anew needs it."""

    @property
    def opening(self) -> str:
        """What the model continues."""
        ...

    def quoted(self, text: str) -> str:
        """Text as data: on one line, without what opens an answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[Value]):
    """What asking led to, over all rounds.

    Attributes:
        value: The answer as its form reads it; None if it could not be read.
        text: The last answer as it was given.
        failure: Why it could not be read; empty if it could.
        cost: Calls, tokens, seconds and money, as far as they are known.
    """

    value: Value | None = None
    text: str = ""
    failure: str = ""
    cost: Mapping[str, float] = field(default_factory=dict)

    def otherwise(self, value: Value) -> "Reply[Value]":
        """The same, with this value where the answer could not be read."""
        return self if self.value is not None else replace(self, value=value)


async def ask(
    model: LanguageModel,
    template: RoleTemplate,
    form: AnswerForm[Value],
    inputs: Mapping[str, Input],
    place: str,
    *,
    images: Sequence[PromptImage] = (),
    examples: Sequence[Recalled] = (),
    max_rounds: int = 1,
) -> Reply[Value]:
    """Ask a model for what a role is for.

    Args:
        model: The model.
        template: The prompt of the role.
        form: What the answer must look like.
        inputs: Input -> text or list of texts.
        place: Where it is asked: episode and decision; for the log and recordings.
        images: Pictures that go with the prompt; chat models only.
        examples: What was recalled for it, most similar last.
        max_rounds: How often the model may answer anew when its answer cannot be read, >= 0.

    Raises:
        ModelError: The model gave no answer.
    """
    request = Request(
        role=template.role,
        template=template.id,
        prompt=template.prompt(inputs),
        choices=form,
        examples=tuple(examples),
        images=tuple(images),
        parts=template.used(inputs),
        place=f"{place}/{template.role}",
    )
    return await ask_until_read(model, request, template, max_rounds=max_rounds)


async def ask_until_read(
    model: LanguageModel, request: Request, template: Quotes, *, max_rounds: int
) -> Reply[Any]:
    """Ask until an answer can be read, at most `max_rounds` times more than once.

    Raises:
        ModelError: The model gave no answer.
    """
    reply: Reply[Any] = Reply()
    for left in range(max_rounds, -1, -1):
        answer = await model.answer(request)
        reply = replace(reply, text=answer.text, cost=added_costs(reply.cost, cost_of(answer)))
        try:
            return replace(reply, value=request.choices.read(answer.text), failure="")
        except InvalidRecord as error:
            reply = replace(reply, failure=str(error))
        if left:
            request = asked_anew(request, answer.text, reply.failure, template)
    return reply


def asked_anew(
    request: Request, answer: str, why: str, template: Quotes, *, said: str = "This cannot be done"
) -> Request:
    """The request with an answer and what speaks against it, both quoted as data."""
    wrong = template.quoted(answer[:MAX_ANSWER_SHOWN_CHARS])
    against = template.quoted(why[:MAX_FAILURE_SHOWN_CHARS])
    user = f"{request.prompt.user} {wrong}\n({said}: {against})\n{template.opening}"
    return replace(request, prompt=Prompt(user, request.prompt.system), place=f"{request.place}+")


def cost_of(answer: Answer) -> dict[str, float]:
    """What an answer cost, by name."""
    cost = {
        "model_calls": 1.0,
        "tokens_in": float(answer.tokens_in or 0),
        "tokens_out": float(answer.tokens_out or 0),
        "seconds": answer.seconds,
    }
    return cost if answer.usd is None else {**cost, "usd": answer.usd}  # an unknown price is not 0
