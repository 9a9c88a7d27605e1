"""The import table of docs/architecture.md: which room may import which."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN = "embodied_mem"
FOLDERS = ("core", "envs", "planners", "experiments")  # at the top of the repository; core is embodied_mem/
OUTSIDE = ("benchmarks", "examples", "tests")  # top-level folders that are not installed

# Which folder may import which; a folder may always import itself.
ALLOWED = {
    "core": set(),
    "envs": {"core"},
    "planners": {"core"},
    "experiments": {"core", "envs", "planners"},
    "benchmarks": set(FOLDERS),
    "examples": set(FOLDERS),
}

# The rooms of embodied_mem, lowest first: a module may import its own room and those listed before it, also
# inside functions; there are no exceptions. The first row holds single files, which may import one another.
ORDER = (
    ("errors", "registry", "optional", "failpoints"),
    ("records",),
    ("contracts",),
    ("text",),
    ("index",),
    ("embedders",),
    ("backends",),
    ("memory",),
    ("facts",),
    ("store",),
    ("recording",),
    ("isolation",),
    ("agent",),
    ("testing",),
    ("integrations",),
)
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
DOORS = {  # files beside the rooms, which may import any of them, and which no room imports
    "__init__": "gives the public names of every room, each loaded when it is first used",
    "__main__": "starts the command line of the experiments",
    "moved": "forwards the module paths of earlier versions",
}
OF_THE_PACKAGE = {"__version__"}  # the one name that rooms take from embodied_mem itself

# Third-party packages that no folder may use, and those that only one may.
BANNED = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "langchain_community"}
ONLY_IN = {
    "hydra": {"experiments"},
    "omegaconf": {"experiments"},
    "rich": {"experiments"},
    "minigrid": {"envs"},
    "textworld": {"envs"},
    "textworld_express": {"envs"},
    "scienceworld": {"envs"},
    "alfworld": {"envs"},
    "torch": {"planners"},
}


def files_of(folder: str) -> Iterator[Path]:
    """Python files of a folder, each by its real path: the symlinks in the package are not followed."""
    if folder != "core":
        yield from sorted((ROOT / folder).rglob("*.py"))
        return
    for entry in sorted((ROOT / OWN).iterdir()):
        if not entry.is_symlink():
            yield from sorted(entry.rglob("*.py")) if entry.is_dir() else [entry] * (entry.suffix == ".py")


def imports_of(file: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import in a file, also inside functions; a relative one starts with a dot.

    A name read from the package itself (`embodied_mem.MemoryStore`) counts too, as that loads its module.
    """
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == OWN:
            yield node.lineno, f"{OWN}.{node.attr}"
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if module == OWN:  # `from embodied_mem import envs` names a folder, too
                yield from ((node.lineno, f"{OWN}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def folder_of(module: str) -> str:
    """The top-level folder that a module of ours lies in."""
    second = [*module.split("."), ""][1]
    return second if second in FOLDERS else "core"


def room_of(module: str) -> str:
    """The room of embodied_mem that a module of it lies in; empty for the package itself."""
    return [*module.split("."), ""][1]


def module_of(file: Path) -> str:
    """The name under which a file of embodied_mem is imported."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def offence(module: str, folder: str) -> str:
    """What is wrong with a folder importing a module; empty if nothing is."""
    top = module.split(".")[0]
    if module.startswith("."):
        return "relative imports would make a second copy of each class; import from embodied_mem"
    if top in FOLDERS:
        return f"reaches {top} as a top level; import it from embodied_mem"
    if top in OUTSIDE and folder not in OUTSIDE:
        return f"{top} is not installed, so {folder} may not import it"
    if top in BANNED:
        return f"{top} is not used in this project"
    if top in ONLY_IN and folder not in ONLY_IN[top] and folder not in OUTSIDE:
        return f"{top} belongs to {', '.join(sorted(ONLY_IN[top]))}"
    if top == OWN and folder_of(module) not in ALLOWED[folder] | {folder}:
        return f"{folder} may not import {folder_of(module)}"
    return ""


def offence_in_the_house(importer: str, imported: str) -> str:
    """What is wrong with one module of embodied_mem importing another; empty if nothing is."""
    room, other = room_of(importer), room_of(imported)
    if room in DOORS or imported == OWN or other in OF_THE_PACKAGE:
        return ""
    if room not in LEVEL:
        return f"{room} has no place in ORDER; give it one here and in docs/architecture.md"
    if other not in LEVEL:
        return f"{imported} lies in no room; import a public name from the module that defines it"
    if LEVEL[other] > LEVEL[room]:
        return f"{room} lies below {other} and may not import it"
    return ""


def imports_between_modules() -> list[tuple[Path, int, str, str]]:
    """(file, line, importer, imported) of every import of embodied_mem by a module of it."""
    return [
        (file, line, module_of(file), module)
        for file in files_of("core")
        for line, module in imports_of(file)
        if module.split(".")[0] == OWN
    ]


def rooms_on_a_cycle(imports: set[tuple[str, str]]) -> set[str]:
    """The rooms that are left when those that import none of the others are taken away again and again."""
    left = set(chain.from_iterable(imports))
    while free := {room for room in left if not any((room, other) in imports for other in left)}:
        left -= free
    return left


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_only_what_the_table_allows(folder):
    offences = [
        f"{file.relative_to(ROOT)}:{line} imports {module}: {problem}"
        for file in files_of(folder)
        for line, module in imports_of(file)
        if file != ROOT / OWN / "__main__.py" and (problem := offence(module, folder))
    ]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("folder", ALLOWED)
def test_the_table_is_checked_against_files_that_exist(folder):
    assert list(files_of(folder))


def test_a_room_imports_only_itself_and_lower_rooms():
    offences = [
        f"{file.relative_to(ROOT)}:{line} imports {imported}: {problem}"
        for file, line, importer, imported in imports_between_modules()
        if (problem := offence_in_the_house(importer, imported))
    ]
    assert not offences, "\n".join(offences)


def test_rooms_do_not_import_one_another_in_a_circle():
    pairs = {(room_of(importer), room_of(imported)) for _, _, importer, imported in imports_between_modules()}
    assert not rooms_on_a_cycle(
        {(room, other) for room, other in pairs if room != other and room in LEVEL and other in LEVEL}
    )


def test_a_circle_is_found():
    assert rooms_on_a_cycle({("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")}) >= {"b", "c"}
    assert not rooms_on_a_cycle({("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")})


def test_every_room_has_a_place_and_every_place_a_room():
    rooms = {room_of(module_of(file)) for file in files_of("core")}
    assert rooms == set(LEVEL) | set(DOORS)


def test_the_floor_plan_lists_the_rooms_in_this_order():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.split("## The rooms")[1].split("\n## ")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    listed = [room.removesuffix(".py") for row in rows for room in re.findall(r"`([\w.]+)/?`", row)]
    assert listed == [*chain.from_iterable(ORDER), "planners", "envs", "experiments", "benchmarks"]


@pytest.mark.parametrize(
    ("module", "folder"),
    [
        ("embodied_mem.envs", "core"),
        ("embodied_mem.experiments.cli", "core"),
        ("embodied_mem.envs.minigrid", "planners"),
        ("embodied_mem.planners", "envs"),
        ("envs.minigrid", "experiments"),
        ("envs.minigrid", "benchmarks"),
        ("benchmarks.workload", "core"),
        ("benchmarks.workload", "experiments"),
        ("examples.survival_env", "envs"),
        ("tests.durability.file_calls", "core"),
        (".records", "core"),
        ("pickle", "core"),
        ("pickle", "benchmarks"),
        ("hydra", "core"),
        ("minigrid.core", "planners"),
    ],
)
def test_the_table_refuses_what_it_should(module, folder):
    assert offence(module, folder)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("embodied_mem.index.engine", "embodied_mem.backends.sqlite.read"),
        ("embodied_mem.records.log", "embodied_mem.contracts"),
        ("embodied_mem.errors", "embodied_mem.records"),
        ("embodied_mem.recording.recorder", "embodied_mem.agent.agent"),
        ("embodied_mem.store.folder", "embodied_mem.testing"),
        ("embodied_mem.records.log", "embodied_mem.moved"),
        ("embodied_mem.records.log", "embodied_mem.MemoryStore"),  # hides that it imports the store
        ("embodied_mem.attic.box", "embodied_mem.errors"),  # a room without a place
    ],
)
def test_the_order_refuses_what_it_should(importer, imported):
    assert offence_in_the_house(importer, imported)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("embodied_mem.agent.world_session", "embodied_mem.recording.describe"),
        ("embodied_mem.optional", "embodied_mem.errors"),
        ("embodied_mem.agent.agent", "embodied_mem"),  # what it reads of the package is looked at by itself
        ("embodied_mem.store.transfer.export_folder", "embodied_mem.__version__"),
        ("embodied_mem.__init__", "embodied_mem.store"),
    ],
)
def test_the_order_allows_what_it_should(importer, imported):
    assert not offence_in_the_house(importer, imported)
