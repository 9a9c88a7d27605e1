"""docs/architecture.md names files, functions and classes; each of them has to exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
STOPS = re.findall(r"`([\w/]+\.py)` `([\w.]+)`", TEXT)
SOURCES = [
    path
    for folder in ("embodied_mem", "envs", "planners", "experiments")
    for path in (ROOT / folder).rglob("*.py")
]


def names_in(path: Path) -> set[str]:
    """Every class, function and `Class.method` of a file."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            functions = (ast.FunctionDef, ast.AsyncFunctionDef)
            found |= {f"{node.name}.{item.name}" for item in node.body if isinstance(item, functions)}
    return found


@pytest.mark.parametrize(("file", "name"), STOPS)
def test_every_stop_on_the_way_exists(file, name):
    assert name in names_in(ROOT / file)


def test_the_way_has_its_stops():
    assert len(STOPS) >= 12


def test_every_class_the_contract_table_names_exists():
    table = TEXT.split("## The contracts")[1].split("Optional capabilities")[0]
    wanted = set(re.findall(r"`([A-Z]\w+)`", table))
    known = set().union(*(names_in(path) for path in SOURCES))
    assert wanted
    assert wanted <= known, f"not found: {sorted(wanted - known)}"


def test_every_file_that_is_named_exists():
    paths = re.findall(r"`((?:embodied_mem|envs|planners|experiments|benchmarks|tests)/[\w/.]+)`", TEXT)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
