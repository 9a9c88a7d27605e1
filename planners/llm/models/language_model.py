"""`LanguageModel`: what a planner asks, whoever answers: a server, a recording, a script, or a rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from embodied_mem.planners.llm.answers.answer_form import AnswerForm
from embodied_mem.planners.llm.models.images import PromptImage
from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.records import Recalled
from embodied_mem.records.json_values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to a model.

    Attributes:
        role: What it is asked for, such as `plan`.
        template: Id of the template, with its version.
        prompt: The prompt.
        choices: The form of the answer: for a plan, the calls it may choose from (`CallChoices`).
        examples: What the prompt's examples were made of, most similar last.
        images: Pictures that go with the prompt, of a chat only.
        parts: Input -> text, of which the prompt was made; only to say which one changed.
        place: Where it is asked: episode, decision and attempt; not sent.
        shown: Ids of the experiences that the prompt tells of.
        tokens_memory: Tokens of the prompt that its examples and notes take; None if they were not counted.
    """

    role: str
    template: str
    prompt: Prompt
    choices: AnswerForm[Any]
    examples: tuple[Recalled, ...] = ()
    images: tuple[PromptImage, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    shown: tuple[str, ...] = ()
    tokens_memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model answered.

    Attributes:
        text: The answer, as text; a plan is one call a line.
        tokens_in: Tokens of the prompt, as the server counted them; None if it did not.
        tokens_out: Tokens of the answer, likewise.
        tokens_cached: Tokens of the prompt that the server had kept.
        seconds: How long it took.
        usd: What it cost; None if that is not known.
        confidence: How sure the model was, 0 to 1: the geometric mean of the probabilities of the answer's
            tokens; None where the server gave none.
    """

    text: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    seconds: float = 0.0
    usd: float | None = None
    confidence: float | None = None


@runtime_checkable
class LanguageModel(Protocol):
    """Answers requests.

    Attributes:
        form: Form of the templates that suit it: `completion` or `chat`.
    """

    form: str

    async def answer(self, request: Request) -> Answer:
        """Return the answer.

        Raises:
            ModelError: There is no answer: the server cannot be reached, refused, or timed out.
        """
        ...

    def describe(self) -> JsonObject:
        """Name, server and settings that affect answers; no secrets."""
        ...
