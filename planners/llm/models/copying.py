"""`CopyModel`: no model; the best experience's call as it is, the control that a model has to beat."""

import zlib
from collections.abc import Sequence

from embodied_mem.planners.grounding import words
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.models.language_model import Answer, Request
from embodied_mem.records import SkillCall
from embodied_mem.records.json_values import JsonObject


class CopyModel:
    """Answers with the call of the most similar experience, if it can be made now.

    Else it takes the call of that skill whose arguments share most words with it. Without an experience, or
    where no call of its skill is left, it takes the next best one, and at last any call, drawn by the prompt.

    Args:
        form: Form of the templates it is asked with, for dry runs: `completion` or `chat`.
    """

    def __init__(self, *, form: str = "completion") -> None:
        self.form = form

    async def answer(self, request: Request) -> Answer:
        """Return the call; it costs no tokens."""
        if not isinstance(request.choices, CallChoices):
            return Answer(text="")  # it has calls only; whoever asks for words does without a model
        possible = list(request.choices.calls())
        for hit in reversed(request.examples):
            for wanted in hit.experience.plan[:1]:
                found = nearest_call(possible, wanted)
                if found is not None:
                    return _told(found)
        draw = zlib.crc32(request.prompt.user.encode())
        return _told(possible[draw % len(possible)]) if possible else Answer(text="")

    def describe(self) -> JsonObject:
        """Its name."""
        return {"model": "copy", "server": "", "method": "copy"}


def nearest_call(possible: Sequence[SkillCall], wanted: SkillCall) -> SkillCall | None:
    """The call of the wanted skill whose arguments share most words with the wanted; None without one."""
    found = [call for call in possible if call.name == wanted.name]
    return max(found, key=lambda call: _shared(call, wanted), default=None)


def _told(call: SkillCall) -> Answer:
    return Answer(text=str(call), tokens_in=0, tokens_out=0)


def _shared(call: SkillCall, wanted: SkillCall) -> tuple[bool, int]:
    """Whether the calls are equal, and the number of words that their arguments share, in their places."""
    pairs = zip(call.arguments.values(), wanted.arguments.values(), strict=False)
    return call == wanted, sum(len(set(words(str(a))) & set(words(str(b)))) for a, b in pairs)
