"""Models behind a server or provider that LangChain can reach: as a chat, or as the completion of a text."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from embodied_mem.errors import ExperimentError, MissingExtra, ModelError, unknown_name
from embodied_mem.optional import require
from embodied_mem.planners.llm.models.confidence import confidence_of
from embodied_mem.planners.llm.models.http_client import http_client
from embodied_mem.planners.llm.models.language_model import Answer, Request
from embodied_mem.planners.llm.models.messages import Content, messages_of
from embodied_mem.planners.llm.models.token_counting import ServerTokens
from embodied_mem.records.json_values import JsonObject, clean_text

CHAT_METHODS = ("json_schema", "grammar", "text")
COMPLETION_METHODS = ("grammar", "text")
MAX_ERROR_CHARS = 500
NO_KEY = "none"  # clients insist on a key, local servers need none

_refusals: ContextVar[list[int] | None] = ContextVar("refusals", default=None)  # statuses, of one question


class CompletionModel:
    """A base model that continues a text, behind an OpenAI-compatible server (llama.cpp, vLLM, ...).

    Args:
        model: Name that the server knows it by.
        base_url: The server's address, such as `http://127.0.0.1:8080/v1`.
        method: How answers are held to the calls that can be made: `grammar` (llama.cpp) or `text` (they are
            only read).
        max_tokens: Longest answer.
        timeout_s: Longest wait for an answer, retries included.
        max_retries: How often a request is sent again after 408, 409, 429, 5xx or a lost connection. It waits
            as long as the server's `Retry-After` says, else 0.5 s, 1 s, ... 8 s, less up to a quarter by
            chance, and never beyond `timeout_s`.
        api_key_env: Name of the environment variable with the server's key; local servers need none.
        confidence: Whether to ask for log-probabilities, for `Answer.confidence`.
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
        confidence: bool = False,
        **options: Any,
    ) -> None:
        _check_method(method, COMPLETION_METHODS)
        client = require("langchain_openai", extra="llm").OpenAI(
            model=model,
            base_url=base_url,
            api_key=_key(api_key_env) or NO_KEY,
            max_tokens=max_tokens,
            timeout=timeout_s,
            max_retries=max_retries,
            http_async_client=http_client([_note_refusal]),
            **{"temperature": 0.0, **options},
        )
        told = {**options, "confidence": True} if confidence else options
        said = _said(model, base_url, method, max_tokens, told)
        self._server = _Server(client, said, base_url, timeout_s)
        self._asked_for = {"logprobs": 1} if confidence else {}
        self.token_counter = _counter(base_url, method, _key(api_key_env))

    def describe(self) -> JsonObject:
        """Model, server and settings."""
        return dict(self._server.said)

    async def answer(self, request: Request) -> Answer:
        """Continue the prompt; see `LanguageModel`."""
        prompt = request.prompt.text
        is_held = self._server.said["method"] == "grammar"
        extra = {"grammar": request.choices.grammar(lead=" ")} if is_held else {}
        began_s = time.perf_counter()
        async with self._server.asked() as client:
            result = await client.agenerate([prompt], stop=["\n\n"], extra_body=extra, **self._asked_for)
        used = (result.llm_output or {}).get("token_usage") or {}
        first = result.generations[0][0]
        return Answer(
            text=self._server.without_secrets(first.text).strip(),
            tokens_in=used.get("prompt_tokens"),
            tokens_out=used.get("completion_tokens"),
            seconds=time.perf_counter() - began_s,
            confidence=confidence_of((first.generation_info or {}).get("logprobs")),
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
        timeout_s: See `CompletionModel`.
        max_retries: See `CompletionModel`.
        api_key_env: Name of the environment variable with the key; empty: the provider's own.
        confidence: See `CompletionModel`.
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
        confidence: bool = False,
        **options: Any,
    ) -> None:
        _check_method(method, CHAT_METHODS)
        key = _key(api_key_env) or (NO_KEY if base_url else "")
        settings = {
            "temperature": 0.0,
            "max_tokens": max_tokens,
            "timeout": timeout_s,
            "max_retries": max_retries,
            **{name: value for name, value in {"base_url": base_url, "api_key": key}.items() if value},
        }
        self._is_openai = model.startswith("openai:")
        if self._is_openai:
            settings["http_async_client"] = http_client([_note_refusal])
        told = {**options, "confidence": True} if confidence else options
        said = _said(model, base_url, method, max_tokens, told)
        self._asked_for = {"logprobs": True} if confidence else {}
        self.token_counter = _counter(base_url, method, _key(api_key_env))
        self._server = _Server(_chat_client(model, {**settings, **options}), said, base_url, timeout_s)

    def describe(self) -> JsonObject:
        """Model, server and settings."""
        return dict(self._server.said)

    async def answer(self, request: Request) -> Answer:
        """Answer the prompt; see `LanguageModel`."""
        began_s = time.perf_counter()
        async with self._server.asked() as client:
            message = await self._ask(client, messages_of(request), request)
        used: Mapping[str, Any] = message.usage_metadata or {}
        text = str(message.text) or str(message.additional_kwargs.get("refusal") or "")
        return Answer(
            text=self._server.without_secrets(text).strip(),
            tokens_in=used.get("input_tokens"),
            tokens_out=used.get("output_tokens"),
            tokens_cached=(used.get("input_token_details") or {}).get("cache_read"),
            seconds=time.perf_counter() - began_s,
            confidence=confidence_of(message.response_metadata.get("logprobs")),
        )

    async def _ask(self, client: Any, messages: list[tuple[str, Content]], request: Request) -> Any:
        method = self._server.said["method"]
        if method == "text":
            return await client.ainvoke(messages, **self._asked_for)
        if method == "grammar":
            extra = {"grammar": request.choices.grammar()}
            return await client.ainvoke(messages, extra_body=extra, **self._asked_for)
        schema = request.choices.schema()
        if not self._is_openai:
            structured = client.with_structured_output(schema, method="json_schema", include_raw=True)
            return (await structured.ainvoke(messages))["raw"]
        # As a plain request: LangChain would raise on an answer that was cut short, and we read it ourselves.
        form = {"type": "json_schema", "json_schema": {"name": str(schema["title"]), "schema": schema}}
        return await client.ainvoke(messages, extra_body={"response_format": form}, **self._asked_for)


class _Server:
    """A client of LangChain with what may and what must not be said of it."""

    def __init__(self, client: Any, said: JsonObject, base_url: str, timeout_s: float) -> None:
        self.said, self._client, self._timeout_s = said, client, timeout_s
        keys = [value.get_secret_value() for value in vars(client).values() if isinstance(value, SecretStr)]
        self._secrets = [each for each in (*keys, urlsplit(base_url).password) if each and each != NO_KEY]

    @contextlib.asynccontextmanager
    async def asked(self) -> AsyncIterator[Any]:
        """The client; whatever it raises becomes a `ModelError` that names model and server, without keys."""
        refusals: list[int] = []
        token = _refusals.set(refusals)
        try:
            # The client's own limit is one of silence: a server that dribbles would never reach it.
            async with asyncio.timeout(self._timeout_s):
                yield self._client
        except TimeoutError:
            told = f"; it had refused with status {', '.join(map(str, refusals))}" if refusals else ""
            raise self._error(f"nothing came within {self._timeout_s:g} s{told}") from None
        except Exception as error:  # the clients of providers share no base class
            raise self._error(f"{type(error).__name__}: {error}") from None
        finally:
            _refusals.reset(token)

    def without_secrets(self, text: str) -> str:
        """The text, in which a server may have repeated a key."""
        text = clean_text(text)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _error(self, cause: str) -> ModelError:
        where = f" at {self.said['server']}" if self.said["server"] else ""
        is_away = where and "Connection" in cause
        hint = "; is it running? `embodied-mem llm serve` starts one" if is_away else ""
        cause = self.without_secrets(cause)[:MAX_ERROR_CHARS]
        return ModelError(f"{self.said['model']}{where} gave no answer: {cause}{hint}")


async def _note_refusal(response: Any) -> None:
    """Keep a status that the client will wait out, for the error if the time is over meanwhile."""
    refusals = _refusals.get()
    if refusals is not None and response.status_code >= 400:
        refusals.append(response.status_code)


def _chat_client(model: str, settings: Mapping[str, Any]) -> Any:
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(model, **settings)
    except ImportError as error:
        raise MissingExtra(f"{model} needs a package of LangChain: {error}") from error
    except (ValueError, TypeError) as error:
        raise ExperimentError(f"LangChain cannot make the chat model {model!r}: {error}") from error


def _said(model: str, base_url: str, method: str, max_tokens: int, options: Mapping[str, Any]) -> JsonObject:
    """What may be written of a model: no user or query of its address, and only numbers of its options."""
    address = urlsplit(base_url)
    server = address._replace(netloc=address.netloc.rpartition("@")[2], query="", fragment="").geturl()
    numbers = {name: value for name, value in sorted(options.items()) if isinstance(value, int | float)}
    told: JsonObject = {"model": model, "server": server, "method": method, "max_tokens": max_tokens}
    return {**told, **numbers}


def _key(variable: str) -> str:
    if variable and not os.environ.get(variable):
        raise ExperimentError(f"api_key_env names {variable}, which is not set; export it first")
    return os.environ.get(variable, "") if variable else ""


def _counter(base_url: str, method: str, key: str) -> ServerTokens | None:
    """The server's own count, where it is llama.cpp's: only that takes a grammar of this form."""
    return ServerTokens(base_url, key=key) if base_url and method == "grammar" else None


def _check_method(method: str, known: tuple[str, ...]) -> None:
    if method not in known:
        raise unknown_name("method", method, known)
