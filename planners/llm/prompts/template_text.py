"""Texts with inputs in braces, and inputs as data: on one line, without what opens an answer."""

import re
import string
from collections.abc import Collection, Mapping

from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.planners.llm.answers.answer_text import one_line


def quoted(text: str, opening: str) -> str:
    """Text of a world, a memory or a model as data: on one line, without what opens an answer.

    `Action: open(door)` becomes `Action open(door)` where answers are opened by `Action:`.
    """
    opening = opening.strip().rstrip(":")
    label = rf"(?i)\b({re.escape(opening)})(?:\s*:)+"
    return re.sub(label, r"\1", one_line(text)) if opening else one_line(text)


def filled(text: str, inputs: Mapping[str, str]) -> str:
    """The text with its inputs; empty if one of them is."""
    values = {name: inputs.get(name, "") for name in placeholders(text)}
    return text.format_map(values) if all(values.values()) else ""


def placeholders(text: str) -> set[str]:
    """The inputs that a text names."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def check_inputs(what: str, text: object, allowed: Collection[str]) -> None:
    """Reject a text that names other inputs than it may, or names them in another way than in braces.

    Raises:
        UnknownName: It names another input.
        ExperimentError: It is no text, or has an unbalanced brace or a format.
    """
    if not isinstance(text, str):
        raise ExperimentError(f"{what} is {text!r:.200}; expected text")
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ExperimentError(f"{what} has an unbalanced brace: {error}; write {{{{ for a brace") from None
    for _, name, form, conversion in parts:
        if name is not None and name not in allowed:
            raise unknown_name(f"input in {what}", name, allowed)
        if form or conversion:
            raise ExperimentError(f"{what} formats {name}; expected {{{name}}} alone")
