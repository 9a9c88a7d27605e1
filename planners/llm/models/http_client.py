"""`http_client`: the HTTP client of served models."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from embodied_mem.optional import require


def http_client(hooks: Sequence[Callable[[Any], Awaitable[None]]] = ()) -> Any:
    """A client whose connections end with their request.

    Args:
        hooks: Called with each response.

    A connection that is kept belongs to the event loop it was opened in: in a second `asyncio.run` its next
    request fails with "Event loop is closed", and nobody closes it.
    """
    httpx = require("httpx", extra="llm")
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncClient(limits=limits, follow_redirects=True, event_hooks={"response": [*hooks]})
