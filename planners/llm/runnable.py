"""`RunnableModel`: a user's own LangChain runnable or LangGraph agent answers in place of a model."""

import time
from collections.abc import Mapping
from typing import Any

from embodied_mem.errors import EpisodeError, ModelError
from embodied_mem.planners.llm.models.language_model import Answer, Request
from embodied_mem.planners.llm.models.messages import messages_of
from embodied_mem.planners.llm.planner import LLMPlanner
from embodied_mem.records.json_values import JsonObject, clean_text


class RunnableModel:
    """Asks a runnable with the messages of a chat; it answers with a call that can be made, or with a plan.

    Args:
        runnable: Has `ainvoke`, as everything of LangChain and LangGraph. It answers with text, a message, or
            a state whose last message counts.
        messages_key: Key under which it takes the messages, such as `messages` for an agent of LangGraph;
            empty: it takes the messages themselves.
        label: Name in the records.
        form: Form of the templates: `chat` (an instruction and the skills, then the situation) or
            `completion`.

    Raises:
        EpisodeError: It has no `ainvoke`.
    """

    def __init__(self, runnable: Any, *, messages_key: str = "", label: str = "", form: str = "chat") -> None:
        if not callable(getattr(runnable, "ainvoke", None)):
            raise EpisodeError(
                f"runnable is {type(runnable).__name__}; expected one of LangChain or LangGraph, with ainvoke"
            )
        self.form = form
        self._runnable, self._key = runnable, messages_key
        self._name = label or str(getattr(runnable, "name", "") or type(runnable).__name__)

    def describe(self) -> JsonObject:
        """Its name."""
        return {"model": self._name, "server": "", "method": "runnable"}

    async def answer(self, request: Request) -> Answer:
        """Return what it answers; see `LanguageModel`."""
        messages: Any = messages_of(request)
        began_s = time.perf_counter()
        try:
            said = await self._runnable.ainvoke({self._key: messages} if self._key else messages)
        except Exception as error:  # of the user's own code
            raise ModelError(
                clean_text(f"{self._name} raised {type(error).__name__}: {error}")[:500]
            ) from error
        message = _last_message(said, self._key)
        used: Mapping[str, Any] = getattr(message, "usage_metadata", None) or {}
        return Answer(
            text=clean_text(getattr(message, "text", message)).strip(),
            tokens_in=used.get("input_tokens"),
            tokens_out=used.get("output_tokens"),
            seconds=time.perf_counter() - began_s,
        )


def make_runnable_planner(
    *, runnable: Any, messages_key: str = "", label: str = "", form: str = "chat", **options: Any
) -> LLMPlanner:
    """Make a planner of a runnable; registered as `runnable`, for `make_planner` in Python.

    Args:
        runnable: See `RunnableModel`, as the next three.
        messages_key: Key of its messages.
        label: Name in the records.
        form: Form of the templates.
        options: Keyword arguments of `LLMPlanner`.
    """
    return LLMPlanner(RunnableModel(runnable, messages_key=messages_key, label=label, form=form), **options)


def _last_message(said: Any, key: str) -> Any:
    if key and isinstance(said, Mapping):
        said = said.get(key)
    if isinstance(said, list | tuple):
        said = said[-1] if said else ""
    return "" if said is None else said
