"""`ScriptedChatModel`: a stand-in for a chat model that takes tools; no model is behind it."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult


class ScriptedChatModel(BaseChatModel):
    """Answers by a function of the messages, and keeps what it was shown.

    Attributes:
        script: From the messages of one call to the answer.
        prompts: The messages of each call.
        tool_names: Names of the tools that it was given at each call.
    """

    script: Callable[[list[BaseMessage]], AIMessage]
    prompts: list[list[BaseMessage]] = []  # noqa: RUF012 - a field of pydantic, copied for each model
    tool_names: list[list[str]] = []  # noqa: RUF012

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        self.tool_names.append([getattr(tool, "name", "") for tool in tools])
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.prompts.append(list(messages))
        return ChatResult(generations=[ChatGeneration(message=self.script(messages))])

    @property
    def _llm_type(self) -> str:
        return "scripted"


def saying(text: str) -> AIMessage:
    return AIMessage(text, usage_metadata={"input_tokens": 8, "output_tokens": 2, "total_tokens": 10})


def calling(name: str, /, **arguments: Any) -> AIMessage:
    call = {"name": name, "args": arguments, "id": f"call-{name}", "type": "tool_call"}
    return AIMessage("", tool_calls=[call])


def obeying(messages: list[BaseMessage]) -> AIMessage:
    """Call whatever a text of the prompt tells to call: the most gullible model there can be."""
    if messages[-1].type == "tool":
        return saying("done")
    ordered = re.findall(r"call (?:the tool )?(\w+)", " ".join(message.text for message in messages))
    return calling(ordered[0]) if ordered else saying("nothing was asked of me")
