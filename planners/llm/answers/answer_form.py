"""`AnswerForm`: what an answer must look like: as a grammar, as a JSON schema, and read."""

from typing import Protocol, TypeVar

from embodied_mem.records.json_values import JsonObject

Value_co = TypeVar("Value_co", covariant=True)


class AnswerForm(Protocol[Value_co]):
    """A form of answers: `CallChoices` for plans, and those of `answer_forms.py`."""

    def grammar(self, *, lead: str = "") -> str:
        """Return a grammar in GBNF, the notation of llama.cpp.

        Args:
            lead: Text before the answer.
        """
        ...

    def schema(self) -> JsonObject:
        """Return the JSON schema of an object that `read` reads; its `title` names it."""
        ...

    def read(self, text: str) -> Value_co:
        """Read an answer: text as the grammar writes it, or an object of the schema.

        Raises:
            InvalidRecord: It has another form; the message says what is wrong.
        """
        ...
