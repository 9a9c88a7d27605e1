"""`call_grammar`: the calls of a moment as a grammar in GBNF, the notation of llama.cpp."""

from collections.abc import Sequence

from embodied_mem.records import SkillCall
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.skills import Parameter, Skill

FREE_TEXT = r'[^ (),"\x00-\x1F] [^(),"\x00-\x1F]*'  # an argument with no choices
NUMBER = '"-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,9})?'
ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def call_grammar(skills: Sequence[Skill], *, max_calls: int = 1, lead: str = "") -> str:
    """Return a grammar of one to `max_calls` calls, one a line, as `str(SkillCall)` writes them.

    It is written by skill and argument, because a flat list of all calls is slow to sample from. Arguments
    with equal choices share a rule.

    Args:
        skills: The skills; every combination of their choices is a call.
        max_calls: Largest number of calls, >= 1.
        lead: Text before the first call.
    """
    rules: dict[str, str] = {}  # body -> name
    calls = " | ".join(_call(skill, rules) for skill in skills)
    first = f"{_literal(lead)} call" if lead else "call"
    more = f' ("\\n" call){{0,{max_calls - 1}}}' if max_calls > 1 else ""
    lines = [f"root ::= {first}{more}", f"call ::= {calls}"]
    return "\n".join([*lines, *(f"{name} ::= {body}" for body, name in rules.items())]) + "\n"


def _call(skill: Skill, rules: dict[str, str]) -> str:
    names = [rules.setdefault(_value(parameter), f"r{len(rules)}") for parameter in skill.parameters]
    arguments = ' ", " '.join(names)
    return " ".join(filter(None, (_literal(f"{skill.name}("), arguments, _literal(")"))))


def _value(parameter: Parameter) -> str:
    if parameter.choices:
        return " | ".join(_literal(_argument(value)) for value in parameter.choices)
    return NUMBER if parameter.type == "number" else FREE_TEXT


def _argument(value: JsonValue) -> str:
    """A value as `str(SkillCall)` writes it."""
    return str(SkillCall("", {"": value}))[1:-1]


def _literal(text: str) -> str:
    return f'"{"".join(map(_character, text))}"'


def _character(character: str) -> str:
    """A character of a literal; llama.cpp knows fewer escapes than JSON."""
    if character < " ":
        return ESCAPES.get(character, f"\\x{ord(character):02X}")
    return ESCAPES.get(character, character)
