"""`Asking`: one decision while a model is asked, over all rounds: the plan so far, and what it cost."""

from dataclasses import dataclass, field

from embodied_mem.planners.llm.choices import CallChoices
from embodied_mem.planners.llm.language_model import Answer, Request
from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import Context
from embodied_mem.records.episodes import added_costs


@dataclass
class Asking:
    """What asking led to.

    Attributes:
        context: The decision.
        choices: The calls that can be chosen.
        plan: The calls of the last answer; empty if it could not be read.
        text: The last answer.
        failure: Why it could not be read.
        confidence: See `Answer.confidence`, of the last answer.
        shown: Ids of experiences that a prompt showed.
        cost: Sum over all rounds.
    """

    context: Context
    choices: CallChoices
    plan: tuple[SkillCall, ...] = ()
    text: str = ""
    failure: str = ""
    confidence: float | None = None
    shown: tuple[str, ...] = ()
    cost: dict[str, float] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Episode and decision."""
        return f"{self.context.episode}#{len(self.context.history)}"

    def took(self, request: Request, answer: Answer, shown: tuple[str, ...]) -> None:
        """Note an answer, and add up what was shown and what it cost."""
        self.text, self.confidence = answer.text, answer.confidence
        self.shown = tuple(dict.fromkeys((*self.shown, *shown)))
        new = {
            "model_calls": 1.0,
            "tokens_in": float(answer.tokens_in or 0),
            "tokens_out": float(answer.tokens_out or 0),
            "seconds": answer.seconds,
        }
        if answer.usd is not None:  # an unknown price is not 0
            new["usd"] = answer.usd
        if request.tokens_memory is not None:
            new["tokens_memory"] = float(request.tokens_memory)
        self.cost = added_costs(self.cost, new)
