"""Import of optional packages, with the install command if one is missing."""

import importlib
from types import ModuleType

from embodied_mem.errors import MissingExtra


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional package.

    Raises:
        MissingExtra: The package is not installed; the message gives the install command.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        # Or a part of it: several packages share the top name of, say, langgraph.
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # the package is installed, one of its own imports is missing
        raise MissingExtra(
            f"{error.name} is not installed; run: pip install 'embodied-mem[{extra}]'"
        ) from error
