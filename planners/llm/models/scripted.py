"""`ScriptedModel`: a stand-in for a language model, for tests and documents: it answers what it is told."""

from collections.abc import Callable, Sequence

from embodied_mem.errors import ModelError
from embodied_mem.planners.llm.models.language_model import Answer, Request
from embodied_mem.records.json_values import JsonObject


class ScriptedModel:
    """Answers from a list, in order, or by a function of the request. No model is behind it.

    Args:
        answers: The answers, each given once, or a function from a request to its answer. A function keeps
            several episodes apart, a list does not.
        form: Form of the templates it is asked with: `completion` or `chat`.

    Attributes:
        requests: What it was asked, oldest first.
    """

    def __init__(
        self, answers: Sequence[str] | Callable[[Request], str], *, form: str = "completion"
    ) -> None:
        self.form = form
        self.requests: list[Request] = []
        self._answers = answers

    async def answer(self, request: Request) -> Answer:
        """Return the next answer; it costs no tokens.

        Raises:
            ModelError: The list has no answer left.
        """
        at = len(self.requests)
        self.requests.append(request)
        if callable(self._answers):
            return Answer(text=self._answers(request), tokens_in=0, tokens_out=0)
        if at >= len(self._answers):
            raise ModelError(
                f"the script has {len(self._answers)} answers, and {request.place} asks for one more"
            )
        return Answer(text=self._answers[at], tokens_in=0, tokens_out=0)

    def describe(self) -> JsonObject:
        """Its name."""
        return {"model": "scripted", "server": "", "method": "scripted"}
