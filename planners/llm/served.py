"""Models behind a server or provider that LangChain can reach: as a chat, or as the completion of a text."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from embodied_mem.errors import ExperimentError, MissingExtra, ModelError, unknown_name
from embodied_mem.optional import require
from embodied_mem.planners.llm.language_model import Answer, Request
from embodied_mem.records.json_values import JsonObject, clean_text

CHAT_METHODS = ("json_schema", "grammar", "text")
COMPLETION_METHODS = ("grammar", "text")
MAX_ERROR_CHARS = 500


class CompletionModel:
    """A base model that continues a text, behind an OpenAI-compatible server (llama.cpp, vLLM, ...).

    Args:
        model: Name that the server knows it by.
        base_url: The server's address, such as `http://127.0.0.1:8080/v1`.
        method: How answers are held to the calls that can be made: `grammar` (llama.cpp) or `text` (they are
            only read).
        max_tokens: Longest answer.
        timeout_s: Longest wait for an answer.
        max_retries: How often a request is sent again after 429, 5xx or a lost connection, waiting longer
            each time.
        api_key_env: Name of the environment variable with the server's key; local servers need none.
        options: Further keyword arguments of `langchain_openai.OpenAI`.

    Raises:
        MissingExtra: langchain-openai is not installed.
        UnknownName: There is no such method.
    """

    form = "completion"

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        method: str = "grammar",
        max_tokens: int = 64,
        timeout_s: float = 60.0,
        max_retries: int = 2,
        api_key_env: str = "",
        **options: Any,
    ) -> None:
        _check_method(method, COMPLETION_METHODS)
        self._said: JsonObject = {
            "model": model,
            "server": base_url,
            "method": method,
            "max_tokens": max_tokens,
        }
        self._method, self._secret = method, _key(api_key_env)
        self._client = require("langchain_openai", extra="llm").OpenAI(
            model=model,
            base_url=base_url,
            api_key=self._secret or "none",
            max_tokens=max_tokens,
            timeout=timeout_s,
            max_retries=max_retries,
            **{"temperature": 0.0, **options},
        )

    def describe(self) -> JsonObject:
        """Model, server and settings."""
        return dict(self._said)

    async def answer(self, request: Request) -> Answer:
        """Continue the prompt; see `LanguageModel`."""
        prompt = "\n\n".join(part for part in (request.prompt.system, request.prompt.user) if part)
        extra = {"grammar": request.choices.grammar(lead=" ")} if self._method == "grammar" else {}
        began_s = time.perf_counter()
        with _model_errors(self._said, self._secret):
            result = await self._client.agenerate([prompt], stop=["\n\n"], extra_body=extra)
        used = (result.llm_output or {}).get("token_usage") or {}
        return Answer(
            text=clean_text(result.generations[0][0].text).strip(),
            tokens_in=used.get("prompt_tokens"),
            tokens_out=used.get("completion_tokens"),
            seconds=time.perf_counter() - began_s,
        )


class ChatModel:
    """A chat model of any provider that LangChain knows.

    Args:
        model: Name, with its provider before a colon: `openai:gpt-5-mini`, `anthropic:claude-sonnet-4-5`,
            `google_genai:gemini-2.5-flash`. For an OpenAI-compatible server the provider is `openai`.
        base_url: Address of a server of your own; empty: the provider's.
        method: `json_schema` (the answer is an object of that schema), `grammar` (llama.cpp) or `text` (the
            answer is only read).
        max_tokens: Longest answer.
        timeout_s: Longest wait for an answer.
        max_retries: See `CompletionModel`.
        api_key_env: Name of the environment variable with the key; empty: the provider's own.
        options: Further keyword arguments of `langchain.chat_models.init_chat_model`.

    Raises:
        MissingExtra: LangChain's package of the provider is not installed.
        UnknownName: There is no such method.
        ExperimentError: LangChain does not know the provider, or refuses an option.
    """

    form = "chat"

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "",
        method: str = "json_schema",
        max_tokens: int = 256,
        timeout_s: float = 60.0,
        max_retries: int = 2,
        api_key_env: str = "",
        **options: Any,
    ) -> None:
        _check_method(method, CHAT_METHODS)
        self._said: JsonObject = {
            "model": model,
            "server": base_url,
            "method": method,
            "max_tokens": max_tokens,
        }
        self._method, self._secret = method, _key(api_key_env)
        settings = {
            "temperature": 0.0,
            "max_tokens": max_tokens,
            "timeout": timeout_s,
            "max_retries": max_retries,
        }
        key = self._secret or ("none" if base_url else "")
        given = {name: value for name, value in {"base_url": base_url, "api_key": key}.items() if value}
        self._client = _chat_client(model, {**settings, **given, **options})

    def describe(self) -> JsonObject:
        """Model, server and settings."""
        return dict(self._said)

    async def answer(self, request: Request) -> Answer:
        """Answer the prompt; see `LanguageModel`."""
        system = [("system", request.prompt.system)] if request.prompt.system else []
        began_s = time.perf_counter()
        with _model_errors(self._said, self._secret):
            message = await self._ask([*system, ("user", request.prompt.user)], request)
        used: Mapping[str, Any] = message.usage_metadata or {}
        return Answer(
            text=clean_text(message.text).strip(),
            tokens_in=used.get("input_tokens"),
            tokens_out=used.get("output_tokens"),
            tokens_cached=(used.get("input_token_details") or {}).get("cache_read"),
            seconds=time.perf_counter() - began_s,
        )

    async def _ask(self, messages: list[tuple[str, str]], request: Request) -> Any:
        if self._method == "json_schema":
            schema = request.choices.schema()
            structured = self._client.with_structured_output(schema, method="json_schema", include_raw=True)
            return (await structured.ainvoke(messages))["raw"]
        extra = {"grammar": request.choices.grammar()} if self._method == "grammar" else {}
        return await self._client.ainvoke(messages, **({"extra_body": extra} if extra else {}))


def _chat_client(model: str, settings: Mapping[str, Any]) -> Any:
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(model, **settings)
    except ImportError as error:
        raise MissingExtra(f"{model} needs a package of LangChain: {error}") from error
    except (ValueError, TypeError) as error:
        raise ExperimentError(f"LangChain cannot make the chat model {model!r}: {error}") from error


def _said(model: str, server: str, method: str, max_tokens: int) -> JsonObject:
    return {"model": model, "server": server, "method": method, "max_tokens": max_tokens}


def _key(variable: str) -> str:
    if variable and not os.environ.get(variable):
        raise ExperimentError(f"api_key_env names {variable}, which is not set; export it first")
    return os.environ.get(variable, "") if variable else ""


def _check_method(method: str, known: tuple[str, ...]) -> None:
    if method not in known:
        raise unknown_name("method", method, known)


@contextlib.contextmanager
def _model_errors(said: JsonObject, secret: str) -> Iterator[None]:
    """Turn whatever a client raises into a `ModelError` that names model and server, without the key."""
    try:
        yield
    except Exception as error:  # the clients of providers share no base class
        message = clean_text(f"{type(error).__name__}: {error}")
        message = message.replace(secret, "***") if secret else message
        where = f" at {said['server']}" if said["server"] else ""
        hint = (
            "; is it running? `embodied-mem llm serve` starts one"
            if "Connection" in message and where
            else ""
        )
        raise ModelError(
            f"{said['model']}{where} gave no answer: {message[:MAX_ERROR_CHARS]}{hint}"
        ) from None
