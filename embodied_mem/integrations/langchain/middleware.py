"""`ExperienceMiddleware`: memory for an agent of `langchain.agents.create_agent`."""

import dataclasses
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NotRequired, TypeAlias, TypedDict, cast

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain.agents.middleware.types import PrivateStateAttr
from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.runtime import Runtime

from embodied_mem.agent.answers import answers_async, expect
from embodied_mem.integrations.langchain.agent_run import AgentRun, agent_run, experience_of, unverified
from embodied_mem.integrations.langchain.calls import (
    AnyMemory,
    arecall,
    arecord,
    called,
    check_memory,
    recall,
    record,
    waited_for,
)
from embodied_mem.integrations.langchain.data_block import data_block
from embodied_mem.records.argument_checks import check_type
from embodied_mem.records.experience import Outcome, Recalled
from embodied_mem.records.filters import EVERYTHING, Where
from embodied_mem.records.json_values import error_text
from embodied_mem.records.queries import Query

logger = logging.getLogger(__name__)

RunJudge: TypeAlias = Callable[[AgentRun], Outcome | Awaitable[Outcome]]


class Shown(TypedDict):
    """What the model is shown in one run: the block of data, and the ids of the experiences in it."""

    text: str
    ids: list[str]


class ExperienceState(AgentState[Any]):
    """The agent's state with what was recalled for the task at hand, hidden from input and output."""

    recalled_experiences: NotRequired[Annotated[Shown, PrivateStateAttr]]


class ExperienceMiddleware(AgentMiddleware[ExperienceState, Any]):
    """Recalls before the model, and records the run with its outcome after the agent.

    What is recalled for the user's last message stands at its head, in every call of the model, as a bounded
    block of JSON that is said to be data. It becomes no part of the conversation, and brings no tool. A run
    that ends becomes an experience: the message is the task, the calls of tools are the plan, the ids that
    were shown are `recalled`. A run that raises is not recorded.

    One instance serves many runs at once. An asynchronous memory or judge is awaited by `ainvoke`.

    Args:
        memory: The memory, plain or asynchronous.
        judge: Judges a run by evidence, and not by what the model says of it. None: the outcome is
            unverified. If it raises, the outcome is unverified and says so.
        k: Maximum number of experiences shown; those that share nothing with the task are left out.
        where: Only experiences that pass this filter are recalled.
        budget_tokens: Length limit of the block, at four characters a token.
        learn: Whether runs are recorded; False for an agent with a frozen memory.

    Raises:
        InvalidQuery: An argument is invalid.
    """

    # Quoted below: ModelRequest and ModelResponse take no type before langchain 1.2.
    state_schema = ExperienceState

    def __init__(
        self,
        memory: AnyMemory,
        *,
        judge: RunJudge | None = None,
        k: int = 3,
        where: Where = EVERYTHING,
        budget_tokens: int = 1_000,
        learn: bool = True,
    ) -> None:
        super().__init__()
        check_memory(memory)
        check_type("budget_tokens", budget_tokens, int, "a number of tokens")
        check_type("learn", learn, bool, "True or False")
        self.memory = memory
        self.judge: RunJudge = unverified if judge is None else judge
        self.budget_tokens, self.learn = budget_tokens, learn
        self._query = Query(k=k, where=where)

    def before_agent(self, state: ExperienceState, runtime: Runtime[Any]) -> dict[str, Any]:
        """Recall for the user's last message."""
        query = self._query_for(state)
        return self._to_show([] if query is None else recall(self.memory, query))

    async def abefore_agent(self, state: ExperienceState, runtime: Runtime[Any]) -> dict[str, Any]:
        """Recall for the user's last message."""
        query = self._query_for(state)
        return self._to_show([] if query is None else await arecall(self.memory, query))

    def wrap_model_call(
        self,
        request: "ModelRequest[Any]",
        handler: "Callable[[ModelRequest[Any]], ModelResponse[Any]]",
    ) -> "ModelResponse[Any]":
        """Show the model what was recalled."""
        return handler(_showing(request))

    async def awrap_model_call(
        self,
        request: "ModelRequest[Any]",
        handler: "Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]",
    ) -> "ModelResponse[Any]":
        """Show the model what was recalled."""
        return await handler(_showing(request))

    def after_agent(self, state: ExperienceState, runtime: Runtime[Any]) -> None:
        """Judge and record the run."""
        run = self._run_to_learn(state)
        if run is not None:
            try:
                outcome = expect(Outcome, waited_for(self.judge(run)), said_by="the judge")
            except Exception as error:  # of the user's own code
                outcome = _judge_failed(error)
            record(self.memory, experience_of(run, outcome))

    async def aafter_agent(self, state: ExperienceState, runtime: Runtime[Any]) -> None:
        """Judge and record the run."""
        run = self._run_to_learn(state)
        if run is not None:
            try:
                answer = await called(self.judge, run, is_async=answers_async(self, "judge"))
                outcome = expect(Outcome, answer, said_by="the judge")
            except Exception as error:  # of the user's own code
                outcome = _judge_failed(error)
            await arecord(self.memory, experience_of(run, outcome))

    def _query_for(self, state: ExperienceState) -> Query | None:
        run = agent_run(state["messages"])
        return None if run is None else dataclasses.replace(self._query, text=run.task)

    def _to_show(self, hits: Sequence[Recalled]) -> dict[str, Any]:
        block = data_block(hits, budget_tokens=self.budget_tokens)
        return {"recalled_experiences": Shown(text=block.text, ids=list(block.ids))}

    def _run_to_learn(self, state: ExperienceState) -> AgentRun | None:
        if not self.learn:
            return None
        shown = state.get("recalled_experiences")
        return agent_run(
            state["messages"],
            recalled=shown["ids"] if shown else (),
            is_structured=state.get("structured_response") is not None,
        )


def _showing(request: "ModelRequest[Any]") -> "ModelRequest[Any]":
    """Return the request with the block of data at the head of the user's last message."""
    shown = cast("ExperienceState", request.state).get("recalled_experiences")
    places = [place for place, each in enumerate(request.messages) if isinstance(each, HumanMessage)]
    if not shown or not shown["text"] or not places:
        return request
    messages = list(request.messages)
    messages[places[-1]] = _headed(messages[places[-1]], shown["text"])
    return request.override(messages=messages)


def _headed(message: AnyMessage, block: str) -> AnyMessage:
    # No message of its own: the chat templates of many local models refuse two of the user in a row.
    if isinstance(message.content, str):
        return message.model_copy(update={"content": f"{block}\n\n{message.content}"})
    return message.model_copy(update={"content": [{"type": "text", "text": block}, *message.content]})


def _judge_failed(error: Exception) -> Outcome:
    logger.warning("the judge failed, so the run is recorded as unverified: %s", error_text(error))
    return Outcome(explanation=f"the judge failed: {error_text(error)[:500]}")
