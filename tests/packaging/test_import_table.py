"""The import table of docs/architecture.md: which room may know of which."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN = "embodied_mem"
ROOMS = ("core", "integrations", "envs", "planners", "experiments")
OUTSIDE = ("benchmarks", "tests")  # top-level folders that are not installed

# Who may import whom; a room may always import itself.
ALLOWED = {
    "core": set(),
    "integrations": {"core"},
    "envs": {"core"},
    "planners": {"core"},
    "experiments": {"core", "integrations", "envs", "planners"},
    "benchmarks": set(ROOMS),
}
COMMAND_LINE = ROOT / OWN / "__main__.py"  # starts the command line of the experiments

# Third-party packages that no room may use, and those that only one may.
BANNED = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "langchain_community"}
ONLY_IN = {
    "hydra": {"experiments"},
    "omegaconf": {"experiments"},
    "rich": {"experiments"},
    "minigrid": {"envs"},
    "torch": {"planners"},
}


def files_of(room: str) -> Iterator[Path]:
    """Python files of a room, each by its real path: the symlinks in the package are not followed."""
    if room != "core":
        yield from sorted((ROOT / OWN / room if room == "integrations" else ROOT / room).rglob("*.py"))
        return
    for entry in sorted((ROOT / OWN).iterdir()):
        if entry.name not in ROOMS and not entry.is_symlink():
            yield from sorted(entry.rglob("*.py")) if entry.is_dir() else [entry] * (entry.suffix == ".py")


def imports_of(file: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import in a file, also inside functions; a relative one starts with a dot."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield node.lineno, module
            if module == OWN:  # `from embodied_mem import envs` names a room, too
                yield from ((node.lineno, f"{OWN}.{alias.name}") for alias in node.names)


def room_of(module: str) -> str:
    """The room that a module of ours lies in."""
    second = [*module.split("."), ""][1]
    return second if second in ROOMS else "core"


def offence(module: str, room: str) -> str:
    """What is wrong with a room importing a module; empty if nothing is."""
    top = module.split(".")[0]
    if module.startswith("."):
        return "relative imports would make a second copy of each class; import from embodied_mem"
    if top in ROOMS:
        return f"reaches {top} as a top level; import it from embodied_mem"
    if top in OUTSIDE and room not in OUTSIDE:
        return f"{top} is not installed, so {room} may not know of it"
    if top in BANNED:
        return f"{top} is not used in this project"
    if top in ONLY_IN and room not in ONLY_IN[top] and room not in OUTSIDE:
        return f"{top} belongs to {', '.join(sorted(ONLY_IN[top]))}"
    if top == OWN and room_of(module) not in ALLOWED[room] | {room}:
        return f"{room} may not know of {room_of(module)}"
    return ""


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_the_table_allows(room):
    offences = [
        f"{file.relative_to(ROOT)}:{line} imports {module}: {problem}"
        for file in files_of(room)
        for line, module in imports_of(file)
        if file != COMMAND_LINE and (problem := offence(module, room))
    ]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("room", [room for room in ALLOWED if room != "integrations"])
def test_the_table_is_checked_against_files_that_exist(room):
    assert list(files_of(room))


@pytest.mark.parametrize(
    ("module", "room"),
    [
        ("embodied_mem.envs", "core"),
        ("embodied_mem.experiments.cli", "core"),
        ("embodied_mem.envs.minigrid", "planners"),
        ("embodied_mem.planners", "envs"),
        ("embodied_mem.planners", "integrations"),
        ("envs.minigrid", "experiments"),
        ("envs.minigrid", "benchmarks"),
        ("benchmarks.workload", "core"),
        ("benchmarks.workload", "experiments"),
        ("tests.durability.file_calls", "core"),
        (".records", "core"),
        ("pickle", "core"),
        ("pickle", "benchmarks"),
        ("hydra", "core"),
        ("minigrid.core", "planners"),
    ],
)
def test_the_table_refuses_what_it_should(module, room):
    assert offence(module, room)
