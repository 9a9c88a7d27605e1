"""`Triplets`: the form of answers that are facts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from embodied_mem.errors import InvalidRecord
from embodied_mem.facts import Triplet
from embodied_mem.planners.llm.answers.answer_text import (
    bare,
    check_at_least_one,
    object_of,
    object_schema,
    one_line,
)
from embodied_mem.planners.llm.answers.call_grammar import literal, rooted
from embodied_mem.records.json_values import JsonObject

PARTS = ("subject", "relation", "object")
PART = r"[^ ;:\x00-\x1F] [^;:\x00-\x1F]"  # a part: no `:`, which opens lines of prompts
MARK = re.compile(r"^\s*(?:[-*]|\d+[.)])\s+")  # of a line in a list
NOTHING = "none"  # how an empty list is written


@dataclass(frozen=True, slots=True)
class Triplets:
    """A list of facts, one a line: `subject; relation; object`; `none` if there is none.

    It is read line by line as `parse_triplets` reads a text; a text without any is refused with the reason.

    Attributes:
        max_triplets: Longest list, >= 1; what is longer is cut.
        max_chars: Longest part of a triplet, >= 1.
    """

    max_triplets: int = 20
    max_chars: int = 80

    def __post_init__(self) -> None:
        check_at_least_one(max_triplets=self.max_triplets, max_chars=self.max_chars)

    def grammar(self, *, lead: str = "") -> str:
        """Lines of three parts, without semicolons in them."""
        rules = {
            "triplet": 'part "; " part "; " part',
            "part": f"{PART}{{0,{self.max_chars - 1}}}",
        }
        more = f' ("\\n" triplet){{0,{self.max_triplets - 1}}}' if self.max_triplets > 1 else ""
        return rooted(f"({literal(NOTHING)} | triplet{more})", rules, lead=lead)

    def schema(self) -> JsonObject:
        """An object with `triplets`, each with `subject`, `relation` and `object`."""
        triplet: JsonObject = {
            "type": "object",
            "properties": {name: {"type": "string"} for name in PARTS},
            "required": list(PARTS),
            "additionalProperties": False,
        }
        listed: JsonObject = {"type": "array", "items": triplet, "maxItems": self.max_triplets}
        return object_schema("triplets", {"triplets": listed})

    def read(self, text: str) -> tuple[Triplet, ...]:
        """Return the triplets, each once; of text, lines that are none are taken for talk if one is.

        Raises:
            InvalidRecord: No line is a triplet, nor is it `none`.
        """
        document = object_of(text)
        found = self._of_lines(bare(text)) if document is None else self._of_document(document)
        return tuple(dict.fromkeys(found))[: self.max_triplets]

    def _of_document(self, document: JsonObject) -> list[Triplet]:
        listed = document.get("triplets")
        if not isinstance(listed, list):
            raise InvalidRecord(f"the answer is {document!r:.200}; expected an object with triplets")
        parts = ([each.get(name) if isinstance(each, dict) else None for name in PARTS] for each in listed)
        return [self._triplet(told, each) for told, each in zip(parts, listed, strict=True)]

    def _of_lines(self, text: str) -> list[Triplet]:
        found = []
        failure = InvalidRecord("the answer is empty; expected triplets, or none")
        for line in filter(str.strip, text.split("\n")):
            told = MARK.sub("", line).strip(" `.")
            if told.startswith("(") and told.endswith(")"):
                told = told[1:-1]
            try:
                found.append(self._triplet(told.split(";"), line))
            except InvalidRecord as error:
                failure = error
        if not found and one_line(text).strip(" `.").casefold() != NOTHING:
            raise failure
        return found

    def _triplet(self, parts: Sequence[object], given: object) -> Triplet:
        told = [one_line(part)[: self.max_chars] if isinstance(part, str) else "" for part in parts]
        try:
            return Triplet(*told)
        except (InvalidRecord, TypeError):  # a part that is no name, or too many or few of them
            raise InvalidRecord(f"{given!r:.200} is no triplet; expected subject; relation; object") from None
