"""`ask`: one question to a model, put again if its answer cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

from embodied_mem.errors import InvalidRecord, ModelError
from embodied_mem.planners.llm.answers.answer_form import AnswerForm
from embodied_mem.planners.llm.models.images import PromptImage
from embodied_mem.planners.llm.models.language_model import Answer, LanguageModel, Request
from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.planners.llm.prompts.question import PromptTooLong, Question, Quotes, Tail
from embodied_mem.planners.llm.prompts.role_template import Input, RoleTemplate
from embodied_mem.records import Recalled
from embodied_mem.records.episodes import added_costs

Value = TypeVar("Value")
MAX_ANSWER_SHOWN_CHARS, MAX_FAILURE_SHOWN_CHARS = 500, 300  # of an answer that is put into the next prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[Value]):
    """What asking led to, over all rounds.

    Attributes:
        value: The answer as its form reads it; None if it could not be read.
        text: The last answer as it was given.
        failure: Why there is no value; empty if there is one.
        is_too_long: Whether the last question was not asked, because it would have been too long.
        confidence: See `Answer.confidence`, of the last answer.
        shown: Ids of the experiences that the prompts told of.
        cost: Calls, tokens, seconds and money, as far as they are known.
        tail: What a next question would have to follow.
    """

    value: Value | None = None
    text: str = ""
    failure: str = ""
    is_too_long: bool = False
    confidence: float | None = None
    shown: tuple[str, ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)
    tail: Tail = ()

    def otherwise(self, value: Value) -> "Reply[Value]":
        """The same, with this value where the answer could not be read."""
        return self if self.value is not None else replace(self, value=value)

    def after(self, earlier: "Reply[Any]") -> "Reply[Value]":
        """The same, with what an earlier reply showed and cost added."""
        shown = tuple(dict.fromkeys((*earlier.shown, *self.shown)))
        return replace(self, shown=shown, cost=added_costs(earlier.cost, self.cost))

    def told_against(self, why: str, template: Quotes, *, said: str = "This cannot be done") -> Tail:
        """The tail for asking anew: this answer and what speaks against it, both quoted as data."""
        wrong = template.quoted(self.text[:MAX_ANSWER_SHOWN_CHARS])
        against = template.quoted(why[:MAX_FAILURE_SHOWN_CHARS])
        return (*self.tail, f" {wrong}\n({said}: {against})\n{template.opening}")


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
    return await ask_until_read(model, partial(with_tail, request), template, max_rounds=max_rounds)


async def ask_until_read(
    model: LanguageModel, question: Question, template: Quotes, *, max_rounds: int, tail: Tail = ()
) -> Reply[Any]:
    """Ask until an answer can be read, at most `max_rounds` times more than once.

    A question that became too long is not asked: the reply says so as its failure.

    Raises:
        ModelError: The model gave no answer.
    """
    reply: Reply[Any] = Reply(tail=tail)
    for _ in range(max_rounds + 1):
        try:
            request = await question(reply.tail)
        except PromptTooLong as error:
            return replace(reply, failure=str(error), is_too_long=True)
        try:
            answer = await model.answer(request)
        except ModelError as error:
            error.cost = added_costs(reply.cost, error.cost)
            raise
        reply = _taken(reply, request, answer)
        try:
            return replace(reply, value=request.choices.read(answer.text))
        except InvalidRecord as error:
            why = str(error)
        reply = replace(reply, failure=why, tail=reply.told_against(why, template))
    return reply


async def with_tail(request: Request, tail: Tail) -> Request:
    """The request, put again after earlier answers."""
    prompt = Prompt(request.prompt.user + "".join(tail), request.prompt.system)
    return replace(request, prompt=prompt, place=request.place + "+" * len(tail))


def _taken(reply: Reply[Any], request: Request, answer: Answer) -> Reply[Any]:
    """The reply with an answer noted, and what it showed and cost added up."""
    cost = cost_of(answer)
    if request.tokens_memory is not None:
        cost["tokens_memory"] = float(request.tokens_memory)
    return replace(
        reply,
        text=answer.text,
        failure="",
        confidence=answer.confidence,
        shown=tuple(dict.fromkeys((*reply.shown, *request.shown))),
        cost=added_costs(reply.cost, cost),
    )


def cost_of(answer: Answer) -> dict[str, float]:
    """What an answer cost, by name."""
    cost = {
        "model_calls": 1.0,
        "tokens_in": float(answer.tokens_in or 0),
        "tokens_out": float(answer.tokens_out or 0),
        "seconds": answer.seconds,
    }
    return cost if answer.usd is None else {**cost, "usd": answer.usd}  # an unknown price is not 0
