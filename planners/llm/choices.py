"""`CallChoices`: the calls a model may choose from, as a grammar or JSON schema, and read from its answer."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.records import SkillCall
from embodied_mem.records.json_values import JsonObject, JsonValue
from embodied_mem.records.legal_calls import call_schema, calls_of, parse_call
from embodied_mem.records.skills import Parameter, Skill, check_call

FREE_TEXT = r'[^(),\n"]+'  # of a grammar: an argument with no choices
LABEL = re.compile(r"^\s*(?:[-*]|\d+[.)])?\s*(?:\w+:)?\s*")  # of a line: "1. ", "- ", "Call: "
NUMBER = r'"-"? [0-9]+ ("." [0-9]+)?'


@dataclass(frozen=True, slots=True)
class CallChoices:
    """The calls that can be made now, without those that were refused.

    Attributes:
        skills: The skills that can be called now.
        refused: Calls that may not be chosen, such as those already made in this very situation.
        max_calls: The longest plan, >= 1; a plan is one call a line.
    """

    skills: tuple[Skill, ...]
    refused: frozenset[SkillCall] = frozenset()
    max_calls: int = 1

    @classmethod
    def of(
        cls, skills: Sequence[Skill], refused: Iterable[SkillCall] = (), *, max_calls: int = 1
    ) -> "CallChoices":
        """Leave out every skill with no call left."""
        refused = frozenset(refused)
        narrowed = (_narrowed(skill, refused) for skill in skills)
        return cls(tuple(skill for skill in narrowed if skill is not None), refused, max_calls)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to choose from."""
        return not self.skills

    def calls(self) -> Iterator[SkillCall]:
        """Every call that can be chosen, as far as the choices of its arguments are listed."""
        for skill in self.skills:
            for call in calls_of(skill):
                if call not in self.refused:
                    yield call

    def grammar(self, *, lead: str = "") -> str:
        """Return a grammar in GBNF, the notation of llama.cpp: one call a line.

        It is written by skill and argument, because a flat list of all calls is slow to sample from.

        Args:
            lead: Text before the first call.
        """
        first = f"{_literal(lead)} call" if lead else "call"
        more = f' ("\\n" call){{0,{self.max_calls - 1}}}' if self.max_calls > 1 else ""
        return "\n".join([f"root ::= {first}{more}", *_Grammar(self).lines()]) + "\n"

    def schema(self) -> JsonObject:
        """Return the JSON schema of an object whose `plan` is a list of calls; `read_json` reads it."""
        plan = {key: value for key, value in call_schema(self.skills).items() if key != "$schema"}
        return {
            "title": "plan",
            "description": "The calls to make, in order.",
            "type": "object",
            "properties": {"plan": {**plan, "minItems": 1, "maxItems": self.max_calls}},
            "required": ["plan"],
            "additionalProperties": False,
        }

    def read(self, text: str) -> tuple[SkillCall, ...]:
        """Read a plan from an answer: an object of the form of `schema`, or text with one call a line.

        Of text, lines that are no call are taken for talk, as long as one is.

        Raises:
            InvalidRecord: It holds no call that can be made now, or the first may not be chosen.
        """
        stripped = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
        return self._allowed(
            self._of_json(stripped) if stripped.startswith("{") else self._of_lines(stripped)
        )

    def _of_json(self, text: str) -> list[SkillCall]:
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidRecord(f"the answer is no JSON, maybe cut short: {text[:200]!r}") from None
        plan = answer.get("plan") if isinstance(answer, dict) else None
        if not isinstance(plan, list):
            raise InvalidRecord(f"the answer is {text[:200]!r}; expected an object with a plan")
        return [self._possible(_call_from(each)) for each in plan]

    def _of_lines(self, text: str) -> list[SkillCall]:
        lines = [LABEL.sub("", line).strip(" `") for line in text.splitlines() if line.strip()]
        calls, failure = [], InvalidRecord("the answer is empty; expected a call")
        for line in reversed(lines):
            try:
                calls.append(parse_call(line, self.skills))
            except (InvalidRecord, UnknownName) as error:
                failure = InvalidRecord(str(error))
        if not calls:
            raise failure
        return calls[::-1]

    def _possible(self, call: SkillCall) -> SkillCall:
        try:
            check_call(call, self.skills)
        except UnknownName as error:
            raise InvalidRecord(str(error)) from None
        return call

    def _allowed(self, calls: list[SkillCall]) -> tuple[SkillCall, ...]:
        """The plan, no longer than allowed."""
        if not calls:
            raise InvalidRecord("the plan is empty; expected at least one call")
        if calls[0] in self.refused:
            raise InvalidRecord(f"{calls[0]} was made in this situation already; choose another call")
        return tuple(calls[: self.max_calls])


class _Grammar:
    """The rules of a grammar; equal lists of choices share a rule."""

    def __init__(self, choices: CallChoices) -> None:
        self._names: dict[str, str] = {}  # body -> name
        alternatives = [self._call(skill, choices.refused) for skill in choices.skills]
        self._root = " | ".join(alternatives)

    def lines(self) -> list[str]:
        return [f"call ::= {self._root}", *(f"{name} ::= {body}" for body, name in self._names.items())]

    def _call(self, skill: Skill, refused: frozenset[SkillCall]) -> str:
        if len(skill.parameters) > 1 and any(call.name == skill.name for call in refused):
            return self._rule(_alternatives(_literal(str(c)) for c in calls_of(skill) if c not in refused))
        arguments = ' ", " '.join(self._value(parameter) for parameter in skill.parameters)
        return f"{_literal(skill.name + '(')} {arguments} {_literal(')')}".replace("  ", " ")

    def _value(self, parameter: Parameter) -> str:
        if parameter.choices:
            return self._rule(_alternatives(_literal(_argument(value)) for value in parameter.choices))
        return self._rule(NUMBER if parameter.type == "number" else FREE_TEXT)

    def _rule(self, body: str) -> str:
        return self._names.setdefault(body, f"r{len(self._names)}")


def _narrowed(skill: Skill, refused: frozenset[SkillCall]) -> Skill | None:
    """The skill without choices that were refused; None if no call of it is left."""
    if not any(call.name == skill.name for call in refused) or not all(p.choices for p in skill.parameters):
        return skill
    left = [call for call in calls_of(skill) if call not in refused]
    if not left:
        return None
    if len(skill.parameters) != 1:
        return skill
    [parameter] = skill.parameters
    choices = tuple(call.arguments[parameter.name] for call in left)
    return replace(skill, parameters=(replace(parameter, choices=choices),))


def _alternatives(literals: Iterable[str]) -> str:
    return " | ".join(literals)


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _argument(value: JsonValue) -> str:
    """A value as `str(SkillCall)` writes it."""
    return str(SkillCall("", {"": value}))[1:-1]


def _call_from(document: object) -> SkillCall:
    if not isinstance(document, dict) or not set(document) <= {"name", "arguments", "count"}:
        raise InvalidRecord(
            f"{json.dumps(document, default=str)[:200]} is no call; expected name and arguments"
        )
    try:
        return SkillCall(**document)
    except TypeError as error:
        raise InvalidRecord(f"{json.dumps(document, default=str)[:200]} is no call: {error}") from None
