"""The role `summarise`: the lesson of an episode (Reflexion, 2303.11366); the `Reflector` `llm`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embodied_mem.agent.beside_planner import BesidePlanner
from embodied_mem.contracts import Reflector
from embodied_mem.planners.llm.answers.answer_forms import FreeText
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.models.assembled import assembled
from embodied_mem.planners.llm.models.language_model import LanguageModel
from embodied_mem.planners.llm.roles.judge import episode_inputs, episode_place
from embodied_mem.planners.llm.roles.role import AskedRole
from embodied_mem.records import Experience, Kind, Outcome
from embodied_mem.records.episodes import THIS_EPISODE, Reflection, Trace
from embodied_mem.records.json_values import clean_text
from embodied_mem.records.situations import what_came_of
from embodied_mem.records.skills import SkillStatus

MAX_LESSON_CHARS = 400
MAX_CALLS = 20  # of the plan that a lesson keeps
LESSON = "lesson"  # key of a lesson's text in its metadata


class PlainReflector:
    """Without a model: the calls that failed with their reasons, in one sentence; nothing if none did.

    Args:
        only_failed: Whether won episodes give no lesson, as in Reflexion.
    """

    def __init__(self, *, only_failed: bool = False) -> None:
        self._only_failed = only_failed

    def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        """Return one lesson, or none."""
        text = "" if self._only_failed and outcome.is_success else failures_in_words(trace)
        return Reflection(experiences=(lesson_of(trace, outcome, text),) if text else ())


class ModelReflector(AskedRole):
    """A model's lesson from each episode; the plain one if its answer cannot be read.

    Args:
        model: See `AskedRole`, as all below but the last.
        template: Path of a `*.toml`.
        max_rounds: How often the model may answer anew.
        only_failed: Whether won episodes give no lesson, as in Reflexion.
    """

    role = "summarise"

    def __init__(self, model: LanguageModel, *, only_failed: bool = False, **options: Any) -> None:
        super().__init__(model, **options)
        self._only_failed = only_failed

    async def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        """Return one lesson; none where the episode never began, or was won and only failures count."""
        if not trace.calls or (self._only_failed and outcome.is_success):
            return Reflection()
        told = {"outcome": outcome.status.value, "why": outcome.explanation}
        inputs = {**episode_inputs(trace), **told}
        reply: Reply[str] = await self._ask(FreeText(MAX_LESSON_CHARS), inputs, episode_place(trace))
        text = reply.otherwise(failures_in_words(trace)).value
        return Reflection(
            experiences=(lesson_of(trace, outcome, clean_text(text)),) if text else (), cost=reply.cost
        )


def make_llm_reflector(
    *,
    llm: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    prices: str | None = None,
    budget: Mapping[str, Any] | None = None,
    beside_planner: bool = False,
    **options: Any,
) -> Reflector:
    """Make a reflector from its configuration; registered as `llm`.

    Args:
        llm: The model; see `assembled`, as the next three. None: the lesson that needs no model.
        folder: Where its calls are logged; None: nowhere.
        prices: Path of a table of prices.
        budget: What its calls may cost.
        beside_planner: Whether what the planner itself learnt is recorded, too.
        options: Keyword arguments of `ModelReflector`; without a model, of `PlainReflector`.
    """
    made: Reflector
    if llm is None:
        made = PlainReflector(**options)
    else:
        made = ModelReflector(assembled(llm, folder=folder, prices=prices, budget=budget), **options)
    return BesidePlanner(made) if beside_planner else made


def failures_in_words(trace: Trace) -> str:
    """The calls that failed, each once, in one sentence; empty if none did."""
    failed = [record for record in trace.calls if record.result.status is SkillStatus.FAILURE]
    told = dict.fromkeys(what_came_of(record).rstrip(".") for record in failed)
    return f"{'; '.join(told)}."[:MAX_LESSON_CHARS] if told else ""


def lesson_of(trace: Trace, outcome: Outcome, text: str) -> Experience:
    """A lesson as it is stored: recalled by task and first situation, told as what came of the calls."""
    return Experience(
        kind=Kind.LESSON,
        task=trace.task,
        state=trace.first_state,
        plan=tuple(record.call for record in trace.calls[:MAX_CALLS]),
        outcome=Outcome(status=outcome.status, explanation=text),
        metadata={LESSON: text},
        sources=(THIS_EPISODE,),  # so that a purge of the episode takes its lesson along
    )
