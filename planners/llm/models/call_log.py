"""`CallLog`: every question to a model with its answer, one JSON line each, beside the episodes of a run."""

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from embodied_mem.errors import ModelError
from embodied_mem.planners.llm.models.language_model import Answer, LanguageModel, Request
from embodied_mem.planners.llm.models.locked_file import locked
from embodied_mem.planners.llm.models.token_counting import counter_of
from embodied_mem.records.json_values import JsonObject, canonical, clean_text

FILE = "model_calls.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """A line of the log.

    Attributes:
        key: Digest of what was asked: model, settings, template, prompt and choices.
        place: Where it was asked: episode and decision.
        role: What the model was asked for.
        template: Id of the template.
        model: What the model says of itself.
        system: Instruction of a chat.
        prompt: The prompt.
        parts: Part of the request -> digest, to say which one changed.
        examples: Ids of the experiences that the prompt shows, in its order.
        answer: The answer; empty if there was none.
        tokens_in: See `Answer`, as all below.
        tokens_out: Tokens of the answer.
        tokens_cached: Tokens of the prompt that the server had kept.
        seconds: How long it took.
        usd: What it cost; None if that is not known.
        confidence: How sure the model was; None if that is not known.
        error: Why there was no answer.
    """

    key: str
    place: str
    role: str
    template: str
    model: JsonObject
    system: str
    prompt: str
    parts: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    answer: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    seconds: float = 0.0
    usd: float | None = None
    confidence: float | None = None
    error: str = ""


class LoggedModel:
    """A model whose calls are written to a log as they end.

    Args:
        inner: The model.
        folder: Folder of the log; made with the first line.
    """

    def __init__(self, inner: LanguageModel, folder: Path) -> None:
        self.inner, self.form, self._path = inner, inner.form, folder / FILE
        self.token_counter = counter_of(inner)

    def describe(self) -> JsonObject:
        """What the model says of itself."""
        return self.inner.describe()

    async def answer(self, request: Request) -> Answer:
        """Ask the model, and log its answer or why there was none."""
        try:
            answer = await self.inner.answer(request)
        except (ModelError, asyncio.CancelledError) as error:
            self._write(model_call(request, self.describe(), error=str(error) or "cancelled"))
            raise
        answer = replace(answer, seconds=round(answer.seconds, 4))  # as a recording will give it
        self._write(model_call(request, self.describe(), answer))
        return answer

    def _write(self, call: ModelCall) -> None:
        line = json.dumps(asdict(call), ensure_ascii=False) + "\n"
        with locked(self._path) as file:  # episodes of other processes write to it too
            end = file.seek(0, os.SEEK_END)
            is_torn = end > 0 and _last_byte(file) != b"\n"  # by a run that was killed
            file.write((b"\n" if is_torn else b"") + line.encode())


def model_call(
    request: Request, model: JsonObject, answer: Answer | None = None, *, error: str = ""
) -> ModelCall:
    """The line of a call."""
    answer = answer or Answer(text="")
    parts = digests_of(request, model)
    return ModelCall(
        key=digest(canonical([*parts.values(), request.prompt.system, request.prompt.user]), chars=16),
        place=request.place,
        role=request.role,
        template=request.template,
        model=model,
        system=clean_text(request.prompt.system),
        prompt=clean_text(request.prompt.user),
        parts=parts,
        examples=tuple(hit.experience.id for hit in request.examples),
        answer=clean_text(answer.text),
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
        tokens_cached=answer.tokens_cached,
        seconds=answer.seconds,
        usd=answer.usd,
        confidence=answer.confidence,
        error=clean_text(error),
    )


def without_address(model: JsonObject) -> JsonObject:
    """What a model says of itself, without where it is served."""
    return {key: value for key, value in model.items() if key != "server"}


def digests_of(request: Request, model: JsonObject) -> dict[str, str]:
    """Part of a request -> its digest: the model, the template, the choices, the images and each input."""
    images = {"images": canonical([each.digest for each in request.images])} if request.images else {}
    parts = {
        **images,
        "model": canonical(without_address(model)),
        "template": request.template,
        "choices": request.choices.grammar(),
    }
    return {name: digest(text) for name, text in sorted({**request.parts, **parts}.items())}


def _last_byte(file: BinaryIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def digest(text: str, *, chars: int = 8) -> str:
    """The first characters of a text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:chars]
