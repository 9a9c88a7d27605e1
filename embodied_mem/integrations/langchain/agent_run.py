"""What an agent of LangChain did with one task, read from its messages, and the experience it makes."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.experience import Experience, Origin, Outcome, SkillCall, Task
from embodied_mem.records.json_values import JsonObject, clean_text, to_json_object

PLANNER = "langchain"
MAX_ERRORS, MAX_ERROR_CHARS = 8, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRun:
    """One task of an agent, from the user's message to the answer.

    Attributes:
        task: The user's last message.
        messages: The messages after it.
        recalled: Ids of the experiences that the model was shown.
        answer_call: Id of the call by which the model gave a structured answer; empty if it gave none.
    """

    task: str
    messages: tuple[AnyMessage, ...]
    recalled: tuple[str, ...] = ()
    answer_call: str = ""

    @property
    def plan(self) -> tuple[SkillCall, ...]:
        """The calls of tools in the order in which the model made them, whatever came of them."""
        calls = (call for call in self._calls if not self._is_answer(call))
        return tuple(skill_call(call["name"], call["args"]) for call in calls)

    @property
    def errors(self) -> tuple[str, ...]:
        """What the tools that failed said, such as `open: the door is locked`."""
        failed = (each for each in self.messages if isinstance(each, ToolMessage) and each.status == "error")
        return tuple(clean_text(f"{each.name}: {each.text}")[:MAX_ERROR_CHARS] for each in failed)

    @property
    def answer(self) -> str:
        """The model's last words, or its structured answer as JSON."""
        for call in filter(self._is_answer, self._calls):
            return json.dumps(_as_json(call["args"]), ensure_ascii=False)
        return clean_text(self._said[-1].text) if self._said else ""

    @property
    def tokens(self) -> int:
        """Tokens of all calls of the model; 0 if it does not count them."""
        return sum(each.usage_metadata["total_tokens"] for each in self._said if each.usage_metadata)

    @property
    def model(self) -> str:
        """Name of the model, if it tells."""
        names = (each.response_metadata.get("model_name") for each in self._said)
        return next((clean_text(name) for name in names if name), "")

    @property
    def _calls(self) -> list[ToolCall]:
        return [call for each in self._said for call in each.tool_calls]

    def _is_answer(self, call: ToolCall) -> bool:
        return bool(self.answer_call) and call["id"] == self.answer_call

    @property
    def _said(self) -> list[AIMessage]:
        return [each for each in self.messages if isinstance(each, AIMessage)]


def agent_run(
    messages: Sequence[AnyMessage], *, recalled: Sequence[str] = (), is_structured: bool = False
) -> AgentRun | None:
    """Return the run since the user's last message; None if there is no such message or it has no text.

    Args:
        messages: The conversation.
        recalled: Ids of the experiences that the model was shown.
        is_structured: Whether the agent has a structured answer. If a tool's message comes last, then a
            call gave it, and that call is no part of the plan.
    """
    places = [place for place, each in enumerate(messages) if isinstance(each, HumanMessage)]
    if not places or not (task := clean_text(messages[places[-1]].text).strip()):
        return None
    last = messages[-1]
    return AgentRun(
        task=task,
        messages=tuple(messages[places[-1] + 1 :]),
        recalled=tuple(recalled),
        answer_call=last.tool_call_id if is_structured and isinstance(last, ToolMessage) else "",
    )


def unverified(run: AgentRun) -> Outcome:
    """The outcome where nobody judges: unverified; what failed on the way is its explanation."""
    return Outcome(explanation="; ".join(run.errors[:MAX_ERRORS]))


def experience_of(run: AgentRun, outcome: Outcome) -> Experience:
    """Return the run as an experience; its tokens are added to the costs of the outcome."""
    cost = dict(outcome.cost)
    if run.tokens:
        cost["tokens"] = cost.get("tokens", 0.0) + run.tokens
    steps = len(run.plan) if outcome.steps is None else outcome.steps
    return Experience(
        task=Task(run.task),
        plan=run.plan,
        outcome=dataclasses.replace(outcome, steps=steps, cost=cost),
        state_after=run.answer,
        recalled=run.recalled,
        origin=Origin(planner=PLANNER, model=run.model),
    )


def skill_call(name: str, arguments: Mapping[str, Any]) -> SkillCall:
    """Return a model's call of a tool; arguments that JSON cannot hold are kept as text."""
    return SkillCall(clean_text(name), _as_json(arguments))


def _as_json(arguments: Mapping[str, Any]) -> JsonObject:
    try:
        clean = json.loads(clean_text(json.dumps(arguments, ensure_ascii=False)))
        return to_json_object(clean, field="arguments")
    except (InvalidRecord, TypeError, ValueError, RecursionError):
        return {"unreadable": clean_text(repr(arguments))[:MAX_ERROR_CHARS]}
