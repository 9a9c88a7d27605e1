"""Every place of the code where a test may kill: found by reading the sources, so that none is forgotten."""

import ast
import re
from pathlib import Path

import embodied_mem

PACKAGE = Path(embodied_mem.__file__).parent


def places_in_sources() -> dict[str, str]:
    """A pattern for the argument of each call of `failpoints.reach` -> where it is called."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoints.reach":
                found[_pattern(node.args[0])] = f"{path.relative_to(PACKAGE)}:{node.lineno}"
    return found


def is_reached(pattern: str, reached: "set[str]") -> bool:
    """Whether a place was reached that this pattern stands for."""
    return any(re.fullmatch(pattern, place) for place in reached)


def _pattern(argument: ast.expr) -> str:
    if isinstance(argument, ast.Constant):
        return re.escape(str(argument.value))
    assert isinstance(argument, ast.JoinedStr), f"a place must be a text: {ast.unparse(argument)}"
    parts = [
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[^:]+" for part in argument.values
    ]
    return "".join(parts)
