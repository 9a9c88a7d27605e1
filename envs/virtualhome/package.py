"""The package that ships the simulator, its home and its goals: found without importing it.

It asks for packages that only its planner and its language models need (808 MB in all). A pip extra cannot
leave them out, so `embodied-mem setup virtualhome` installs it alone.
"""

import random
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from embodied_mem.errors import MissingExtra

PACKAGE = "virtualhome-eval"
MODULE = "virtualhome_eval"
VERSION = "0.1.1"
LICENCE = "MIT"
DOWNLOAD_MB, DISK_MB = 27, 405
MODULES = ("environment", "execution", "scripts", "common")  # the fields of `Simulator`
SETUP_COMMAND = "embodied-mem setup virtualhome"


@dataclass(frozen=True, slots=True)
class Simulator:
    """The modules of the simulator.

    Attributes:
        environment: Graphs, states and relations.
        execution: What each action needs and does.
        scripts: The actions.
        common: Its clock, which keeps every measurement until it is told to forget them.
    """

    environment: ModuleType
    execution: ModuleType
    scripts: ModuleType
    common: ModuleType


def installed_version() -> str:
    """The installed version; empty if the package is missing. Imports nothing."""
    try:
        return version(PACKAGE) if find_spec(MODULE) is not None else ""
    except PackageNotFoundError:
        return ""


def what_is_missing() -> str:
    """What keeps the simulator from being used, in words; empty if nothing does."""
    found = installed_version()
    if not found:
        return f"{PACKAGE} is not installed"
    return "" if found == VERSION else f"{PACKAGE} {found} is installed; expected {VERSION}"


def package_folder() -> Path:
    """The folder of the package.

    Raises:
        MissingExtra: It is not installed, or in another version.
    """
    missing = what_is_missing()
    spec = find_spec(MODULE) if not missing else None
    if spec is None or spec.origin is None:
        raise MissingExtra(f"{missing or f'{MODULE} has no files'}; run: {SETUP_COMMAND}")
    return Path(spec.origin).parent


def load_simulator() -> Simulator:
    """Import the simulator's modules; they need numpy and nothing else.

    Raises:
        MissingExtra: The package is not installed, or in another version.
    """
    package_folder()
    state = random.getstate()
    try:
        modules = {name: import_module(f"{MODULE}.simulation.evolving_graph.{name}") for name in MODULES}
    finally:
        random.setstate(state)  # its module `utils` seeds Python's generator when it is imported
    return Simulator(**modules)
