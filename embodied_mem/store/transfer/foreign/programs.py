"""Programs over HELPER's `InteractionObject`, read as calls; they are parsed and never run."""

import ast
from collections.abc import Iterator

from embodied_mem.records.experience import SkillCall
from embodied_mem.records.json_values import JsonValue

MAX_CHARS = 20_000  # a longer one is no example


def calls_of(program: str) -> tuple[SkillCall, ...] | None:
    """Return the calls of a program in order; None if it says more than this small language can.

    The language: `x = InteractionObject("Mug", ...)`, `x = AgentCorrective()`, `x.method(y, ...)` and
    `function()`, with objects, texts and numbers as arguments. A call names the object by its category:
    `place(Mug, Sink)`.

    Args:
        program: The program, with comments.
    """
    if len(program) > MAX_CHARS:
        return None
    try:
        return tuple(_calls(ast.parse(program).body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _calls(statements: list[ast.stmt]) -> Iterator[SkillCall]:
    names: dict[str, str] = {}  # variable -> category
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(name)], value=ast.Call(func=ast.Name(made)) as call):
                names[name] = _category(made, call)
            case ast.Expr(ast.Call(func=ast.Attribute(value=ast.Name(name), attr=method)) as call):
                yield SkillCall(method, {"object": names.get(name, name), **_arguments(call, names)})
            case ast.Expr(ast.Call(func=ast.Name(function)) as call):
                yield SkillCall(function, _arguments(call, names))
            case _:
                raise ValueError(f"line {statement.lineno} is no call")


def _category(made: str, call: ast.Call) -> str:
    """Return what a variable stands for: the category of an object, or the agent itself."""
    match made, call.args:
        case "InteractionObject", [ast.Constant(str(category)), *_]:
            return category
        case "AgentCorrective", []:
            return "agent"
    raise ValueError(f"line {call.lineno} makes neither an object nor the agent")


def _arguments(call: ast.Call, names: dict[str, str]) -> dict[str, JsonValue]:
    places = ["target", *(f"argument_{number}" for number in range(2, len(call.args) + 1))]
    given: dict[str, JsonValue] = {
        place: _value(value, names) for place, value in zip(places, call.args, strict=False)
    }
    for keyword in call.keywords:
        if keyword.arg is None:
            raise ValueError(f"line {call.lineno} unpacks its arguments")
        given[keyword.arg] = _value(keyword.value, names)
    return given


def _value(node: ast.expr, names: dict[str, str]) -> JsonValue:
    match node:
        case ast.Name(name):
            return names.get(name, name)
        case ast.Constant(str() | int() | float() | bool() | None as value):
            return value
    raise ValueError(f"line {node.lineno} has an argument that is neither an object nor a text")
