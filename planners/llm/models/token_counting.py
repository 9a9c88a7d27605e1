"""`TokenCounter`: how many tokens a text has, by the server, by a tokenizer on disk, or at most."""

import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from embodied_mem.errors import ExperimentError, ModelError, unknown_name
from embodied_mem.optional import require
from embodied_mem.planners.llm.models.http_client import http_client

SPECIAL_TOKENS = 2  # the mark of the beginning, and the space that some tokenizers put before a text
MAX_ERROR_CHARS = 300


@runtime_checkable
class TokenCounter(Protocol):
    """Counts the tokens of a text as a model reads it, and never too few.

    Attributes:
        name: How it counts: `server`, `file`, `estimate`, or a name of yours.
    """

    name: str

    async def count(self, text: str) -> int:
        """Number of tokens, the mark of the beginning included.

        Raises:
            ModelError: The server did not count.
        """
        ...


class EstimatedTokens:
    """An upper bound, where neither a server nor a tokenizer counts: one token for each byte of UTF-8.

    Every token of a byte-level BPE (GPT, Llama 3, SmolLM2) and of a SentencePiece model with byte fallback
    (Llama 2, Gemma) stands for at least one byte of its text, and every token of a WordPiece (BERT) for at
    least one character. Tokenizers that normalise read NFKC, which can be longer; the longer of the two
    counts. English has about four bytes a token, so this counts about four times too many.
    """

    name = "estimate"

    async def count(self, text: str) -> int:
        """The bound; costs no request."""
        return at_most(text)


class FileTokens:
    """Counts by a tokenizer on disk, in the `tokenizer.json` form of Hugging Face; nothing is downloaded.

    Args:
        path: The file; it comes with the model.

    Raises:
        MissingExtra: The package tokenizers is not installed.
        ExperimentError: The file cannot be read, or is no tokenizer.
    """

    name = "file"

    def __init__(self, path: str | Path) -> None:
        tokenizers = require("tokenizers", extra="tokens")
        try:
            self._tokenizer = tokenizers.Tokenizer.from_str(Path(path).read_text("utf-8"))
        except Exception as error:  # tokenizers raises bare Exceptions
            raise ExperimentError(
                f"tokenizer {path} cannot be read: {str(error)[:MAX_ERROR_CHARS]}; expected a tokenizer.json"
            ) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    async def count(self, text: str) -> int:
        """Number of tokens, special ones included."""
        return len(self._tokenizer.encode(text).ids)


class ServerTokens:
    """Counts by `/tokenize` of a llama.cpp server.

    Args:
        base_url: The server's address, such as `http://127.0.0.1:8080/v1`.
        key: The server's key; empty: none.
        timeout_s: Longest wait for a count.
    """

    name = "server"

    def __init__(self, base_url: str, *, key: str = "", timeout_s: float = 30.0) -> None:
        self._url = f"{base_url.rstrip('/').removesuffix('/v1')}/tokenize"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout_s = timeout_s
        self._client: Any = None

    async def count(self, text: str) -> int:
        """Number of tokens, as the server reads them; see `TokenCounter`."""
        self._client = self._client or http_client()  # costs tens of milliseconds, and is often not needed
        body = {"content": text, "add_special": True, "parse_special": False}
        try:
            reply = await self._client.post(
                self._url, json=body, headers=self._headers, timeout=self._timeout_s
            )
            reply.raise_for_status()
            return len(reply.json()["tokens"])
        except Exception as error:  # of httpx, of JSON, of a wrong shape
            status = getattr(getattr(error, "response", None), "status_code", "")
            cause = f"{type(error).__name__} {status}".strip()  # its text may hold a password of the address
            raise ModelError(
                f"the server counted no tokens ({cause}); it needs llama.cpp's /tokenize, else set "
                "tokens={name: file, path: tokenizer.json} or tokens={name: estimate}"
            ) from None


COUNTERS: Mapping[str, Callable[..., TokenCounter]] = {
    "estimate": EstimatedTokens,
    "file": FileTokens,
    "server": ServerTokens,
}


def make_counter(name: str = "", **options: Any) -> TokenCounter:
    """Make a counter from its configuration.

    Args:
        name: `server` (`base_url`), `file` (`path`) or `estimate`.
        options: Keyword arguments of its class.

    Raises:
        UnknownName: There is no such counter.
        ExperimentError: It rejects the options, or they hold a key, which would be written to disk.
    """
    if name not in COUNTERS:
        raise unknown_name("counter of tokens", name, COUNTERS)
    if "key" in options:
        raise ExperimentError("key would be stored with the run; a model that is served counts with its own")
    try:
        return COUNTERS[name](**options)
    except TypeError as error:
        raise ExperimentError(f"the counter {name!r} cannot be made with {options}: {error}") from None


def counter_of(model: object) -> TokenCounter | None:
    """The counter that a model brings as `token_counter`; None if it brings none."""
    counter = getattr(model, "token_counter", None)
    return counter if isinstance(counter, TokenCounter) else None


def at_most(text: str) -> int:
    """Most tokens that a text can have; see `EstimatedTokens`."""
    n_bytes = len(text.encode("utf-8", "surrogatepass"))
    if n_bytes != len(text):  # NFKC leaves ASCII as it is
        normalised = unicodedata.normalize("NFKC", text)
        n_bytes = max(n_bytes, len(normalised.encode("utf-8", "surrogatepass")))
    return n_bytes + SPECIAL_TOKENS
