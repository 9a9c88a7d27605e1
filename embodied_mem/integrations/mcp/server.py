"""`make_server`: a memory as an MCP server, read-only unless asked otherwise."""

import functools
from collections.abc import Callable
from typing import Annotated, ParamSpec, TypeAlias

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from embodied_mem.contracts import Embedder
from embodied_mem.errors import EmbodiedMemError, unknown_name
from embodied_mem.integrations.mcp import answers
from embodied_mem.records.experience import Experience, Origin, Outcome, Scope, Status, Task
from embodied_mem.records.filters import where
from embodied_mem.records.queries import Query
from embodied_mem.store.memory_store import MemoryStore

P = ParamSpec("P")

MAX_HITS = 20
MAX_GIVEN = 20_000  # characters of a text that a client gives

Text: TypeAlias = Annotated[str, Field(max_length=MAX_GIVEN)]
Hits: TypeAlias = Annotated[int, Field(ge=1, le=MAX_HITS, description="how many to return at most")]

READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
INSTRUCTIONS = f"Experience memory of embodied agents: what was tried, and what came of it. {answers.DATA}"


def make_server(
    store: MemoryStore, *, embedder: Embedder[str] | None = None, write: bool = False
) -> MCPServer:
    """Return a server with the tools `recall`, `get` and `contents`, and `record` if it may write.

    No tool takes a path or reads an attachment, so a client reaches this store and nothing else. Answers are
    JSON of at most 40,000 characters, marked as data.

    Args:
        store: The opened store, read-only if `write` is False; the caller closes it.
        embedder: The embedder of the store, if it has one; None compares words.
        write: Whether a client may record.
    """
    server = MCPServer("embodied-mem", instructions=INSTRUCTIONS, log_level="WARNING")
    _add_reading(server, store, embedder)
    if write:
        _add_writing(server, store, embedder)
    return server


def _answering(tool: Callable[P, str]) -> Callable[P, str]:
    """Return a tool whose errors of this library reach the client in words; others are only logged."""

    @functools.wraps(tool)
    def answer(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            return tool(*args, **kwargs)
        except EmbodiedMemError as error:
            raise ToolError(str(error)) from error

    return answer


def _add_reading(server: MCPServer, store: MemoryStore, embedder: Embedder[str] | None) -> None:
    memory = store.memory("frozen", embedder=embedder)

    @server.tool(annotations=READS, structured_output=False)
    @_answering
    def recall(
        text: Text, k: Hits = 5, kind: Text = "", outcome: Text = "", place: Text = "", agent: Text = ""
    ) -> str:
        """Recall the experiences most similar to a text (a task or situation), best first.

        `kind`, `outcome` (such as success or failure), `place` and `agent` leave out all others; `contents`
        lists them.
        """
        named = {"kind": kind, "outcome": outcome, "scope__place": place, "scope__agent": agent}
        conditions = where(**{name: value for name, value in named.items() if value})
        return answers.recalled(memory.recall(Query(text=text, k=k, where=conditions)))

    @server.tool(annotations=READS, structured_output=False)
    @_answering
    def get(id: Text) -> str:
        """Return one experience by its id, as `recall` gives it."""
        return answers.experience(store.get(id))

    @server.tool(annotations=READS, structured_output=False)
    @_answering
    def contents() -> str:
        """List the kinds, outcomes and scopes of the experiences in this memory, with their counts."""
        return answers.contents(store.experiences())


def _add_writing(server: MCPServer, store: MemoryStore, embedder: Embedder[str] | None) -> None:
    memory = store.memory(embedder=embedder)

    @server.tool(annotations=ADDS, structured_output=False)
    @_answering
    def record(
        task: Text,
        state: Text = "",
        outcome: Text = Status.UNVERIFIED.value,
        explanation: Text = "",
        kind: Text = "note",
        place: Text = "",
        agent: Text = "",
    ) -> str:
        """Record an experience: the task, what was seen before, how it ended (`outcome`) and why.

        `outcome` is success, failure, timeout, truncated, cancelled or unverified (not judged by anybody).
        """
        if outcome not in tuple(Status):
            raise unknown_name("outcome", outcome, Status)
        given = Experience(
            task=Task(task),
            state=state,
            outcome=Outcome(status=Status(outcome), explanation=explanation),
            kind=kind,
            scope=Scope(place=place, agent=agent),
            origin=Origin(planner="mcp"),  # the client's own word: nothing else has judged it
        )
        return f"recorded as {memory.record(given).experience_id}"
