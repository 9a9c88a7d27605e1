"""Tools with which a model asks memory and, where that is wanted, records."""

from typing import Any, Literal

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, Field

from embodied_mem.integrations.langchain.agent_run import PLANNER, skill_call
from embodied_mem.integrations.langchain.calls import (
    AnyMemory,
    arecall,
    arecord,
    check_memory,
    recall,
    record,
)
from embodied_mem.integrations.langchain.data_block import NOTHING, data_block
from embodied_mem.records.experience import (
    FAILED,
    Experience,
    Origin,
    Outcome,
    Recalled,
    Receipt,
    Status,
    Task,
)
from embodied_mem.records.filters import EVERYTHING, In, Where, all_of
from embodied_mem.records.queries import Query

MAX_CHARS = 4_000  # of a text from a model
MAX_CALLS = 100

_STATUSES = {"success": (Status.SUCCESS.value,), "failure": tuple(status.value for status in FAILED)}


class RecallArguments(BaseModel):
    """Arguments of the tool `recall_experiences`."""

    task: str = Field(description="What is to be done, in words", max_length=MAX_CHARS)
    situation: str = Field("", description="What is the case now, in words", max_length=MAX_CHARS)
    outcome: Literal["any", "success", "failure"] = Field("any", description="How the attempts ended")
    k: int = Field(3, description="How many experiences at most", ge=1, le=10)


class Call(BaseModel):
    """One call of a skill."""

    skill: str = Field(description="Name of the skill or tool", max_length=200)
    arguments: dict[str, Any] = Field(default_factory=dict, description="Its arguments by name")


class RecordArguments(BaseModel):
    """Arguments of the tool `record_experience`."""

    task: str = Field(description="What was to be done, in words", min_length=1, max_length=MAX_CHARS)
    situation: str = Field("", description="What was the case before, in words", max_length=MAX_CHARS)
    calls: list[Call] = Field(
        default_factory=list, description="What was done, in order", max_length=MAX_CALLS
    )
    outcome: Literal["success", "failure"] = Field(description="Whether the task was done")
    explanation: str = Field("", description="The cause, if it failed", max_length=MAX_CHARS)


def experience_tools(
    memory: AnyMemory, *, records: bool = False, where: Where = EVERYTHING
) -> list[BaseTool]:
    """Return tools for an agent: `recall_experiences`, which only reads, and `record_experience` if wanted.

    Args:
        memory: The memory, plain or asynchronous.
        records: Whether the model may record, too.
        where: Only experiences that pass this filter are recalled.

    Raises:
        InvalidQuery: An argument is invalid.
    """
    tools: list[BaseTool] = [recall_tool(memory, where=where)]
    return [*tools, record_tool(memory)] if records else tools


def recall_tool(
    memory: AnyMemory, *, where: Where = EVERYTHING, budget_tokens: int = 1_000
) -> StructuredTool:
    """Return the tool `recall_experiences`; it answers with a bounded block of data.

    Args:
        memory: The memory.
        where: Only experiences that pass this filter are recalled, whatever the model asks.
        budget_tokens: Length limit of an answer, at four characters a token.
    """
    check_memory(memory)
    Query(where=where)  # checks it now, and not at the first call

    def asked(task: str, situation: str, outcome: str, k: int) -> Query:
        ended = In("outcome.status", _STATUSES[outcome]) if outcome in _STATUSES else EVERYTHING
        return Query(text=task, state=situation, where=all_of(where, ended), k=k)

    def answer(hits: list[Recalled]) -> str:
        return data_block(hits, budget_tokens=budget_tokens).text or NOTHING

    def run(task: str, situation: str = "", outcome: str = "any", k: int = 3) -> str:
        return answer(recall(memory, asked(task, situation, outcome, k)))

    async def arun(task: str, situation: str = "", outcome: str = "any", k: int = 3) -> str:
        return answer(await arecall(memory, asked(task, situation, outcome, k)))

    return StructuredTool.from_function(
        run,
        arun,
        name="recall_experiences",
        description="Recall what was tried in similar tasks and situations, and what came of it.",
        args_schema=RecallArguments,
    )


def record_tool(memory: AnyMemory) -> StructuredTool:
    """Return the tool `record_experience`.

    What the model says of the outcome is kept as `metadata.claimed`; the outcome itself is unverified,
    because nothing independent of the model has judged it.

    Args:
        memory: The memory.
    """
    check_memory(memory)

    def run(**arguments: Any) -> str:
        return _done(record(memory, _experience(RecordArguments(**arguments))))

    async def arun(**arguments: Any) -> str:
        return _done(await arecord(memory, _experience(RecordArguments(**arguments))))

    return StructuredTool.from_function(
        run,
        arun,
        name="record_experience",
        description="Record what was tried in a task and what came of it, for later attempts.",
        args_schema=RecordArguments,
    )


def _experience(given: RecordArguments) -> Experience:
    return Experience(
        task=Task(given.task),
        state=given.situation,
        plan=tuple(skill_call(call.skill, call.arguments) for call in given.calls),
        outcome=Outcome(explanation=given.explanation),
        origin=Origin(planner=PLANNER),
        metadata={"claimed": given.outcome},
    )


def _done(receipt: Receipt) -> str:
    return f"Recorded as {receipt.experience_id}."
