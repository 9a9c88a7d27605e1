"""What the forms of answers share: reading an answer as JSON or as plain text."""

import json
import re

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.json_values import JsonObject, clean_text

LABEL = re.compile(r"^\s*(?:[-*]|\d+[.)])?\s*(?:\w+:)?\s*")  # of a line: "1. ", "- ", "Call: "
MAX_ANSWER_CHARS = 10_000  # what is read of an answer; a hostile server may send any number
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def one_line(text: str) -> str:
    """The text with each run of white space and control characters as one space."""
    return " ".join(CONTROL.sub(" ", text).split())


def bare(text: str) -> str:
    """The text as far as it is read, without the marks of a code block around it."""
    text = text[:MAX_ANSWER_CHARS].strip()
    return text.removeprefix("```json").removeprefix("```").removesuffix("```").strip()


def object_of(text: str) -> JsonObject | None:
    """The JSON object that an answer is; None if it is text.

    Raises:
        InvalidRecord: It begins like an object and is no JSON.
    """
    text = bare(text)
    if not text.startswith("{"):
        return None
    try:
        document: JsonObject = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRecord(f"the answer is no JSON, maybe cut short: {text[:200]!r}") from None
    return document


def text_at(document: JsonObject, name: str) -> str:
    """The text under a key.

    Raises:
        InvalidRecord: There is none.
    """
    value = document.get(name)
    if not isinstance(value, str):
        raise InvalidRecord(f"the answer is {document!r:.200}; expected an object with a text as {name}")
    return clean_text(value)


def object_schema(title: str, properties: JsonObject) -> JsonObject:
    """The JSON schema of an object with exactly these properties."""
    return {
        "title": title,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def check_at_least_one(**settings: int) -> None:
    """Reject a setting that is no integer of at least 1.

    Raises:
        InvalidRecord: One is not; the message names it.
    """
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidRecord(f"{name} is {value!r}; expected an integer of at least 1")
