"""`CallChoices`: the calls a model may choose from, as a grammar or JSON schema, and read from its answer."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.planners.llm.answers.answer_text import LABEL, MAX_ANSWER_CHARS, bare, object_of
from embodied_mem.planners.llm.answers.call_grammar import call_grammar
from embodied_mem.records import SkillCall
from embodied_mem.records.json_values import JsonObject, JsonValue, canonical
from embodied_mem.records.legal_calls import call_schema, calls_of, parse_call
from embodied_mem.records.skills import Parameter, Skill, check_call

__all__ = ["MAX_ANSWER_CHARS", "CallChoices"]


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
        """The choices among the calls of these skills; see the attributes.

        Where other skills can be called, one whose argument is a thing but lists none is left out: nothing
        that fits is known yet, and a model would make one up.
        """
        known = [skill for skill in skills if not any(p.is_open and not p.choices for p in skill.parameters)]
        return cls(tuple(known or skills), frozenset(replace(call, count=1) for call in refused), max_calls)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to choose from."""
        return not self.offered()

    def calls(self) -> Iterator[SkillCall]:
        """Every call that can be chosen, as far as the choices of its arguments are listed."""
        for skill in self.skills:
            for call in calls_of(skill):
                if call not in self.refused:
                    yield call

    def offered(self) -> tuple[Skill, ...]:
        """The same as skills whose arguments can be combined freely: a skill may come more than once.

        Of an argument that lists choices and takes other values too, only the choices are offered.
        """
        return tuple(part for skill in self.skills for part in _without(skill, self.refused))

    def grammar(self, *, lead: str = "") -> str:
        """Return a grammar in GBNF, the notation of llama.cpp: one call a line.

        Args:
            lead: Text before the first call.
        """
        return call_grammar(self.offered(), max_calls=self.max_calls, lead=lead)

    def schema(self) -> JsonObject:
        """Return the JSON schema of an object whose `plan` is a list of calls; `read` reads it."""
        plan = {k: v for k, v in call_schema(self.offered(), with_count=False).items() if k != "$schema"}
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

        Of text, lines that are no call are taken for talk, as long as one is. A call that is made several
        times in a row counts as several.

        Raises:
            InvalidRecord: It holds no call that can be made now, or the first may not be chosen.
        """
        document = object_of(text)
        calls = self._of_lines(bare(text)) if document is None else self._of_document(document, bare(text))
        return self._allowed(calls)

    def _of_document(self, document: JsonObject, text: str) -> list[SkillCall]:
        plan = document.get("plan")
        if not isinstance(plan, list):
            raise InvalidRecord(f"the answer is {text[:200]!r}; expected an object with a plan")
        return [self._possible(_call_from(each)) for each in plan]

    def _of_lines(self, text: str) -> list[SkillCall]:
        calls, failure = [], InvalidRecord("the answer is empty; expected a call")
        for line in reversed([line for line in text.split("\n") if line.strip()]):
            try:
                calls.append(self._of_line(line.strip()))
            except (InvalidRecord, UnknownName) as error:
                failure = InvalidRecord(str(error))
        if not calls:
            raise failure
        return calls[::-1]

    def _of_line(self, line: str) -> SkillCall:
        """The call of a line: as it stands, else without a label or marks before and after it."""
        if any(line.startswith(f"{skill.name}(") for skill in self.skills):
            return self._possible(parse_call(line.rstrip("` ."), self.skills))
        return self._possible(parse_call(LABEL.sub("", line).strip("` ."), self.skills))

    def _possible(self, call: SkillCall) -> SkillCall:
        try:
            check_call(call, self.skills)
        except UnknownName as error:
            raise InvalidRecord(str(error)) from None
        parameters = {skill.name: skill.parameters for skill in self.skills}[call.name]
        return replace(call, arguments={p.name: _fitting(call.arguments[p.name], p) for p in parameters})

    def _allowed(self, calls: list[SkillCall]) -> tuple[SkillCall, ...]:
        """The plan, no longer than allowed."""
        if not calls:
            raise InvalidRecord("the plan is empty; expected at least one call")
        if replace(calls[0], count=1) in self.refused:
            raise InvalidRecord(f"{calls[0]} was made in this situation already; choose another call")
        plan, room = [], self.max_calls
        for call in calls:
            if room > 0:
                plan.append(replace(call, count=min(call.count, room)))
                room -= call.count
        return tuple(plan)


def _without(skill: Skill, refused: Iterable[SkillCall], at: int = 0) -> Iterator[Skill]:
    """Split a skill into such with fewer choices, whose calls together are all of its calls but the refused.

    At each argument in turn, the values that no refused call has stay together. Calls with an argument that
    lists no choices stay: they cannot be listed without the refused one.
    """
    refused = [call for call in refused if call.name == skill.name]
    if not refused or (at < len(skill.parameters) and not skill.parameters[at].choices):
        yield _closed(skill)
    elif at < len(skill.parameters):
        name = skill.parameters[at].name
        by_value: dict[str, list[SkillCall]] = {}
        for call in refused:
            by_value.setdefault(canonical(call.arguments.get(name)), []).append(call)
        choices = skill.parameters[at].choices
        untouched = tuple(value for value in choices if canonical(value) not in by_value)
        if untouched:
            yield _closed(_with(skill, at, untouched))
        for value in choices:
            if canonical(value) in by_value:
                yield from _without(_with(skill, at, (value,)), by_value[canonical(value)], at + 1)


def _with(skill: Skill, at: int, choices: tuple[JsonValue, ...]) -> Skill:
    parameters = list(skill.parameters)
    parameters[at] = replace(parameters[at], choices=choices)
    return replace(skill, parameters=tuple(parameters))


def _closed(skill: Skill) -> Skill:
    parameters = (replace(each, is_open=False) if each.choices else each for each in skill.parameters)
    return replace(skill, parameters=tuple(parameters))


def _call_from(document: object) -> SkillCall:
    if not isinstance(document, dict) or not set(document) <= {"name", "arguments", "count"}:
        raise InvalidRecord(
            f"{json.dumps(document, default=str)[:200]} is no call; expected name and arguments"
        )
    try:
        return SkillCall(**document)
    except TypeError as error:
        raise InvalidRecord(f"{json.dumps(document, default=str)[:200]} is no call: {error}") from None


def _fitting(value: JsonValue, parameter: Parameter) -> JsonValue:
    """The value of an argument without choices; `3` is a text where a text is wanted.

    Raises:
        InvalidRecord: It is of another type than the parameter.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if parameter.choices or parameter.type == "action":
        return value
    if parameter.type == "number":
        if not is_number:
            raise InvalidRecord(f"{parameter.name} is {value!r:.200}; expected a number")
        return value
    if isinstance(value, list | dict):
        raise InvalidRecord(f"{parameter.name} is {value!r:.200}; expected text")
    return value if isinstance(value, str) else canonical(value)
