"""`call_grammar`: the calls of a moment as a grammar in GBNF, the notation of llama.cpp."""

from collections.abc import Mapping, Sequence

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
    first = f"{literal(lead)} call" if lead else "call"
    more = f' ("\\n" call){{0,{max_calls - 1}}}' if max_calls > 1 else ""
    return grammar_of(
        {"root": f"{first}{more}", "call": calls, **{name: body for body, name in rules.items()}}
    )


def rooted(body: str, rules: Mapping[str, str] | None = None, *, lead: str = "") -> str:
    """Return a grammar of one body, with further rules.

    Args:
        body: The right-hand side of the root.
        rules: Name -> right-hand side.
        lead: Text before it.
    """
    return grammar_of({"root": f"{literal(lead)} {body}" if lead else body, **(rules or {})})


def grammar_of(rules: Mapping[str, str]) -> str:
    """Return rules as a grammar, one a line."""
    return "".join(f"{name} ::= {body}\n" for name, body in rules.items())


def _call(skill: Skill, rules: dict[str, str]) -> str:
    names = [rules.setdefault(_value(parameter), f"r{len(rules)}") for parameter in skill.parameters]
    arguments = ' ", " '.join(names)
    return " ".join(filter(None, (literal(f"{skill.name}("), arguments, literal(")"))))


def _value(parameter: Parameter) -> str:
    if parameter.choices:
        return " | ".join(literal(_argument(value)) for value in parameter.choices)
    return NUMBER if parameter.type == "number" else FREE_TEXT


def _argument(value: JsonValue) -> str:
    """A value as `str(SkillCall)` writes it."""
    return str(SkillCall("", {"": value}))[1:-1]


def literal(text: str) -> str:
    """Return a text as a literal of a grammar."""
    return f'"{"".join(map(_character, text))}"'


def _character(character: str) -> str:
    """A character of a literal; llama.cpp knows fewer escapes than JSON."""
    if character < " ":
        return ESCAPES.get(character, f"\\x{ord(character):02X}")
    return ESCAPES.get(character, character)
