"""Forms of answers that are no calls: a line of text, a verdict, and one of a list."""

import re
from dataclasses import dataclass

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.answers.answer_text import (
    LABEL,
    bare,
    check_at_least_one,
    object_of,
    object_schema,
    one_line,
    text_at,
)
from embodied_mem.planners.llm.answers.call_grammar import literal, rooted
from embodied_mem.records.json_values import JsonObject

CHARACTER = r"[^\x00-\x1F]"  # of a line
FIRST = r"[^ \x00-\x1F]"  # of a text, so that it is never blank


@dataclass(frozen=True, slots=True)
class FreeText:
    """One line of text.

    Attributes:
        max_chars: Its longest length, >= 1; what is longer is cut.
    """

    max_chars: int = 300

    def __post_init__(self) -> None:
        check_at_least_one(max_chars=self.max_chars)

    def grammar(self, *, lead: str = "") -> str:
        """One line that is not blank."""
        return rooted(_text(self.max_chars), lead=lead)

    def schema(self) -> JsonObject:
        """An object with a `text`."""
        return object_schema("text", {"text": _bounded(self.max_chars)})

    def read(self, text: str) -> str:
        """Return the text, its lines joined.

        Raises:
            InvalidRecord: It is blank, or an object without a text.
        """
        document = object_of(text)
        told = one_line(bare(text) if document is None else text_at(document, "text"))
        if not told:
            raise InvalidRecord("the answer is empty; expected a line of text")
        return told[: self.max_chars].rstrip()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether something is good, and why.

    Attributes:
        is_good: Whether it is.
        reason: Why; may be empty.
    """

    is_good: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word for good or bad and a reason: `success: the door is open`.

    Attributes:
        good: The word for good; neither is the beginning of the other.
        bad: The word for bad.
        max_chars: Longest reason, >= 1; what is longer is cut.
    """

    good: str = "success"
    bad: str = "failure"
    max_chars: int = 200

    def __post_init__(self) -> None:
        check_at_least_one(max_chars=self.max_chars)

    def grammar(self, *, lead: str = "") -> str:
        """The word, a colon, and the reason."""
        word = f"({literal(self.good)} | {literal(self.bad)})"
        return rooted(f'{word} ": " {_text(self.max_chars)}', lead=lead)

    def schema(self) -> JsonObject:
        """An object with a `verdict` and a `reason`; the reason first, so that it is thought of first."""
        verdict: JsonObject = {"enum": [self.good, self.bad]}
        return object_schema("verdict", {"reason": _bounded(self.max_chars), "verdict": verdict})

    def read(self, text: str) -> Judgement:
        """Return the verdict.

        Raises:
            InvalidRecord: It begins with neither word, or is an object with another verdict.
        """
        document = object_of(text)
        if document is not None:
            word, reason = text_at(document, "verdict"), str(document.get("reason") or "")
        else:
            word, reason = self._split(one_line(bare(text)))
        if word.casefold() not in (self.good.casefold(), self.bad.casefold()):
            raise InvalidRecord(
                f"the answer is {text[:200]!r}; expected {self.good!r} or {self.bad!r}, a colon and a reason"
            )
        is_good = word.casefold() == self.good.casefold()
        return Judgement(is_good, one_line(reason)[: self.max_chars].rstrip())

    def _split(self, line: str) -> tuple[str, str]:
        words = "|".join(map(re.escape, (self.good, self.bad)))
        for told in (line, LABEL.sub("", line)):  # `Verdict: success: ...` has a label before the word
            found = re.match(rf"(?i)\W*({words})\b[\W_]*", told)
            if found:
                return found[1], told[found.end() :]
        return "", ""


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some options, each a line of text.

    Attributes:
        options: The options, at least one; runs of white space count as one space.
    """

    options: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", tuple(dict.fromkeys(map(one_line, self.options))))
        if not self.options or "" in self.options:
            raise InvalidRecord(f"options is {self.options!r:.200}; expected at least one, none blank")

    def grammar(self, *, lead: str = "") -> str:
        """The options."""
        return rooted(f"({' | '.join(map(literal, self.options))})", lead=lead)

    def schema(self) -> JsonObject:
        """An object with a `choice`."""
        return object_schema("choice", {"choice": {"enum": list(self.options)}})

    def read(self, text: str) -> str:
        """Return the option as it is listed.

        Raises:
            InvalidRecord: It is none of them; the message lists them.
        """
        document = object_of(text)
        told = one_line(bare(text) if document is None else text_at(document, "choice"))
        by_text = {option.casefold(): option for option in reversed(self.options)}
        for wanted in (told, told.rstrip("."), LABEL.sub("", told), LABEL.sub("", told).rstrip(".")):
            if wanted in self.options:
                return wanted
            if wanted.casefold() in by_text:
                return by_text[wanted.casefold()]
        listed = ", ".join(self.options[:20])
        raise InvalidRecord(f"the answer is {told[:200]!r}; expected one of {listed}")


def _bounded(max_chars: int) -> JsonObject:
    """The schema of a text; the bound is told and not set, as some providers refuse `maxLength`."""
    return {"type": "string", "description": f"One line, at most {max_chars} characters."}


def _text(max_chars: int) -> str:
    """A rule for a text of at most so many characters that does not begin with a space."""
    return f"{FIRST} {CHARACTER}{{0,{max_chars - 1}}}"
